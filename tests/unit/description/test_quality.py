"""The profile: what was planted in the records is found, counted, and told in people."""

import json
from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from headway.description.quality import Profile, as_json, profile
from headway.description.quality_facts import SEVERITIES, Finding
from headway.domain.records import KINDS
from headway.domain.time import AsOf
from tests.support.memory import Memory
from tests.support.simulation import runs_of, simulated
from tests.support.tiny import RUN, ZONE, History, at, end_of, on

Tables = dict[str, pa.Table]
NOW = AsOf.at("2030-01-01")


def profiled(tables: Tables, now: AsOf = NOW, rejects: list[tuple[str, str, str, int]] | None = None) -> Profile:
    with Memory(tables) as records:
        return profile(records, runs_of(tables), now, rejects or [])


def found(made: Profile) -> dict[str, Finding]:
    return {finding.code: finding for finding in made.findings}


def course(learners: int = 12, days: int = 20, **columns: Any) -> History:
    """Learners who view one listed page a day, with the assessment, marks and outcomes that a finished run has."""
    history = History().add("activities", at(-40), activity="p1", type="page").plan("w1", 20)
    for number in range(learners):
        learner = f"l{number}"
        history.enrol(learner).end(learner, "pass")
        history.hand_in(learner, "w1", 19).mark(learner, "w1", 19, 0.7, 25)
        for day in range(days):
            told: dict[str, Any] = {"object": "p1", "hour": (8 + number) % 24}
            history.act(learner, day, **(told | columns))
    return history


def without(tables: Tables, drop: Callable[[pa.Table], pa.ChunkedArray]) -> Tables:
    """The tables with fewer statements."""
    return tables | {"statements": tables["statements"].filter(pc.invert(drop(tables["statements"])))}


def test_a_healthy_world_stops_nobody() -> None:
    made = profiled(simulated(learners="60", runs="2", weeks="10", seed="5"))
    assert made.severity == "ok"
    # Made-up learners who never start; and the simulator puts what is past midnight at its last second.
    assert set(found(made)) <= {"never_active", "duplicate"}


def test_a_dead_feed_is_told_in_learners() -> None:
    tables = simulated(learners="200", runs="3", weeks="10", seed="4")
    runs = tables["course_runs"].to_pylist()
    begin = runs[1]["starts_on"] + timedelta(days=24)
    end = begin + timedelta(days=5)
    dead = without(
        tables,
        lambda rows: pc.and_(
            pc.equal(rows["run"], runs[1]["run"]),
            pc.and_(pc.greater_equal(rows["occurred_on"], begin), pc.less_equal(rows["occurred_on"], end)),
        ),
    )
    made = profiled(dead)
    gap = found(made)["feed_gap"]
    assert made.severity == gap.severity == "stop"
    assert (gap.runs, gap.count) == ((runs[1]["run"],), 6)
    assert gap.people == found_people(made, runs[1]["run"])
    assert f"to {end.day} {end:%B %Y}" in gap.sentence
    assert gap.means == f"{gap.people} learners look silent who were not."


def found_people(made: Profile, run: str) -> int:
    return next(each.told("listed") for each in made.runs if each.run == run)


def test_equal_gaps_of_several_runs_are_told_once() -> None:
    tables = simulated(learners="150", courses="2", runs="1", weeks="10", seed="4")
    begin = tables["course_runs"].to_pylist()[0]["starts_on"] + timedelta(days=20)
    silent = [begin + timedelta(days=day) for day in range(4)]
    made = profiled(without(tables, lambda rows: pc.is_in(rows["occurred_on"], pa.array(silent))))
    gaps = [finding for finding in made.findings if finding.code == "feed_gap"]
    assert [(len(gap.runs), gap.count) for gap in gaps] == [(2, 4)]
    assert gaps[0].sentence.startswith("In 2 runs no activity")


def test_a_running_run_whose_log_stopped() -> None:
    tables = simulated(learners="150", runs="1", weeks="10", seed="4")
    start = tables["course_runs"].to_pylist()[0]["starts_on"]
    last = start + timedelta(days=30)
    stopped = without(tables, lambda rows: pc.greater(rows["occurred_on"], last))
    made = found(profiled(stopped, AsOf.at((last + timedelta(days=14)).isoformat(), "Europe/London")))
    assert made["stale"].severity == "stop"
    assert made["feed_silent_at_end"].severity == "stop"
    assert "may look silent who were not" in made["feed_silent_at_end"].means


def test_days_that_are_not_over_or_not_yet_due_are_not_judged() -> None:
    tables = simulated(learners="150", runs="1", weeks="10", seed="4")
    start = tables["course_runs"].to_pylist()[0]["starts_on"]
    noon = AsOf.at(f"{start + timedelta(days=30)}T12:00:00", "Europe/London")
    cut = without(tables, lambda rows: pc.greater(rows["recorded_at"], pa.scalar(noon.instant)))
    made = profiled(cut, noon)
    assert {"stale", "feed_silent_at_end"}.isdisjoint(found(made))
    assert made.runs[0].feed is not None
    assert made.runs[0].feed.day(len(made.runs[0].feed.seen) - 1) < start + timedelta(days=30)


def test_a_run_without_a_log_cannot_be_scored() -> None:
    tables = simulated(learners="80", runs="2", weeks="8", seed="4")
    silent = runs_of(tables)[0]
    made = found(profiled(without(tables, lambda rows: pc.equal(rows["run"], silent))))
    assert made["no_activity"].runs == (silent,)
    assert made["no_activity"].people == 80
    assert "80 learners cannot be scored" in made["no_activity"].means


def test_hand_ins_alone_are_no_activity() -> None:
    history = History().enrol("a").hand_in("a", "w1", 5)
    assert "no_activity" in found(profiled(history.tables()))


def test_a_run_that_has_just_begun_may_have_no_activity() -> None:
    tables = History().enrol("a").tables()
    assert "no_activity" not in found(profiled(tables, end_of(1)))
    assert "no_activity" in found(profiled(tables, end_of(4)))


def test_activity_without_enrolments_cannot_be_scored() -> None:
    tables = course(learners=3).tables()
    made = found(profiled(tables | {"enrolments": KINDS["enrolments"].schema.empty_table()}))
    assert made["no_enrolments"].severity == "stop"
    assert made["no_enrolments"].people == 3


def test_strangers_are_few_or_two_systems_name_people_differently() -> None:
    few = course(learners=50).act("guest", 3, object="p1", hour=9)
    assert found(profiled(few.tables()))["orphan"].people == 1
    apart = course(learners=5)
    for number in range(5):
        apart.enrol(f"roster-{number}").act(f"log-{number}", 3, object="p1", hour=9)
    made = found(profiled(apart.tables()))
    assert made["ids_do_not_match"].severity == "stop"
    assert "orphan" not in made
    assert "never_active" not in made


def test_who_never_did_anything_is_named_without_alarm() -> None:
    made = found(profiled(course(learners=9).enrol("quiet").tables()))
    assert (made["never_active"].people, made["never_active"].severity) == (1, "ok")
    assert "1 of 10 learners" in made["never_active"].sentence


def test_words_that_nobody_knows() -> None:
    history = course(learners=4)
    for number in range(30):
        history.act("l1", 2, verb="interacted", event=f"core_{number % 25}", object="p1", hour=9)
    history.act("l1", 2, verb="interacted", event="interacted", object="p1", hour=9)  # its source said just that
    history.act("l1", 2, verb="sang", object="p1", hour=9)
    made = profiled(history.tables())
    unknown, strange = found(made)["unknown_verbs"], found(made)["verbs_outside_vocabulary"]
    assert unknown.count == 30
    assert "core_0 (2)" in unknown.sentence
    assert len(made.runs[0].unknown) == 20  # a page has no room for more, the count has
    assert "sang (1)" in strange.sentence


def test_things_of_no_known_type_and_statements_about_nothing() -> None:
    vague = found(profiled(course(object="p9").tables()))
    assert vague["unknown_objects"].count == 240
    assert vague["unknown_objects"].severity == "look"
    typed = found(profiled(course(object="p9", object_type="video").tables()))
    assert "unknown_objects" not in typed
    bare = found(profiled(course(object=None).tables()))
    assert (bare["no_object"].count, bare["no_object"].people) == (240, 12)


def test_day_totals_have_no_hours() -> None:
    made = found(profiled(course(hour=None, interactions=7).tables()))
    assert (made["day_totals"].severity, made["day_totals"].people) == ("ok", 12)
    assert "day_totals" not in found(profiled(course().tables()))


def test_cleaning_s_reasons_are_findings() -> None:
    history = course(learners=20).act("crawler", 3, role="automated", hour=3, object="p1")
    made = found(profiled(history.tables()))
    assert (made["automated"].count, made["automated"].people, made["automated"].severity) == (1, 1, "ok")


def test_late_records_and_records_made_in_hindsight() -> None:
    late = course(learners=5)
    for row in late.records["statements"][:20]:
        row["recorded_at"] += timedelta(days=9)
    told = found(profiled(late.tables()))
    assert (told["late_records"].count, told["late_records"].people) == (20, 1)
    moved = course(learners=5)
    for row in moved.records["statements"]:
        row["recorded_at"] = at(300)
    told = found(profiled(moved.tables()))
    assert told["recorded_in_hindsight"].people == 5
    assert "late_records" not in told


def test_marks_out_of_range_stop() -> None:
    history = course(learners=5).mark("l1", "w1", 21, 87.0, 25).mark("l2", "w1", 21, None, 25)
    made = profiled(history.tables())
    assert found(made)["scores_out_of_range"].people == 1
    assert made.severity == "stop"
    assert made.runs[0].results["score_high"] == 87.0


def test_results_and_assessments_that_are_not_whole() -> None:
    history = course(learners=5).mark("l1", "w9", 21, 0.5, 25)
    history.add("activities", at(-40), activity="w2", type="exam")
    made = found(profiled(history.tables()))
    assert (made["results_without_activity"].count, made["results_without_activity"].people) == (1, 1)
    assert "1 of 2 assessments have no due date" in made["no_due_dates"].sentence


def test_a_finished_run_without_outcomes_cannot_be_learned_from() -> None:
    tables = course(learners=5).tables() | {"outcomes": KINDS["outcomes"].schema.empty_table()}
    assert found(profiled(tables))["no_outcomes"].people == 5
    assert "no_outcomes" not in found(profiled(tables, end_of(30)))


def test_dates_of_runs() -> None:
    history = course(learners=5)
    history.records["course_runs"][0] |= {"inferred": True}
    assert found(profiled(history.tables()))["inferred_dates"].people == 5
    history.records["course_runs"][0] |= {"inferred": None, "ends_on": on(-1)}
    assert found(profiled(history.tables()))["ends_before_start"].severity == "stop"


@pytest.mark.parametrize(("shift", "doubtful"), [(0, False), (2, False), (10, True)])
def test_a_wrong_zone_shows_in_when_people_sleep(shift: int, doubtful: bool) -> None:
    history = History().enrol("a")
    for number in range(1200):
        history.act("a", number % 20, hour=(8 + number % 15 + shift) % 24, object=f"p{number}")
    assert ("zone_doubtful" in found(profiled(history.tables()))) is doubtful


def test_refused_rows_by_reason() -> None:
    rejects = [
        ("tiny", "enrolments", "missing_registration_date", 4),
        ("tiny", "statements", "automated_job", 90),
        ("tiny", "results", "odd_thing", 1000),
        ("other", "statements", "bad_json", 3),
    ]
    made = profiled(course(learners=5).tables(), rejects=rejects)
    told = {(each.source, each.code): each for each in made.findings if each.people is None}
    assert "Up to 4 learners may be missing" in told["tiny", "bad_times"].means
    assert told["tiny", "set_aside"].severity == "ok"
    assert told["tiny", "refused"].severity == "stop"
    assert "odd thing (odd_thing)" in told["tiny", "refused"].sentence
    assert told["other", "refused"].sentence.startswith("3 rows of statements (100%)")


def test_freshness_of_a_source() -> None:
    (source,) = profiled(course(learners=2).tables()).sources
    assert source.latest == at(56).astimezone(UTC)
    assert source.latest_statement == at(19).astimezone(UTC)
    assert source.usual_delay_s == 0
    assert source.zones == {ZONE: 1}
    assert source.rows["statements"] == 42


def test_only_the_runs_asked_for_and_the_most_serious_first() -> None:
    tables = simulated(learners="60", runs="2", weeks="8", seed="4")
    first, second = runs_of(tables)
    with Memory(tables) as records:
        made = profile(records, [second, "simulated/none/1"], NOW)
    assert [run.run for run in made.runs] == [second]
    many = profiled(course(learners=5, object=None).mark("l1", "w1", 21, 87.0, 25).enrol("quiet").tables())
    order = [SEVERITIES.index(finding.severity) for finding in many.findings]
    assert order == sorted(order)
    assert len(set(order)) == 3
    assert first not in str(as_json(made))


def test_the_profile_is_json() -> None:
    history = course(learners=3).mark("l1", "w1", 21, float("nan"), 25)
    told = json.loads(json.dumps(as_json(profiled(history.tables())), allow_nan=False))
    (run,) = told["sources"][0]["runs"]
    assert run["run"] == RUN
    assert run["shares"] == {"object": 1.0, "type": 1.0, "hour": 0.9524, "duration": 0.0}
    assert run["delays"][0] == {"within": "1 minute", "share": 1.0}
    assert {finding["code"] for finding in told["findings"]} >= {"scores_out_of_range"}
    assert told["as_of"] == "2030-01-02T00:00:00Z"


def test_no_records_at_all() -> None:
    with Memory({}) as records:
        made = profile(records, ["a/b/c"], NOW)
    assert (made.sources, made.findings, made.severity) == ((), (), "ok")
