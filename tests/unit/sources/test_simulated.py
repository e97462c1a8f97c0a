"""The simulated source keeps its promises: its base rate, its signal, its rhythms, and when each thing was known."""

from collections.abc import Mapping
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from numpy.typing import NDArray

from headway.domain.errors import InputError, UnknownName
from headway.domain.records import KINDS, REJECTS, kind_of, record_id
from headway.domain.runs import RunId
from headway.sources.simulated import Simulated, planted_truth
from headway.sources.simulation.events import events_of, expected, handed_in
from headway.sources.simulation.knobs import LIMITS, OPTIONS, Knobs, read_knobs
from headway.sources.simulation.people import RHYTHMS, SEGMENTS, blend, pseudonyms, share_of_truth
from headway.sources.simulation.plan import assessments_of, course_of, day_factors, resources_of, runs_of
from headway.sources.simulation.truth import TRUTH
from headway.sources.simulation.world import World, world_of
from headway.sources.source import SOURCES, Request

ORDER = ["course_runs", "activities", "enrolments", "attributes", "statements", "results", "outcomes"]


def read(options: Mapping[str, str], blocks_at_once: int = 2) -> dict[str, pa.Table]:
    """All records of each kind, as one table."""
    found: dict[str, list[pa.Table]] = {}
    for delivery in Simulated(blocks_at_once=blocks_at_once).read(Request([], dict(options))):
        assert delivery.rejects.schema == REJECTS
        assert delivery.rejects.num_rows == 0
        found.setdefault(delivery.kind, []).append(delivery.records.read_all())
    return {kind: pa.concat_tables(tables) for kind, tables in found.items()}


@pytest.fixture(scope="module")
def records() -> dict[str, pa.Table]:
    return read({})


@pytest.fixture(scope="module")
def world() -> World:
    return world_of(read_knobs({"learners": "2000", "runs": "2"}))


def test_it_is_registered_under_its_name() -> None:
    assert SOURCES.get("simulated").name == "simulated"
    assert set(SOURCES.get("simulated").options) == set(OPTIONS)


def test_kinds_come_in_order_with_their_schema(records: dict[str, pa.Table]) -> None:
    assert list(records) == ORDER
    for kind, table in records.items():
        assert table.schema == kind_of(kind).schema
        assert table.num_rows > 0
        for column in KINDS[kind].required:
            assert table[column].null_count == 0, (kind, column)


def test_ids_are_unique_and_those_of_the_domain(records: dict[str, pa.Table]) -> None:
    for table in records.values():
        assert len(set(table["id"].to_pylist())) == table.num_rows
    row = records["statements"].slice(0, 1).to_pylist()[0]
    assert row["id"] == record_id("simulated", "statements", f"{row['run']}/{row['learner']}/0")
    outcome = records["outcomes"].slice(5, 1).to_pylist()[0]
    assert outcome["id"] == record_id("simulated", "outcomes", f"{outcome['run']}/{outcome['learner']}")


def test_runs_follow_each_other_by_half_years(records: dict[str, pa.Table]) -> None:
    runs = records["course_runs"].to_pylist()
    assert [run["run"] for run in runs] == [
        f"simulated/DS101/{name}" for name in ("2025S1", "2025S2", "2026S1", "2026S2")
    ]
    assert runs[0]["starts_on"] == date(2025, 2, 3)
    for run in runs:
        assert run["starts_on"].weekday() == 0
        assert (run["ends_on"] - run["starts_on"]).days == 12 * 7 - 1
        assert RunId.parse(run["run"]).source == "simulated"


def test_nothing_is_recorded_before_it_happened(records: dict[str, pa.Table]) -> None:
    for kind, table in records.items():
        assert pc.all(pc.greater_equal(table["recorded_at"], table["occurred_at"])).as_py(), kind


def test_local_dates_and_hours_are_those_of_the_zone(records: dict[str, pa.Table]) -> None:
    london = ZoneInfo("Europe/London")
    sample = records["statements"].take(list(range(0, records["statements"].num_rows, 977)))
    for row in sample.select(["occurred_at", "occurred_on", "hour"]).to_pylist():
        local = row["occurred_at"].astimezone(london)
        assert (local.date(), local.hour) == (row["occurred_on"], row["hour"])


def test_late_statements_are_as_many_as_asked_for(records: dict[str, pa.Table]) -> None:
    table = records["statements"]
    delay_s = delays(table)
    late = delay_s >= 86_400
    assert late.mean() == pytest.approx(0.01, abs=0.002)
    assert delay_s.max() < 5.1 * 86_400
    assert np.median(delay_s[~late]) < 300


def delays(table: pa.Table) -> NDArray[np.float64]:
    micros = pc.subtract(table["recorded_at"].cast(pa.int64()), table["occurred_at"].cast(pa.int64()))
    return np.asarray(micros.to_numpy(), dtype=np.float64) / 1e6


def test_who_withdrew_does_nothing_afterwards(records: dict[str, pa.Table]) -> None:
    enrolments = records["enrolments"]
    left = {
        (row["run"], row["learner"]): row["valid_from"]
        for row in enrolments.to_pylist()
        if row["status"] == "withdrawn"
    }
    assert len(left) > 100
    last = records["statements"].group_by(["run", "learner"]).aggregate([("occurred_at", "max")]).to_pylist()
    late = [
        row
        for row in last
        if row["occurred_at_max"]
        >= left.get((row["run"], row["learner"]), datetime.max.replace(tzinfo=ZoneInfo("UTC")))
    ]
    assert late == []
    handed = records["results"].group_by(["run", "learner"]).aggregate([("submitted_at", "max")]).to_pylist()
    assert all(row["submitted_at_max"] < left[key] for row in handed if (key := (row["run"], row["learner"])) in left)


def test_outcomes_are_known_after_the_end_or_at_the_withdrawal(records: dict[str, pa.Table]) -> None:
    ends = {row["run"]: row["ends_on"] for row in records["course_runs"].to_pylist()}
    left = {
        (row["run"], row["learner"]): row for row in records["enrolments"].to_pylist() if row["status"] == "withdrawn"
    }
    labels = set()
    for row in records["outcomes"].to_pylist():
        labels.add(row["label"])
        withdrawal = left.get((row["run"], row["learner"]))
        assert (row["label"] == "withdrawn") == (withdrawal is not None)
        if withdrawal is None:
            assert 20 <= (row["recorded_at"].date() - ends[row["run"]]).days <= 23
            assert (row["final_score"] >= 0.4) == (row["label"] in ("pass", "distinction"))
        else:
            assert (row["occurred_at"], row["recorded_at"]) == (withdrawal["valid_from"], withdrawal["recorded_at"])
            assert row["final_score"] is None
    assert labels == {"pass", "distinction", "fail", "withdrawn"}


def test_marks_are_released_days_after_and_only_then_recorded(records: dict[str, pa.Table]) -> None:
    types = dict(
        zip(records["activities"]["activity"].to_pylist(), records["activities"]["type"].to_pylist(), strict=True)
    )
    due = dict(
        zip(records["activities"]["activity"].to_pylist(), records["activities"]["due_on"].to_pylist(), strict=True)
    )
    results = records["results"].to_pylist()
    assert {types[row["activity"]] for row in results} == {"assignment", "test", "exam"}
    for row in results:
        assert row["recorded_at"] == row["released_at"] > row["submitted_at"] == row["occurred_at"]
        if types[row["activity"]] != "test":
            from_on = max(due[row["activity"]], row["submitted_on"])
            assert 3 <= (row["released_at"].date() - from_on).days <= 10
    late = np.mean(
        [row["submitted_on"] > due[row["activity"]] for row in results if types[row["activity"]] == "assignment"]
    )
    assert 0.03 < late < 0.25


def test_each_hand_in_is_a_statement_known_before_its_mark(records: dict[str, pa.Table]) -> None:
    table = records["statements"]
    handed = table.filter(pc.equal(table["verb"], "submitted"))
    submissions = set(zip(*(handed[name].to_pylist() for name in ("run", "learner", "object")), strict=True))
    marked = set(zip(*(records["results"][name].to_pylist() for name in ("run", "learner", "activity")), strict=True))
    assert submissions == marked


def test_weights_of_a_run_add_up_and_statements_speak_of_its_activities(records: dict[str, pa.Table]) -> None:
    sums = records["activities"].group_by("run").aggregate([("weight", "sum")])["weight_sum"].to_pylist()
    assert sums == pytest.approx([100.0] * 4)
    pairs = set(
        zip(records["activities"]["run"].to_pylist(), records["activities"]["activity"].to_pylist(), strict=True)
    )
    used = records["statements"].group_by(["run", "object"]).aggregate([]).to_pylist()
    assert {(row["run"], row["object"]) for row in used} <= pairs


def test_some_learners_come_back_after_they_did_not_finish(records: dict[str, pa.Table]) -> None:
    runs: dict[str, list[str]] = {}
    for row in records["outcomes"].to_pylist():
        runs.setdefault(row["learner"], []).append(row["run"])
    ended = {(row["run"], row["learner"]): row["label"] for row in records["outcomes"].to_pylist()}
    twice = {learner: sorted(taken) for learner, taken in runs.items() if len(taken) > 1}
    assert 50 < len(twice) < 100
    assert all(len(taken) == 2 for taken in twice.values())
    assert all(ended[taken[0], learner] in ("fail", "withdrawn") for learner, taken in twice.items())
    attempts = {
        (row["run"], row["learner"]): int(row["value"])
        for row in records["attributes"].to_pylist()
        if row["name"] == "previous_attempts"
    }
    assert all(attempts[taken[1], who] == attempts[taken[0], who] + 1 for who, taken in twice.items())


def test_only_age_and_gender_are_sensitive(records: dict[str, pa.Table]) -> None:
    facts = records["attributes"].group_by(["name", "sensitive"]).aggregate([]).to_pylist()
    assert {row["name"]: row["sensitive"] for row in facts} == {
        "previous_attempts": False,
        "studied_credits": False,
        "age_band": True,
        "gender": True,
    }


@pytest.mark.parametrize("base_rate", ["0.1", "0.35", "0.7"])
@pytest.mark.parametrize("courses", ["1", "3"])
def test_the_base_rate_is_met(base_rate: str, courses: str) -> None:
    truth = planted_truth({"base_rate": base_rate, "courses": courses, "runs": "2", "learners": "600", "seed": "7"})
    unfinished = 1 - np.mean(truth["finished"].to_pylist())
    assert unfinished == pytest.approx(float(base_rate), abs=0.03)
    # What was planted as a chance is a chance: over many learners it comes true.
    assert np.mean(truth["finish_probability"].to_pylist()) == pytest.approx(1 - unfinished, abs=0.04)


def inactivity(options: Mapping[str, str]) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
    """For everyone enrolled at the end of week 4: did not finish, days without activity, log of statements so far."""
    made = world_of(read_knobs({"learners": "2000", "runs": "1", **options}))
    unfinished, idle, active = [], [], []
    for block in made.blocks(made.runs[0]):
        events = events_of(block, made)
        past = events.day <= 27
        last = np.full(len(block.learner), -30)
        np.maximum.at(last, events.who[past], events.day[past])
        here = (block.fate.left_day > 27) & (block.people.registered_day <= 27)
        unfinished.append(~block.fate.finished[here])
        idle.append((27.0 - last)[here])
        active.append(np.log1p(np.bincount(events.who[past], minlength=len(last)))[here])
    return np.concatenate(unfinished), np.concatenate(idle), np.concatenate(active)


def auroc(unfinished: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(unfinished, score))


def test_signal_decides_how_far_behaviour_tells_the_outcome() -> None:
    none, usual, strong = (inactivity({"signal": signal}) for signal in ("0", "1", "3"))
    assert auroc(none[0], none[1]) == pytest.approx(0.5, abs=0.04)
    assert auroc(none[0], -none[2]) == pytest.approx(0.5, abs=0.04)
    assert auroc(usual[0], usual[1]) > 0.6
    assert auroc(strong[0], strong[1]) > auroc(usual[0], usual[1]) > auroc(none[0], none[1])
    # How much is done does not depend on the signal, only what it says.
    assert np.mean(strong[2]) == pytest.approx(np.mean(none[2]), abs=0.25)


def test_blending_keeps_the_spread() -> None:
    rng = np.random.default_rng(3)
    true, decoy = rng.normal(size=(2, 20_000))
    for signal in (0.0, 1.0, 2.0):
        shown = blend(true, decoy, signal)
        assert np.std(shown) == pytest.approx(1.0, abs=0.03)
        assert np.corrcoef(true, shown)[0, 1] == pytest.approx(share_of_truth(signal), abs=0.02)


def test_planted_reasons_lower_the_chance_to_finish() -> None:
    truth = planted_truth({"learners": "3000", "runs": "1"})
    assert truth.schema == TRUTH
    segment, chance = np.array(truth["segment"].to_pylist()), np.array(truth["finish_probability"].to_pylist())
    means = {name: chance[segment == name].mean() for name in SEGMENTS}
    assert max(means, key=lambda name: means[name]) == "steady"
    assert means["never_started"] < min(means["lack_of_time"], means["skill_gap"], means["loss_of_motivation"])
    hazard = np.array(truth["hazard"].to_pylist())
    assert hazard.shape == (3000, 12)
    assert ((hazard > 0) & (hazard < 1)).all()
    steady, falling = (hazard[segment == name].mean(axis=0) for name in ("steady", "loss_of_motivation"))
    assert falling[9:].mean() / steady[9:].mean() > 2 * falling[:3].mean() / steady[:3].mean()


def test_every_knob_is_in_the_documentation() -> None:
    page = (Path(__file__).parents[3] / "docs" / "explanation" / "simulator.md").read_text(encoding="utf-8")
    for name, help_text in OPTIONS.items():
        assert f"| `{name}` | {help_text.partition('; default')[0]} |" in page


def test_truth_and_records_tell_the_same_story(records: dict[str, pa.Table]) -> None:
    truth = {(row["run"], row["learner"]): row for row in planted_truth({}).to_pylist()}
    assert len(truth) == 1200
    for row in records["outcomes"].to_pylist():
        planted = truth[row["run"], row["learner"]]
        assert planted["label"] == row["label"]
        assert planted["finished"] == (row["label"] in ("pass", "distinction"))
    left = {
        (row["run"], row["learner"]): row["valid_from_on"]
        for row in records["enrolments"].to_pylist()
        if row["status"] == "withdrawn"
    }
    assert left == {key: row["withdrew_on"] for key, row in truth.items() if row["withdrew_on"] is not None}


def by_day(made: World, rhythm: str | None = None) -> NDArray[np.float64]:
    """Statements on each day of the first run from day 0 on, of learners with that rhythm, hand-ins left out."""
    run = made.runs[0]
    totals = np.zeros(run.days)
    for block in made.blocks(run):
        events = events_of(block, made)
        chosen = (events.day >= 0) & (events.verb != 4)
        if rhythm is not None:
            chosen &= block.people.rhythm[events.who] == RHYTHMS.index(rhythm)
        totals += np.bincount(events.day[chosen], minlength=run.days)
    return totals


def test_learners_keep_their_weekly_rhythm(world: World) -> None:
    weekend = {name: by_day(world, name).reshape(-1, 7)[:, 5:].sum() / by_day(world, name).sum() for name in RHYTHMS}
    assert weekend["weekend"] > 0.5
    assert weekend["weekday"] < 0.25
    hours: dict[str, list[NDArray[np.int64]]] = {name: [] for name in RHYTHMS}
    for block in world.blocks(world.runs[0]):
        events = events_of(block, world)
        for number, name in enumerate(RHYTHMS):
            hours[name].append(events.second[block.people.rhythm[events.who] == number] // 3600)
    assert np.median(np.concatenate(hours["evening"])) >= 19
    assert np.median(np.concatenate(hours["weekday"])) <= 14


def test_activity_rises_before_due_dates_and_falls_in_holidays(world: World) -> None:
    weeks = by_day(world).reshape(-1, 7)
    fridays = weeks[:, 4] / weeks[:, 1]
    due = [one.week for one in assessments_of(world.runs[0]) if one.type == "assignment"]
    busy = {one.week for one in assessments_of(world.runs[0])}
    quiet = [week for week in range(1, 11) if week not in busy]
    assert fridays[due].min() > 1.3 * fridays[quiet].mean()
    middle = world.runs[0].weeks // 2
    assert weeks[middle].sum() < 0.6 * (weeks[middle - 1].sum() + weeks[middle + 1].sum()) / 2


def test_festive_days_are_quiet() -> None:
    run = runs_of(read_knobs({"start": "2025-12-01", "runs": "1"}))[0]
    factors = day_factors(run)
    christmas = 7 + (date(2025, 12, 25) - run.starts_on).days
    assert factors[christmas] < 0.5
    assert factors[christmas - 7] == 1.0


def test_material_is_used_about_the_week_it_is_planned_for(world: World) -> None:
    run = world.runs[0]
    events = events_of(world.block(run, 0), world)
    resources = events.thing < len(resources_of(run))
    back = np.clip(events.day, 0, None)[resources] // 7 - events.thing[resources] // 6
    assert back.min() >= 0
    assert np.mean(back == 0) > 0.6


def test_who_never_starts_leaves_no_trace(world: World) -> None:
    run = world.runs[0]
    block = world.block(run, 0)
    silent = block.people.shown_silent
    assert 20 < silent.sum() < 120
    assert expected(block, world, handed_in(block, world))[silent].sum() == 0


def test_the_same_options_give_the_same_records() -> None:
    options = {"learners": "40", "runs": "2", "weeks": "4"}
    assert read(options) == read(options)
    other = read({**options, "seed": "2"})
    assert other["statements"] != read(options)["statements"]
    # Another world has other people, so that two worlds in one lake are never taken for one another.
    assert not set(other["outcomes"]["learner"].to_pylist()) & set(read(options)["outcomes"]["learner"].to_pylist())


def test_how_many_blocks_are_made_at_once_changes_nothing() -> None:
    options = {"learners": "2100", "runs": "2", "weeks": "2"}
    assert read(options, blocks_at_once=1) == read(options, blocks_at_once=3)


def test_blocks_do_not_depend_on_the_order_in_which_they_are_made() -> None:
    knobs = read_knobs({"learners": "2100", "runs": "2", "weeks": "2"})
    first, second = world_of(knobs), world_of(knobs)
    forward = [events_of(block, first) for block in first.blocks(first.runs[1])]
    backward = [events_of(second.block(second.runs[1], number), second) for number in (2, 1, 0)][::-1]
    for one, other in zip(forward, backward, strict=True):
        assert np.array_equal(one.second, other.second)
        assert np.array_equal(one.who, other.who)


def test_a_deliveries_reader_may_be_read_after_the_last_delivery() -> None:
    deliveries = list(Simulated().read(Request([], {"learners": "5", "runs": "1", "weeks": "2"})))
    assert [delivery.kind for delivery in deliveries] == ORDER
    assert all(delivery.records.read_all().num_rows for delivery in deliveries)


def test_bias_moves_one_gender_only_when_asked() -> None:
    def gap(bias: str) -> float:
        made = world_of(read_knobs({"learners": "4000", "runs": "1", "bias": bias}))
        blocks = list(made.blocks(made.runs[0]))
        gender = np.concatenate([block.people.gender for block in blocks])
        finished = np.concatenate([block.fate.finished for block in blocks])
        return float(finished[gender == 1].mean() - finished[gender == 0].mean())

    assert gap("0") == pytest.approx(0.0, abs=0.04)
    assert gap("1.5") > 0.15


def test_pseudonyms_never_collide() -> None:
    ids = pseudonyms(np.arange(300_000), 12345)
    assert len(np.unique(ids)) == 300_000
    assert ids[0].startswith("simulated/")
    assert len(ids[0]) == len("simulated/") + 8
    most = LIMITS["learners"][1] * LIMITS["courses"][1] * LIMITS["runs"][1]
    assert most < 2**32, "every possible world has numbers enough for its people"


def test_courses_beyond_the_catalogue_have_codes_of_their_own() -> None:
    codes = [course_of(number).code for number in range(60)]
    assert len(set(codes)) == 60


@pytest.mark.parametrize("weeks", range(2, 25))
def test_plans_of_every_length_end_with_an_exam_within_the_run(weeks: int) -> None:
    for run in runs_of(Knobs(weeks=weeks, courses=6, runs=1)):
        work = assessments_of(run)
        assert work[-1].type == "exam"
        assert sum(one.weight for one in work) == pytest.approx(100.0)
        assert [one.due_day for one in work] == sorted(one.due_day for one in work)
        assert work[-1].due_day < run.days
        assert len({one.activity for one in work}) == len(work)


def test_run_names_stay_apart_over_twenty_years() -> None:
    runs = runs_of(Knobs(runs=40, start=date(2024, 12, 31)))
    assert len({run.name for run in runs}) == 40
    assert all(one.starts_on < other.starts_on for one, other in pairwise(runs))


def test_paths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Leave the path out"):
        Simulated().read(Request([tmp_path]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"learner": "3"}, "Did you mean 'learners'"),
        ({"learners": "many"}, "not a whole number"),
        ({"learners": "0"}, "from 1 to"),
        ({"base_rate": "nan"}, "out of range"),
        ({"signal": "-1"}, "out of range"),
        ({"start": "03/02/2025"}, "not a date"),
        ({"start": "1066-10-14"}, "out of range"),
        ({"zone": "Mars/Olympus"}, "Unknown time zone"),
    ],
)
def test_bad_options_are_named_with_their_fix(options: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Simulated().read(Request([], options))


def test_the_largest_world_is_ready_at_once_and_makes_any_block_of_it() -> None:
    made = world_of(read_knobs({"learners": "1000000", "courses": "60", "runs": "40", "weeks": "2"}))
    block = made.block(made.runs[-1], made.block_count - 1)
    assert len(np.unique(block.learner)) == 1000
    assert 0.1 < 1 - block.fate.finished.mean() < 0.6


def test_unknown_options_are_unknown_names() -> None:
    with pytest.raises(UnknownName):
        planted_truth({"colour": "blue"})
