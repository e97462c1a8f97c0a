"""Files of made-up learners: their size, their bytes, and that each source reads in them what the truth says."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import parquet

from headway.domain.errors import InputError, UnknownName
from headway.governance.pseudonyms import pseudonym
from headway.sources.csv_tables import CsvTables
from headway.sources.edx import Edx
from headway.sources.simulated import Simulated, planted_truth
from headway.sources.simulation import drafts
from headway.sources.simulation.acts import Act, acts_of, length_s
from headway.sources.simulation.events import all_events, events_of
from headway.sources.simulation.files import FORMS, PLANTED, Written, order_of, read_size, write_files
from headway.sources.simulation.forms import numbers_of
from headway.sources.simulation.knobs import Knobs, read_knobs
from headway.sources.simulation.lines import cut
from headway.sources.simulation.world import world_of
from headway.sources.source import Delivery, Request
from headway.sources.xapi import Xapi

KEY = b"k" * 32
OPTIONS = {"learners": "40", "runs": "2", "weeks": "6", "dead_feed": "2:10-14", "zone": "America/New_York"}
EVERY_FORM = pytest.mark.parametrize("form", sorted(FORMS))


def made(form: str, out: Path, options: dict[str, str] | None = None, **more: Any) -> Written:
    return write_files(order_of(form, OPTIONS if options is None else options, **more), out)


def deliveries(form: str, out: Path) -> list[Delivery]:
    """What the sources read by the commands that `simulate` names."""
    calendar = {"calendar": str(out / "calendar.csv")}
    if form == "edx":
        return list(Edx().read(Request([out / "logs", out / "tables"], calendar, pseudonym_key=KEY)))
    if form == "csv":
        return list(CsvTables().read(Request([out], {"map": str(out / "mapping.toml")}, pseudonym_key=KEY)))
    results = CsvTables().read(Request([out], {"map": str(out / "outcomes.toml")}, pseudonym_key=KEY))
    return [*Xapi().read(Request([out / "statements"], calendar, pseudonym_key=KEY)), *results]


def imported(form: str, out: Path) -> dict[str, pa.Table]:
    found: dict[str, list[pa.Table]] = {}
    for delivery in deliveries(form, out):
        assert delivery.rejects.to_pylist() == []
        found.setdefault(delivery.kind, []).append(delivery.records.read_all())
    return {kind: pa.concat_tables(tables) for kind, tables in found.items()}


def contents(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


@EVERY_FORM
def test_sources_read_every_line_and_find_what_is_true(form: str, tmp_path: Path) -> None:
    written = made(form, tmp_path / "out")
    found = imported(form, tmp_path / "out")
    truth = parquet.read_table(tmp_path / "out" / "truth.parquet")
    assert truth.schema == PLANTED
    ids = {(row["run"], f"{form}/{pseudonym(row['native_id'], KEY)}"): row for row in truth.to_pylist()}
    assert len(ids) == written.learners == 80
    enrolled = found["enrolments"].filter(pc.equal(found["enrolments"]["status"], "enrolled"))
    assert Counter(zip(enrolled["run"].to_pylist(), enrolled["learner"].to_pylist(), strict=True)) == Counter(list(ids))
    gone = found["enrolments"].filter(pc.equal(found["enrolments"]["status"], "withdrawn"))
    left = {(row["run"], row["learner"]): row["valid_from_on"] for row in gone.to_pylist()}
    assert left == {key: row["withdrew_on"] for key, row in ids.items() if row["withdrew_on"]}
    acts = found["statements"].filter(pc.greater(found["statements"]["interactions"], 0))
    days = acts.group_by(["run", "learner", "occurred_on"]).aggregate([]).to_pylist()
    active = Counter((row["run"], row["learner"]) for row in days)
    assert active == {key: row["active_days"] for key, row in ids.items() if row["active_days"]}
    labels = {(row["run"], row["learner"]): row["label"] for row in found["outcomes"].to_pylist()}
    told = {key: row["label"] for key, row in ids.items() if form != "edx" or row["label"] != "withdrawn"}
    assert labels == told, "Open edX knows of a withdrawal by the enrolment alone"


@EVERY_FORM
def test_files_tell_what_the_simulated_records_tell(form: str, tmp_path: Path) -> None:
    made(form, tmp_path / "out")
    found = imported(form, tmp_path / "out")
    world = world_of(read_knobs(OPTIONS))
    blocks = [block for run in world.runs for block in world.blocks(run)]
    events = [events_of(block, world) for block in blocks]
    active = sum(len(set(zip(one.who.tolist(), one.day.tolist(), strict=True))) for one in events)
    acts = found["statements"].filter(pc.greater(found["statements"]["interactions"], 0))
    assert acts.group_by(["run", "learner", "occurred_on"]).aggregate([]).num_rows == active
    verbs = Counter(acts["verb"].to_pylist())
    assert verbs["played"] == sum(int((one.verb == 1).sum()) for one in events)
    assert verbs["posted"] + verbs["replied"] == sum(int((one.verb == 3).sum()) for one in events)
    assert verbs["paused"] + verbs["completed"] == verbs["played"] > 3 * verbs["seeked"] - 40 > 0
    runs = {row["run"].split("/")[-1]: row for row in found["course_runs"].to_pylist()}
    assert {name: (row["starts_on"], row["ends_on"], row["zone"]) for name, row in runs.items()} == {
        run.name: (run.starts_on, run.ends_on, run.zone) for run in world.runs
    }
    known = acts.group_by([]).aggregate([("recorded_at", "max"), ("occurred_at", "min")])
    assert known["recorded_at_max"][0].as_py() > known["occurred_at_min"][0].as_py()


def test_tables_hold_the_simulated_records_of_every_other_kind(tmp_path: Path) -> None:
    made("csv", tmp_path / "out")
    found = imported("csv", tmp_path / "out")
    records: dict[str, list[pa.Table]] = {}
    for delivery in Simulated().read(Request([], OPTIONS)):
        records.setdefault(delivery.kind, []).append(delivery.records.read_all())
    columns = {
        "enrolments": ["status", "occurred_at", "recorded_at", "valid_from_on"],
        "attributes": ["name", "value", "sensitive", "occurred_at", "recorded_at"],
        "results": ["activity", "attempt", "score", "submitted_at", "released_at", "submitted_on"],
        "outcomes": ["label", "final_score", "occurred_at", "recorded_at"],
        "activities": ["activity", "type", "title", "opens_on", "closes_on", "due_on", "weight", "recorded_at"],
    }
    for kind, names in columns.items():
        theirs = pa.concat_tables(records[kind]).select(names).to_pylist()
        assert Counter(map(str, found[kind].select(names).to_pylist())) == Counter(map(str, theirs)), kind


@EVERY_FORM
def test_equal_orders_give_equal_bytes(form: str, tmp_path: Path) -> None:
    made(form, tmp_path / "one", packed=True)
    made(form, tmp_path / "two", packed=True)
    made(form, tmp_path / "plain")
    one, two, plain = (contents(tmp_path / name) for name in ("one", "two", "plain"))
    assert one == two
    packed = [name for name in one if name.endswith(".gz")]
    assert len(packed) == 2
    assert all(gzip.decompress(one[name]) == plain[name.removesuffix(".gz")] for name in packed)
    made(form, tmp_path / "other", {**OPTIONS, "seed": "2"})
    assert contents(tmp_path / "other")["truth.json"] != plain["truth.json"]
    assert sorted(plain) == sorted(order_of(form, OPTIONS).files())


@EVERY_FORM
def test_the_size_is_met_within_a_tenth(form: str, tmp_path: Path) -> None:
    options = {"learners": "300", "runs": "2", "weeks": "4"}
    order = order_of(form, options, size="3MB")
    written = write_files(order, tmp_path / "out")
    files = [tmp_path / "out" / order.statements_file(run) for run in order.world.runs]
    assert written.size == pytest.approx(3e6, rel=0.1)
    header = len(order.form.header) + 1 if order.form.header else 0
    assert sum(path.stat().st_size for path in files) == written.size + header * len(files)
    told = json.loads((tmp_path / "out" / "truth.json").read_text())
    assert told["bytes"] == written.size
    # The options told make the same people with the same fates.
    again = planted_truth(told["options"])
    truth = parquet.read_table(tmp_path / "out" / "truth.parquet")
    assert truth.select(["learner", "label", "risk"]) == again.select(["learner", "label", "risk"])


def test_a_size_that_cannot_be_met_says_what_can() -> None:
    with pytest.raises(InputError, match=r"These learners write from .* MB to .* MB, not 5GB"):
        order_of("edx", {"learners": "5", "runs": "1", "weeks": "2"}, size="5GB")
    with pytest.raises(InputError, match="Give one of them"):
        order_of("edx", {"pace": "2"}, size="5GB")
    with pytest.raises(InputError, match="Write for example 200MB"):
        read_size("much")
    assert [read_size(text) for text in ("1.5GB", "200 mb", "1KiB", "7B")] == [1_500_000_000, 200_000_000, 1024, 7]


def test_an_unknown_format_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="'xapi'"):
        order_of("xpai", {})
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="Name a new or empty folder"):
        made("csv", tmp_path)
    assert contents(tmp_path) == {"file": b"mine"}


def test_acts_are_those_of_the_events() -> None:
    world = world_of(read_knobs({"learners": "200", "runs": "1"}))
    block = world.block(world.runs[0], 0)
    events = events_of(block, world)
    acts = acts_of(block, world, events)
    assert (np.diff(acts.at_us) >= 0).all()
    assert (acts.known_us >= acts.at_us).all()
    watched = (acts.act == Act.PAUSED) | (acts.act == Act.SAW_WHOLE)
    lengths = np.array([length_s(int(number)) for number in acts.thing[watched]])
    assert (acts.position[watched] <= lengths).all()
    assert (acts.position[acts.act == Act.SAW_WHOLE] == lengths[acts.act[watched] == Act.SAW_WHOLE]).all()
    # Who answers a thread answers one that somebody opened before, or that of staff.
    opened = dict(zip(acts.own[acts.act == Act.OPENED], acts.at_us[acts.act == Act.OPENED], strict=True))
    replies = np.flatnonzero(acts.act == Act.REPLIED)
    answered = [
        (opened[about], at)
        for about, at in zip(acts.other[replies], acts.at_us[replies], strict=True)
        if about in opened
    ]
    assert all(before < at for before, at in answered)
    assert len(answered) > 0.9 * len(replies)
    # The tries of a learner at one practice are numbered without a gap.
    tries: dict[tuple[int, int], list[int]] = {}
    for place in np.flatnonzero((acts.act >= Act.NONE_RIGHT) & (acts.act <= Act.ALL_RIGHT)):
        tries.setdefault((int(acts.who[place]), int(acts.thing[place])), []).append(int(acts.attempt[place]))
    assert all(sorted(each) == list(range(1, len(each) + 1)) for each in tries.values())
    assert max(map(len, tries.values())) > 1


def test_a_template_is_cut_at_its_slots() -> None:
    assert cut("#at#", ["user", "at"]) == ["", None, ""]
    with pytest.raises(ValueError, match="not in list"):
        cut("#at##user#", ["user", "at"])


OFF = {"pace": "1", "drift": "0", "drift_pace": "1", "drift_from": "0", "contact_effect": "0", "contact_share": "0"}


def test_planted_faults_that_are_off_change_nothing() -> None:
    plain, off = (world_of(read_knobs({"learners": "60", "runs": "2", **more})) for more in ({}, OFF))
    for one, other in zip(plain.runs, off.runs, strict=True):
        for draft in drafts.DRAFTS.values():
            assert draft(plain.block(one, 0), plain) == draft(off.block(other, 0), off)
    assert Knobs().fingerprint == 3_161_215_029, "people keep the pseudonyms of the first landing"


def test_drift_changes_what_behaviour_means_or_how_it_looks() -> None:
    def share_and_clicks(**knobs: str) -> list[tuple[float, int]]:
        world = world_of(read_knobs({"learners": "1000", "runs": "3", **knobs}))
        blocks = [world.block(run, 0) for run in world.runs]
        return [(1 - float(b.fate.finished.mean()), len(events_of(b, world).who)) for b in blocks]

    plain, meant, seen = share_and_clicks(), share_and_clicks(drift="1.5"), share_and_clicks(drift_pace="0.5")
    assert meant[:2] == plain[:2]
    assert meant[2][0] > plain[2][0] + 0.15
    assert seen[:2] == plain[:2]
    assert seen[2][0] == plain[2][0]
    assert 0.4 < seen[2][1] / plain[2][1] < 0.65
    early = share_and_clicks(drift="1.5", drift_from="2")
    assert early[0] == plain[0]
    assert early[1][0] > plain[1][0] + 0.15


def test_a_dead_feed_loses_the_clicks_of_its_days_and_nothing_else(tmp_path: Path) -> None:
    written = made("csv", tmp_path / "out")
    whole = world_of(read_knobs({name: value for name, value in OPTIONS.items() if name != "dead_feed"}))
    events = all_events(whole.block(whole.runs[1], 0), whole)
    dead = (events.day >= 10) & (events.day <= 14)
    lost = parquet.read_table(tmp_path / "out" / "truth.parquet")["lost_statements"].to_pylist()
    assert sum(lost) == dead.sum() > 0
    assert lost[40:] == np.bincount(events.who[dead], minlength=40).tolist()
    assert [run["lost_statements"] for run in written.truth["runs"]] == [0, sum(lost)]
    assert written.truth["runs"][1]["dead_days"] == [10, 14]
    days = {row["occurred_on"] for row in imported("csv", tmp_path / "out")["statements"].to_pylist()}
    start = whole.runs[1].starts_on.toordinal()
    assert not {day.toordinal() for day in days} & set(range(start + 10, start + 15))


def test_a_contact_helps_by_its_effect_and_leaves_no_trace_unless_asked_for() -> None:
    options = {"learners": "1000", "runs": "2"}
    plain = planted_truth(options)
    effect = planted_truth({**options, "contact_effect": "1.5"})
    names = ["label", "hazard", "finish_probability", "risk", "withdrew_on"]
    assert effect.select(names) == plain.select(names)
    assert plain["finished_if_contacted"] == plain["finished_if_not_contacted"] == plain["finished"]
    alone, helped = (np.array(effect[f"finished_if{name}_contacted"].to_pylist()) for name in ("_not", ""))
    assert (helped >= alone).all()
    assert helped.mean() > alone.mean() + 0.02
    assert helped.mean() == pytest.approx(np.mean(effect["finish_probability_if_contacted"].to_pylist()), abs=0.04)
    tried = planted_truth({**options, "contact_effect": "1.5", "contact_share": "0.5"})
    was = np.array([day is not None for day in tried["contacted_on"].to_pylist()])
    ends = np.array(tried["finished"].to_pylist())
    assert 0.35 < was.mean() < 0.5
    # In the second run other people come back, for a contact has kept some of them from leaving the first.
    assert (ends[:1000] == np.where(was, helped[: len(was)], alone[: len(was)])[:1000]).all()


def test_the_risk_of_a_week_is_the_chance_of_not_finishing_from_there() -> None:
    truth = planted_truth({"learners": "3000", "runs": "1"})
    risk = np.array(truth["risk"].to_pylist())
    assert ((risk > 0) & (risk < 1)).all()
    assert risk[:, 0] == pytest.approx(1 - np.array(truth["finish_probability"].to_pylist()))
    there = np.array([row is None for row in truth["decided_on"].to_pylist()])
    assert (~np.array(truth["finished"].to_pylist()))[there].mean() < risk[:, 0].mean()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dead_feed": "week 3"}, "dead_feed=3:28-34"),
        ({"dead_feed": "9:0-3"}, "names a run or day that is not there"),
        ({"drift_from": "9"}, "there are 4 runs"),
        ({"contact_effect": "1", "contact_week": "13"}, "after the last week"),
        ({"pace": "100"}, "out of range"),
    ],
)
def test_knobs_that_do_not_fit_are_named_with_their_fix(options: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_knobs(options)


def test_knobs_survive_being_told_as_text() -> None:
    knobs = read_knobs({**OPTIONS, "drift": "0.5", "start": "2024-09-01"})
    assert read_knobs(knobs.as_text()) == knobs
    assert len(numbers_of(["simulated/000000ff", "simulated/ffffffff"])) == 2
    assert numbers_of(["simulated/000000ff", "simulated/ffffffff"]).tolist() == [255, 2**32 - 1]
