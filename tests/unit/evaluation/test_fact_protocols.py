"""The protocols on tables of facts: three classes, grades, and nothing from after the day."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from headway.domain.errors import NotEnoughData
from headway.domain.records import KINDS, record_id
from headway.domain.time import AsOf
from headway.evaluation.assess import Measure
from headway.evaluation.facts import Facts
from headway.evaluation.protocols import PROTOCOLS, ProtocolResult
from headway.evaluation.uci320 import GRADED
from headway.evaluation.uci697 import DEGREES, RUN, Degrees, by_group, scores, stratified, without
from headway.models.boosting import BEST_SPLITS, Boosting, Parameters
from headway.models.model import MODELS, Fitted, Floats, Matrix
from tests.support.memory import Memory

MEASURE = Measure(capacity=5, bootstrap=20, seed=3)
LOGISTIC = MODELS.get("logistic")
START, HALF, WHOLE, END = (
    datetime(2019, 9, 16, 23, tzinfo=UTC),
    datetime(2020, 1, 31, 23, tzinfo=UTC),
    datetime(2020, 7, 17, 22, tzinfo=UTC),
    datetime(2022, 7, 29, 23, tzinfo=UTC),
)


def table(kind: str, source: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Records of a kind; what is not given is null."""
    schema = KINDS[kind].schema
    full = [
        dict.fromkeys(schema.names)
        | {"id": record_id(source, kind, str(number)), "source": source}
        | row
        | {"occurred_at": row["recorded_at"]}
        for number, row in enumerate(rows)
    ]
    return pa.Table.from_pylist(full, schema=schema)


def degrees(learners: int = 120) -> dict[str, pa.Table]:
    """Learners of six degrees whose units of each semester tell how it ends."""
    random, source = Random(5), "uci697"
    rows: dict[str, list[dict[str, Any]]] = {kind: [] for kind in ("enrolments", "attributes", "results", "outcomes")}
    for i in range(learners):
        who = {"run": RUN, "learner": f"{source}/{i:03}"}
        strength = random.gauss(0, 1)
        rows["enrolments"].append(
            who | {"status": "enrolled", "valid_from": START, "valid_from_on": date(2019, 9, 16), "recorded_at": START}
        )
        facts = [
            ("degree", str(9000 + i % 6), False, START),
            ("gender", random.choice(["male", "female"]), True, START),
            ("debtor", "yes" if strength < -0.5 else "no", True, START),
            ("admission_grade", f"{120 + 5 * random.gauss(0, 1):.1f}", False, START),
            ("semester_1_units_approved", str(round(6 + 3 * strength + random.gauss(0, 1))), False, HALF),
            ("semester_2_units_approved", str(round(6 + 3 * strength + random.gauss(0, 0.3))), False, WHOLE),
        ]
        for name, value, sensitive, at in facts:
            about = {"name": name, "value": value, "sensitive": sensitive, "valid_from": at, "recorded_at": at}
            rows["attributes"].append(who | about)
        rows["results"].append(
            who | {"activity": "semester-1", "attempt": 1, "score": 0.5, "transferred": False, "recorded_at": HALF}
        )
        if abs(strength) > 0.4:
            label = "pass" if strength > 0 else "withdrawn"
            rows["outcomes"].append(who | {"label": label, "recorded_at": END})
    made = {kind: table(kind, source, found) for kind, found in rows.items()}
    run = {"run": RUN, "course": "degree", "starts_on": date(2019, 9, 16), "ends_on": date(2022, 7, 29)}
    made["course_runs"] = table("course_runs", source, [run | {"zone": "Europe/Lisbon", "recorded_at": START}])
    return made


def subjects() -> dict[str, pa.Table]:
    """One subject with two earlier grades that tell the last."""
    random, source, run = Random(6), "uci320", "uci320/math/1"
    start, first, second, end = (
        datetime(*day, 23, tzinfo=UTC) for day in ((2005, 9, 15), (2005, 12, 16), (2006, 3, 31), (2006, 6, 30))
    )
    rows: dict[str, list[dict[str, Any]]] = {kind: [] for kind in ("enrolments", "attributes", "results", "outcomes")}
    for i in range(80):
        who = {"run": run, "learner": f"{source}/{i:03}"}
        grade = min(20, max(0, round(random.gauss(11, 4))))
        rows["enrolments"].append(
            who | {"status": "enrolled", "valid_from": start, "valid_from_on": date(2005, 9, 15), "recorded_at": start}
        )
        for name, value, sensitive, at in (
            ("study_time", str(1 + grade // 6), False, start),
            ("sex", random.choice("FM"), True, start),
            ("absences", str(20 - grade), False, end),
        ):
            about = {"name": name, "value": value, "sensitive": sensitive, "valid_from": at, "recorded_at": at}
            rows["attributes"].append(who | about)
        for activity, at in (("G1", first), ("G2", second), ("G3", end)):
            score = min(20, max(0, grade + random.choice([-1, 0, 1]))) / 20 if activity != "G3" else grade / 20
            rows["results"].append(
                who | {"activity": activity, "attempt": 1, "score": score, "transferred": False, "recorded_at": at}
            )
        label = "pass" if grade >= 10 else "fail"
        rows["outcomes"].append(who | {"label": label, "final_score": grade / 20, "recorded_at": end})
    made = {kind: table(kind, source, found) for kind, found in rows.items()}
    about = {"run": run, "course": "math", "starts_on": date(2005, 9, 15), "ends_on": date(2006, 6, 30)}
    made["course_runs"] = table("course_runs", source, [about | {"zone": "Europe/Lisbon", "recorded_at": start}])
    return made


def told(tables: Mapping[str, pa.Table], protocol: Any) -> ProtocolResult:
    with Memory(tables) as records:
        found: ProtocolResult = protocol.run(records, [LOGISTIC], MEASURE, lambda _: None)
    return found


@pytest.fixture(scope="module")
def classes() -> ProtocolResult:
    return told(degrees(), replace(DEGREES, stages=("S0", "S2"), repeats=2))


@pytest.fixture(scope="module")
def grades() -> ProtocolResult:
    return told(subjects(), replace(GRADED, repeats=1))


def lines(result: ProtocolResult, **wanted: object) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = list(result.summary)
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def test_facts_are_cut_at_the_day() -> None:
    with Memory(degrees(40)) as records:
        facts = Facts.of(records, RUN)
    early = facts.matrix(AsOf.at("2019-09-16", "Europe/Lisbon"), sensitive=True)
    late = facts.matrix(AsOf.at("2020-07-17", "Europe/Lisbon"), sensitive=True)
    assert "semester_1_units_approved" not in early.names
    assert "semester-1" not in early.names
    assert {"semester_1_units_approved", "semester_2_units_approved", "semester-1"} <= set(late.names)
    open_ones = facts.matrix(AsOf.at("2020-07-17", "Europe/Lisbon"), sensitive=False)
    assert not any(name.startswith(("gender", "debtor")) for name in open_ones.names)
    assert facts.learners.tolist() == sorted(facts.learners.tolist())


def test_words_become_columns_and_numbers_stay() -> None:
    with Memory(degrees(200)) as records:
        facts = Facts.of(records, RUN)
    now = AsOf.at("2019-09-16", "Europe/Lisbon")
    found = facts.matrix(now, sensitive=True, nominal=("degree",))
    assert "admission_grade" in found.names
    degree = [name for name in found.names if name.startswith("degree=")]
    assert len(degree) == 6
    values = np.column_stack([found.column(name) for name in degree])
    assert (values.sum(axis=1) == 1).all()
    assert not any(name.startswith("degree=") for name in without(found, "degree=").names)
    with Memory(degrees(20)) as records, pytest.raises(NotEnoughData, match="Nobody is enrolled in uci697/x/1"):
        Facts.of(records, "uci697/x/1")


def test_three_classes_are_told_apart_once_semesters_are_known(classes: ProtocolResult) -> None:
    for reading in ("as published", "honest"):
        label = f"uci697/{reading}/learners left out"
        early, late = (lines(classes, protocol=label, day=day, metric="macro_f1")[0] for day in ("S0", "S2"))
        assert late["value"] > early["value"] + 0.1
        assert late["value"] > 0.45
        assert late["sd"] is not None
        assert late["reference"] == (0.70 if reading == "as published" else None)
    assert {row["protocol"] for row in classes.summary} == {
        f"uci697/{reading}/{split}"
        for reading in ("as published", "honest")
        for split in ("learners left out", "degrees left out")
    }
    assert all(row["paradigm"] == "post-hoc" and row["n"] == 120 for row in classes.rows)


def test_within_one_run_boosting_takes_the_best_thresholds_and_parameters_of_one_s_own_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = set()

    def fit(self: Boosting, features: Matrix, labels: Floats, weights: Floats, seed: int) -> Fitted:
        asked.add(self.parameters)
        return LOGISTIC.fit(features, labels, weights, seed)

    monkeypatch.setattr(Boosting, "fit", fit)
    own = Parameters(trees=7)
    for model in (MODELS.get("boosting"), Boosting(parameters=own)):
        with Memory(degrees()) as records:
            Degrees(stages=("S0",), repeats=1).run(records, [model], MEASURE, lambda _: None)
    assert asked == {BEST_SPLITS, own}


def test_the_grade_is_foreseen_better_with_the_earlier_ones(grades: ProtocolResult) -> None:
    for reading in ("as published", "honest"):
        found = {
            stage: lines(grades, protocol=f"uci320/{reading}/math, {stage} G1 and G2", model="ridge", metric="rmse")[0]
            for stage in ("without", "with")
        }
        assert found["with"]["value"] < 1.5
        assert found["with"]["low"] < found["with"]["high"]
        assert found["with"]["reference"] == (1.75 if reading == "as published" else None)
    # Absences are counted at the end of the year: only the published reading knows them.
    published, honest = (
        lines(grades, protocol=f"uci320/{reading}/math, without G1 and G2", model="ridge", metric="rmse")[0]["value"]
        for reading in ("as published", "honest")
    )
    assert published < honest - 0.3
    assert any("uci320/portuguese/1 is not here" in note for note in grades.notes)
    auroc = lines(grades, protocol="uci320/honest/math, with G1 and G2", metric="auroc")
    assert auroc[0]["value"] > 0.9


def test_without_the_data_sets_the_way_to_get_them_is_told() -> None:
    for name in ("uci697", "uci320"):
        with Memory({}) as records, pytest.raises(NotEnoughData, match=r"[Ii]mport"):
            PROTOCOLS.get(name).run(records, [LOGISTIC], MEASURE, lambda _: None)


def test_folds_are_even_and_groups_whole() -> None:
    words = np.array(["a"] * 50 + ["b"] * 25 + [""] * 10, dtype=object)
    fold = stratified(words, 5, 1)
    for word in ("a", "b", ""):
        assert np.ptp(np.bincount(fold[words == word], minlength=5)) <= 1
    assert not np.array_equal(fold, stratified(words, 5, 2))
    groups = np.array([f"g{i % 7}" for i in range(90)], dtype=object)
    of_group = by_group(groups, 5)
    assert all(len(set(of_group[groups == group])) == 1 for group in set(groups))
    assert set(of_group.tolist()) == {0, 1, 2, 3, 4}


def test_scores_are_those_of_the_textbook() -> None:
    classes = np.array([0, 0, 1, 1, 2, 2])
    right = np.eye(3)[classes] * 0.8 + 0.1
    assert scores(classes, right) == {"accuracy": 1.0, "macro_f1": 1.0}
    said = np.eye(3)[[0, 0, 1, 0, 2, 1]] * 0.8 + 0.1
    found = scores(classes, said)
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["macro_f1"] == pytest.approx(np.mean([2 * 2 / 5, 2 * 1 / 4, 2 * 1 / 3]))


def test_columns_are_left_out_by_their_beginning() -> None:
    both = Matrix(("degree=1", "age"), np.ones((2, 2)))
    assert without(both, "degree=").names == ("age",)
