"""Mastery models measured: learners on one side only, each answer once, figures that agree with their definitions."""

import dataclasses
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from headway.domain.errors import InputError, LeakageError, NotEnoughData
from headway.domain.records import KINDS
from headway.evaluation.assess import Measure
from headway.evaluation.protocols import PROTOCOLS
from headway.evaluation.tracing import Tracing, drawn, read_rows, refuse_shared, traced
from headway.models.mastery.bkt import Bkt
from headway.models.mastery.responses import Responses
from tests.support.answers import Planted, mixed, planted
from tests.support.memory import Memory

SKILLS: dict[str, Planted] = {"s": (0.3, 0.15, 0.0, 0.2, 0.1), "t": (0.1, 0.1, 0.0, 0.2, 0.1)}


@pytest.mark.parametrize("learners", [2, 3, 10, 333])
def test_a_fifth_of_the_learners_is_tested_the_same_for_the_same_seed(learners: int) -> None:
    out = drawn(learners, seed=7)
    assert out.sum() == max(round(learners / 5), 1)
    assert np.array_equal(out, drawn(learners, seed=7))
    if learners > 3:
        assert any(not np.array_equal(out, drawn(learners, seed=other)) for other in range(3))


def test_one_learner_cannot_be_split() -> None:
    with pytest.raises(NotEnoughData, match="1 learners"):
        drawn(1, seed=0)


def test_no_learner_is_on_both_sides() -> None:
    answers = mixed(seed=1)
    out = drawn(len(answers.learners), seed=7)
    train, test = answers.of_learners(~out), answers.of_learners(out)
    refuse_shared(train, test)
    assert set(train.learners) | set(test.learners) == set(answers.learners)
    assert len(train) + len(test) == len(answers)
    with pytest.raises(LeakageError, match="both files"):
        traced(Bkt(), answers, test, seed=0)


def test_figures_are_those_of_the_answers_tested() -> None:
    answers = planted(SKILLS, learners=60, answers=8, seed=1)
    out = drawn(60, seed=7)
    found = traced(Bkt(), answers.of_learners(~out), answers.of_learners(out), seed=7)
    figures = found.figures()
    labels, said = found.test.correct, found.said
    assert figures["n"] == 12 * 16
    loss = -np.mean(labels * np.log(said) + (1 - labels) * np.log(1 - said))
    assert figures["log_loss"] == pytest.approx(loss, abs=1e-6)
    above = (said[labels == 1][:, None] > said[labels == 0]).mean()
    ties = (said[labels == 1][:, None] == said[labels == 0]).mean()
    assert figures["auc"] == pytest.approx(above + ties / 2, abs=1e-6)
    assert float(str(figures["auc"])) > 0.6
    assert found.figures(labels == 1) == found.figures(labels == 1) | {"auc": None, "n": int(labels.sum())}


def test_a_test_of_right_answers_only_is_refused() -> None:
    answers = planted(SKILLS, learners=20, answers=4, seed=1)
    alike = Responses.of(["new"], ["s"], [["s"]], [True])
    with pytest.raises(NotEnoughData, match="right"):
        traced(Bkt(), answers, alike, seed=0)


def test_items_of_their_own_tell_which_rows_are_one_response() -> None:
    folded, told = read_rows(["a", "a"], ["i", "i"], [["s"], ["t"]], [True, True])
    assert (told, len(folded.responses)) == (True, 1)
    folded, told = read_rows(["a", "a"], ["s", "t"], [["s"], ["t"]], [True, True])
    assert (told, len(folded.responses)) == (False, 2)
    with pytest.raises(InputError, match="no answers"):
        read_rows([], [], [], [])


def kept(run: str, answers: Responses) -> dict[str, pa.Table]:
    """The answers as records of the lake, in a made-up order."""
    order = np.random.default_rng(0).permutation(len(answers))
    rows = []
    for row in order.tolist():
        at = datetime(2000, 1, 3, tzinfo=UTC) + timedelta(minutes=row)
        skills = [answers.skills[skill] for skill in answers.skill[answers.entry == row]]
        about = {"id": row.to_bytes(16, "big"), "source": "tracing", "run": run, "occurred_at": at, "recorded_at": at}
        about |= {"learner": answers.learners[answers.learner[row]], "item": ";".join(skills), "skills": skills}
        rows.append(about | {"correct": bool(answers.correct[row]), "attempt": None, "hints": None})
    return {"responses": pa.Table.from_pylist(rows, schema=KINDS["responses"].schema)}


def repeated(learners: int) -> Responses:
    """Answers of which every other row repeats the one before under another skill."""
    answers = planted({"s": SKILLS["s"]}, learners=learners, answers=8, seed=4)
    who = [answers.learners[code] for code in np.repeat(answers.learner, 2)]
    skills = ["s", "t"] * len(answers)
    return Responses.of(who, skills, [[skill] for skill in skills], (np.repeat(answers.correct, 2) > 0).tolist())


@pytest.fixture
def small() -> Tracing:
    return Tracing("kt-made", ("made",), {"auroc": {"0": 0.7}}, "Made up.", ("bkt", "pfa"))


def test_the_protocol_shows_rows_as_published_and_each_response_once(small: Tracing) -> None:
    said: list[str] = []
    with Memory(kept("tracing/made/1", repeated(60))) as records:
        found = small.run(records, [], Measure(bootstrap=20), said.append)
    value = {(row["protocol"], row["model"]): row for row in found.summary if row["metric"] == "auroc"}
    assert len(value) == 4
    for model in ("bkt", "pfa"):
        rows, once = (value[f"kt-made/{reading}/learners left out", model] for reading in ("as published", "honest"))
        assert rows["reference"] == once["reference"] == 0.7
        assert rows["n"] == 2 * int(str(once["n"])) == 12 * 16
    assert any("480 rows (50.0%) repeat a response" in note for note in found.notes)
    losses = [row["value"] for row in found.summary if row["metric"] == "log_loss"]
    assert all(isinstance(loss, float) for loss in losses)
    assert len(said) == 4


def test_the_protocol_draws_the_same_learners_whatever_they_are_called(small: Tracing) -> None:
    answers = planted(SKILLS, learners=40, answers=5, seed=6)
    names = np.random.default_rng(3).permutation(40).astype(str)
    renamed = dataclasses.replace(answers, learners=tuple(f"x{name}" for name in names))
    told = []
    for each in (answers, renamed):
        with Memory(kept("tracing/made/1", each)) as records:
            told.append([row["value"] for row in small.run(records, [], Measure(bootstrap=20), lambda _: None).summary])
    assert told[0] == pytest.approx(told[1])


def test_without_repeated_rows_there_is_one_reading(small: Tracing) -> None:
    with Memory(kept("tracing/made/1", planted(SKILLS, learners=30, answers=6, seed=2))) as records:
        found = small.run(records, [], Measure(bootstrap=20), lambda _: None)
    assert {str(row["protocol"]).split("/")[1] for row in found.summary} == {"as published"}


def test_a_protocol_without_its_data_says_how_to_get_it(small: Tracing) -> None:
    with Memory({}) as records, pytest.raises(NotEnoughData, match="headway import tracing"):
        small.run(records, [], Measure(), lambda _: None)


def test_both_protocols_are_registered_with_their_references() -> None:
    told = {name: PROTOCOLS.get(name).reference for name in ("kt-statics", "kt-assist09")}
    assert told == {"kt-statics": {"auroc": {"0": 0.83}}, "kt-assist09": {"auroc": {"0": 0.77}}}
