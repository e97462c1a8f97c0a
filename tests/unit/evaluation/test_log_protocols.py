"""The protocols on activity logs: KDD Cup 2015, the in-situ penalty, the first assessment of OULAD."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from headway.domain.errors import LeakageError, NotEnoughData
from headway.domain.records import KINDS, record_id
from headway.domain.runs import RunId
from headway.evaluation.assess import Measure
from headway.evaluation.in_situ_penalty import IN_SITU_PENALTY, PENALTY
from headway.evaluation.kdd15 import PERSON, SILENT_AFTER_LOG, TRUTH, Known, runs_with_truth
from headway.evaluation.oulad_a1 import FIRST_ASSESSMENT
from headway.evaluation.protocols import PROTOCOLS, ProtocolResult
from headway.evaluation.rows import Rows
from headway.models.model import MODELS
from tests.support.few_features import few_features
from tests.support.memory import Memory
from tests.support.simulation import runs_of, simulated

MEASURE = Measure(capacity=5, bootstrap=10, seed=3)
LOGISTIC = MODELS.get("logistic")


def renamed(tables: Mapping[str, pa.Table], source: str, names: Mapping[str, str]) -> dict[str, pa.Table]:
    """The records under another source and other run ids."""
    made = {}
    for kind, table in tables.items():
        runs = pa.array([names[run] for run in table["run"].to_pylist()], pa.string())
        table = table.set_column(table.column_names.index("run"), "run", runs)
        sources = pa.array([source] * table.num_rows, pa.string())
        made[kind] = table.set_column(table.column_names.index("source"), "source", sources)
    return made


def silent_after_log() -> dict[str, pa.Table]:
    """Simulated runs under the names of the competition, with its truth: nothing on days 30 to 39."""
    tables = simulated(learners="50", runs="3", seed="4")
    names = {run: f"kddcup2015/c{number}/1" for number, run in enumerate(runs_of(tables))}
    made = renamed(tables, "kddcup2015", names)
    rows = []
    for run in made["course_runs"].to_pylist():
        first = run["starts_on"] + timedelta(days=30)
        acts = made["statements"].filter(pc.equal(made["statements"]["run"], run["run"])).to_pylist()
        busy = {
            act["learner"]
            for act in acts
            if act["interactions"] > 0 and first <= act["occurred_on"] < first + timedelta(days=10)
        }
        enrolled = made["enrolments"].filter(pc.equal(made["enrolments"]["run"], run["run"]))
        known = datetime.combine(first + timedelta(days=10), time(), ZoneInfo(run["zone"]))
        for learner in sorted(set(enrolled["learner"].to_pylist())):
            about = {"name": TRUTH, "value": str(int(learner not in busy)), "sensitive": True}
            at = {"valid_from": known, "recorded_at": known, "occurred_at": known}
            identity = {"id": record_id("kddcup2015", "attributes", learner), "source": "kddcup2015"}
            rows.append({"run": run["run"], "learner": learner} | about | at | identity)
    made["attributes"] = pa.Table.from_pylist(rows, schema=KINDS["attributes"].schema)
    return made


@pytest.fixture(scope="module")
def logs() -> dict[str, pa.Table]:
    return silent_after_log()


def told(tables: Mapping[str, pa.Table], protocol: Any) -> ProtocolResult:
    with Memory(tables) as records:
        found: ProtocolResult = protocol.run(records, [LOGISTIC], MEASURE, lambda _: None)
    return found


@pytest.fixture(scope="module")
def kdd(logs: dict[str, pa.Table]) -> ProtocolResult:
    return told(logs, SILENT_AFTER_LOG)


@pytest.fixture(scope="module")
def penalty() -> ProtocolResult:
    with few_features("headway.evaluation.in_situ_penalty"):
        return told(simulated(learners="50", runs="3", seed="4"), replace(IN_SITU_PENALTY, weeks=(1, 4)))


@pytest.fixture(scope="module")
def first() -> ProtocolResult:
    """With few features: what it asks, of whom and when is the same."""
    tables = simulated(learners="80", runs="3", seed="4")
    names = dict(zip(runs_of(tables), (f"oulad/BBB/{p}" for p in ("2013J", "2014B", "2014J")), strict=True))
    with few_features("headway.evaluation.trials"):
        return told(renamed(tables, "oulad", names), replace(FIRST_ASSESSMENT, days_before=(0, 3)))


def lines(result: ProtocolResult, **wanted: object) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = list(result.summary)
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def test_they_are_found_by_name() -> None:
    for protocol in (SILENT_AFTER_LOG, IN_SITU_PENALTY, FIRST_ASSESSMENT):
        assert PROTOCOLS.get(protocol.name) is protocol


class TestKdd15:
    def test_every_split_scores_everyone_once(self, kdd: ProtocolResult) -> None:
        together = [row for row in kdd.rows if isinstance(row["test"], list)]
        assert {(row["protocol"], row["paradigm"]) for row in together} == {
            ("kdd15/as published/learners left out", "post-hoc"),
            ("kdd15/as published/courses left out", "transfer"),
            ("kdd15/as published/courses left out", "blended"),
            ("kdd15/honest/past courses", "blended"),
        }
        assert len({row["n"] for row in together}) == 1

    def test_the_log_tells_something_and_stands_beside_the_reference(self, kdd: ProtocolResult) -> None:
        found = lines(kdd, protocol="kdd15/as published/learners left out", metric="auroc")[0]
        assert found["value"] > 0.6
        assert found["reference"] == 0.881
        left_out = lines(kdd, protocol="kdd15/as published/courses left out", metric="auroc")
        assert all(row["reference"] is None for row in left_out)

    def test_honest_learns_from_courses_that_were_over(self, logs: dict[str, pa.Table]) -> None:
        with Memory(logs) as records:
            known = Known.of(records, runs_with_truth(records))
            groups = list(known.groups("past courses", 3, own=True))
        assert [set(group.learn.runs) for group in groups] == [
            {f"kddcup2015/c{k}/1" for k in range(last + 1)} for last in range(3)
        ]
        for group in groups:
            of_test = group.learn.runs == group.test.runs[0]
            assert group.learn.instants.max() <= group.test.instants.max()
            assert set(group.learn.days[of_test].tolist()) <= {12, 19}, "its own rows are of earlier days"

    def test_a_person_is_on_one_side(self, logs: dict[str, pa.Table], monkeypatch: pytest.MonkeyPatch) -> None:
        rows = logs["attributes"].to_pylist()
        by_run: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            by_run.setdefault(row["run"], []).append(row)
        same = [
            row | {"name": PERSON, "value": f"p{number}", "id": record_id("x", "attributes", row["learner"])}
            for of_run in by_run.values()
            for number, row in enumerate(of_run)
        ]
        both = logs | {"attributes": pa.Table.from_pylist([*rows, *same], schema=logs["attributes"].schema)}
        with Memory(both) as records:
            known = Known.of(records, runs_with_truth(records))
            for split in ("learners left out", "courses left out"):
                for group in known.groups(split, 3, own=False):
                    assert not set(group.learn.learners) & set(group.test.learners)
            assert len(set(known.end.learners)) < len(known.end)
            monkeypatch.setattr(Rows, "without", lambda rows, learners: rows)
            with pytest.raises(LeakageError, match="both sides of a split"):
                list(known.groups("courses left out", 3, own=False))

    def test_rows_have_what_is_usual_in_their_cohort(self, logs: dict[str, pa.Table]) -> None:
        with Memory(logs) as records:
            known = Known.of(records, runs_with_truth(records)[:1])
        end = known.end.features
        assert end.column("cohort_mean_interactions_total")[0] == pytest.approx(
            np.nanmean(end.column("interactions_total"))
        )
        assert len(set(end.column("cohort_mean_interactions_total").tolist())) == 1

    def test_without_the_truth_the_way_to_get_it_is_told(self, logs: dict[str, pa.Table]) -> None:
        silent = {kind: table for kind, table in logs.items() if kind != "attributes"}
        with pytest.raises(NotEnoughData, match="headway import kddcup2015"):
            told(silent, SILENT_AFTER_LOG)


class TestInSituPenalty:
    def test_each_ratio_is_over_what_both_could_answer(self, penalty: ProtocolResult) -> None:
        ratios = {row["paradigm"]: row for row in lines(penalty, metric=PENALTY)}
        assert ratios["post-hoc"]["value"] == pytest.approx(1.0)
        assert ratios["post-hoc"]["figure"] == "6 of 6 run-weeks"
        assert ratios["in-situ"]["figure"] == "3 of 6 run-weeks", "no proxy is seen in week 1"
        assert ratios["transfer"]["figure"] == "4 of 6 run-weeks", "the first run has no past"
        assert ratios["blended"]["figure"] == "5 of 6 run-weeks"
        assert ratios["in-situ"]["reference"] == pytest.approx(0.968, abs=0.001)
        for paradigm in ("in-situ", "transfer", "blended"):
            mean = lines(penalty, metric="auroc", paradigm=paradigm)[0]
            assert ratios[paradigm]["value"] == pytest.approx(mean["value"] / mean["post_hoc"])

    def test_what_could_not_be_answered_says_why(self, penalty: ProtocolResult) -> None:
        early = [row for row in penalty.rows if row["paradigm"] == "in-situ" and row["day"] == 6]
        assert len(early) == 3
        assert all("too early" in str(row["note"]) for row in early)

    def test_without_runs_it_says_so(self) -> None:
        with pytest.raises(NotEnoughData, match="headway import"):
            told({}, IN_SITU_PENALTY)


class TestFirstAssessment:
    def test_only_who_has_not_handed_in_is_scored(self, first: ProtocolResult) -> None:
        rows: list[dict[str, Any]] = list(first.rows)
        alone = [row for row in rows if row["protocol"].endswith("records alone")]
        assert {row["test"] for row in alone} == {"oulad/BBB/2014J"}
        counts = {row["day"]: row["n"] for row in alone}
        assert counts[0] <= counts[-3]
        clicked = {row["test"] for row in rows if row["protocol"].endswith("with clicks")}
        assert {RunId.parse(run).run for run in clicked} == {"2013J", "2014B", "2014J"}

    def test_in_situ_learns_inside_and_transfer_from_earlier_runs(self, first: ProtocolResult) -> None:
        rows: list[dict[str, Any]] = list(first.rows)
        for row in rows:
            if row["note"] is None:
                inside = row["train"] == [row["test"]]
                assert inside == (row["paradigm"] == "in-situ")
                assert row["test"] not in row["train"] or inside
        assert any(row["paradigm"] == "transfer" and row["note"] is None for row in rows)
        earliest = [row for row in rows if row["test"] == "oulad/BBB/2013J" and row["paradigm"] == "transfer"]
        assert earliest
        assert all("No earlier run" in row["note"] for row in earliest)

    def test_means_stand_beside_the_published_ones(self, first: ProtocolResult) -> None:
        found = lines(first, protocol="oulad-a1/honest/records alone", metric="auprc", day=0)
        assert {row["reference"] for row in found} == {0.779}
        with_clicks = lines(first, protocol="oulad-a1/honest/with clicks", metric="auprc")
        assert all(row["reference"] is None for row in with_clicks)
