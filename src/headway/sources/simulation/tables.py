"""The simulator as delimited tables with a ready mapping for the source `csv`, and the final results for other formats.

Every record kind of the simulated source has its table. The numbers of learners are those of the other formats; the
mapping says that they name people, so that a keyed hash stands for them in the lake.
"""

from datetime import timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headway.sources.simulation import drafts, edx_log, xapi_log
from headway.sources.simulation.acts import Act, utc_us
from headway.sources.simulation.forms import ORGANISATION, Thing, numbers_of, things_of
from headway.sources.simulation.lines import Template
from headway.sources.simulation.plan import ANNOUNCED_DAYS, Run
from headway.sources.simulation.weeks import DISTINCTION_MARK, PASS_MARK
from headway.sources.simulation.world import Block, World

ORDER: Final = ("own", "user", "own", "other", "at", "known", "seconds", "score", "progress", "position", "origin")
HEADER: Final = (
    "id,course,run,learner,event,verb,object,object_type,parent,happened_at,known_at,duration_s,score,success,progress,"
    "position_s,from_s"
)
KINDS: Final = {
    "enrolments": ("status",),
    "attributes": ("name", "value", "sensitive"),
    "results": ("activity", "attempt", "score"),
    "outcomes": ("label", "final_score"),
}
"""Kinds that have a table besides the statements, and their own columns."""

_VERBS: Final = {
    **dict.fromkeys((Act.VIEWED, Act.WENT_ON, Act.READ), "viewed"),
    **dict.fromkeys((Act.NONE_RIGHT, Act.ONE_RIGHT, Act.TWO_RIGHT, Act.ALL_RIGHT), "answered"),
    Act.OPENED: "posted",
    Act.REPLIED: "replied",
    Act.PLAYED: "played",
    Act.SEEKED: "seeked",
    Act.PAUSED: "paused",
    Act.SAW_WHOLE: "completed",
    Act.SUBMITTED: "submitted",
}
_TELLING: Final = "course,run,learner"

MAPPING: Final = """# How headway reads these tables: headway import csv -o map=mapping.toml
source_name = "csv"
zone = "{zone}"

[[table]]
file = "runs.csv"
kind = "course_runs"
run = "{{source_name}}/{{course}}/{{run}}"
occurred_at = "known_at"

[table.columns]
title = "title"
institution = "institution"
starts_on = "starts_on"
ends_on = "ends_on"
zone = "zone"

[[table]]
file = "activities.csv"
kind = "activities"
run = "{{source_name}}/{{course}}/{{run}}"
occurred_at = "known_at"
native_id = ["activity"]

[table.columns]
activity = "activity"
type = "type"
title = "title"
opens_on = "opens_on"
closes_on = "closes_on"
due_at = "due_at"
weight = "weight"

[[table]]
file = "enrolments.csv"
kind = "enrolments"
run = "{{source_name}}/{{course}}/{{run}}"
learner = "learner"
learner_is_pseudonym = false
occurred_at = "happened_at"
recorded_at = "known_at"
columns = {{ status = "status" }}

[[table]]
file = "attributes.csv"
kind = "attributes"
run = "{{source_name}}/{{course}}/{{run}}"
learner = "learner"
learner_is_pseudonym = false
occurred_at = "happened_at"
recorded_at = "known_at"
columns = {{ name = "name", value = "value", sensitive = "sensitive" }}

[[table]]
file = "statements-*.csv*"
kind = "statements"
run = "{{source_name}}/{{course}}/{{run}}"
learner = "learner"
learner_is_pseudonym = false
native_id = ["id"]
occurred_at = "happened_at"
recorded_at = "known_at"

[table.columns]
event = "event"
verb = "verb"
object = "object"
object_type = "object_type"
parent = "parent"
duration_s = "duration_s"
score = "score"
success = "success"
progress = "progress"
position_s = "position_s"
from_s = "from_s"

[[table]]
file = "results.csv"
kind = "results"
run = "{{source_name}}/{{course}}/{{run}}"
learner = "learner"
learner_is_pseudonym = false
occurred_at = "happened_at"
recorded_at = "known_at"

[table.columns]
activity = "activity"
attempt = "attempt"
score = "score"
submitted_at = "happened_at"
released_at = "known_at"

[[table]]
file = "outcomes.csv"
kind = "outcomes"
run = "{{source_name}}/{{course}}/{{run}}"
learner = "learner"
learner_is_pseudonym = false
occurred_at = "happened_at"
recorded_at = "known_at"
columns = {{ label = "label", final_score = "final_score" }}
"""

OUTCOMES_MAPPING: Final = """# The final results of these learners: headway import csv -o map=outcomes.toml
source_name = "xapi"
zone = "{zone}"

[[table]]
file = "outcomes.csv"
kind = "outcomes"
run = "{{source_name}}/{{course}}/{{run}}"
learner = "learner"
learner_is_pseudonym = false
occurred_at = "happened_at"
recorded_at = "known_at"
columns = {{ label = "label", final_score = "final_score" }}
"""


def native_run(run: Run) -> str:
    """The run as the source `csv` calls it."""
    return f"csv/{run.course.code}/{run.name}"


def template_of(run: Run) -> Template:
    """The templates of a run's statements, a row each."""
    things = things_of(run)
    return lambda act, thing: _row(run, Act(act), things[thing])


def _row(run: Run, act: Act, thing: Thing) -> str | None:
    if act not in _VERBS:
        return None
    named, kind, parent = thing.name, thing.type, ""
    if act in (Act.READ, Act.OPENED):
        named, kind, parent = f"thread-#{'own' if act is Act.OPENED else 'other'}#", "thread", thing.name
    elif act is Act.REPLIED:
        named, kind, parent = "post-#own#", "message", "thread-#other#"
    score = "" if act is Act.SUBMITTED else "#score#"
    success = str(act > Act.NONE_RIGHT).lower() if Act.NONE_RIGHT <= act <= Act.ALL_RIGHT else ""
    word = act.name.lower().replace("_", "-")
    told = f"{act:02}-#own#,{run.course.code},{run.name},#user#,{word},{_VERBS[act]},{named},{kind},{parent}"
    return f"{told},#at#,#known#,#seconds#,{score},{success},#progress#,#position#,#origin#"


def header_of(kind: str) -> str:
    """The header of the table of a kind."""
    return ",".join([_TELLING, *KINDS[kind], "happened_at", "known_at"])


def rows_of(kind: str, block: Block, world: World) -> pa.Table:
    """The rows of the table of a kind."""
    draft, run = drafts.DRAFTS[kind](block, world), block.run
    size = draft.num_rows
    happened, known = _moments(run, draft)
    return pa.table(
        {
            "course": pa.array([run.course.code] * size),
            "run": pa.array([run.name] * size),
            "learner": numbers_of(draft["learner"].to_pylist()),
            **{name: draft[name] for name in KINDS[kind]},
            "happened_at": happened,
            "known_at": known,
        }
    )


def _moments(run: Run, draft: pa.Table) -> tuple[pa.Array, pa.Array]:
    first = np.datetime64(run.starts_on.isoformat(), "us").astype(np.int64)
    local = draft["occurred_at"].cast(pa.int64()).to_numpy() - first
    at = utc_us(run, local)
    known = at + draft["delay_us"].to_numpy()
    return pa.array(at).cast(pa.timestamp("us")), pa.array(known).cast(pa.timestamp("us"))


def runs_table(world: World) -> str:
    """The text of `runs.csv`."""
    lines = ["course,run,title,institution,starts_on,ends_on,zone,known_at"]
    for run in world.runs:
        known = f"{run.starts_on - timedelta(days=ANNOUNCED_DAYS)}T09:00:00"
        title = f'"{run.course.title}, {run.name}"'
        dates = f"{run.starts_on},{run.ends_on},{run.zone},{known}"
        lines.append(f"{run.course.code},{run.name},{title},{ORGANISATION},{dates}")
    return "\n".join(lines) + "\n"


def activities_table(world: World) -> str:
    """The text of `activities.csv`."""
    lines = ["course,run,activity,type,title,opens_on,closes_on,due_at,weight,known_at"]
    for run in world.runs:
        for row in drafts.activities(run).to_pylist():
            due = "" if row["due_at"] is None else row["due_at"].isoformat()
            told = [row["activity"], row["type"], f'"{row["title"]}"', row["opens_on"], row["closes_on"] or "", due]
            weight = "" if row["weight"] is None else repr(row["weight"])
            cells = [run.course.code, run.name, *told, weight, row["occurred_at"].isoformat()]
            lines.append(",".join(map(str, cells)))
    return "\n".join(lines) + "\n"


def calendar_table(world: World, names: dict[str, str]) -> str:
    """The text of `calendar.csv`, for sources of events; `names` has the run ids of the format by the simulator's."""
    lines = ["run,title,starts_on,ends_on,zone"]
    lines += [
        f'{names[run.id]},"{run.course.title}, {run.name}",{run.starts_on},{run.ends_on},{run.zone}'
        for run in world.runs
    ]
    return "\n".join(lines) + "\n"


CERTIFICATES_HEADER: Final = "user_id\tcourse_id\tgrade\tstatus\tdistinction\tmodified_date"


def certificates_of(block: Block, world: World) -> pa.Table:
    """The certificates of Open edX, of who did not withdraw: passed or not, known when the board has decided."""
    run, fate = block.run, block.fate
    stayed = np.flatnonzero(fate.left_day >= run.days)
    score = fate.final_score[stayed]
    _, known = _moments(run, drafts.outcomes(block, world))
    return pa.table(
        {
            "user_id": numbers_of(block.learner)[stayed],
            "course_id": pa.array([edx_log.course_key(run)] * len(stayed)),
            "grade": score,
            "status": np.where(score >= PASS_MARK, "downloadable", "notpassing"),
            "distinction": np.where(score >= DISTINCTION_MARK, 1, 0),
            "modified_date": known.take(pa.array(stayed)),
        }
    )


def xapi_outcomes_of(block: Block, world: World) -> pa.Table:
    """The rows of `outcomes` under the accounts that statements name, so that their hash is the same learner's."""
    rows = rows_of("outcomes", block, world)
    accounts = pc.binary_join_element_wise(xapi_log.native_id(""), rows["learner"].cast(pa.string()), "")
    rows = rows.set_column(rows.schema.get_field_index("learner"), "learner", accounts)
    course = pa.array([f"{ORGANISATION}+{block.run.course.code}"] * len(rows))
    return rows.set_column(rows.schema.get_field_index("course"), "course", course)
