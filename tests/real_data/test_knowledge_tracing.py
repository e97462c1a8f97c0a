"""On the shared knowledge tracing data: every row arrives, and models reach what they are known to reach."""

from pathlib import Path

import numpy as np
import pytest

from headway.evaluation.tracing import drawn, traced
from headway.flow.mastery import answers_in
from headway.models.mastery.dkt import Dkt, Parameters
from headway.models.mastery.folding import by_pairs
from headway.models.mastery.responses import Responses
from headway.models.mastery.tracer import TRACERS

SEED = 7
FILES = {"statics": "dkvmn_STATICS.csv.gz", "assist09": "dkvmn_assist2009_updated.csv.gz"}
LEAST = {"statics": 0.82, "assist09": 0.77}
"""For the logistic model alone, on rows as published; the blend that the protocols print is better."""


@pytest.fixture(scope="module", params=FILES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def every(name: str, real_data: Path) -> Responses:
    """All answers of a data set."""
    found = answers_in(real_data / "knowledge_tracing" / FILES[name])
    assert found.left_out == ()
    return found.folded.responses


@pytest.fixture(scope="module")
def answers(every: Responses) -> Responses:
    """Those of 1,200 learners at most, which is enough for figures and a third of the time."""
    return every.of_learners(np.arange(len(every.learners)) < 1200)


def test_every_row_is_read(name: str, every: Responses) -> None:
    told = len(every), len(every.learners), len(every.skills)
    assert told == ((189_297, 333, 1223) if name == "statics" else (325_637, 4151, 110))


def auc(model: str, answers: Responses, out: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> float:
    found = traced(TRACERS.get(model), answers.of_learners(~out), answers.of_learners(out), SEED)
    return float(str(found.figures()["auc"]))


def test_logistic_tracing_reaches_its_figure_and_beats_bkt(name: str, answers: Responses) -> None:
    out = drawn(len(answers.learners), SEED)
    reached = auc("logistic", answers, out)
    assert reached >= LEAST[name]
    assert reached > auc("bkt", answers, out) + 0.02


def test_repeated_rows_are_found_where_they_are_and_only_there(name: str, answers: Responses) -> None:
    found = by_pairs(answers, ~drawn(len(answers.learners), SEED))
    share = found.repeated / found.rows
    assert share > 0.1 if name == "assist09" else share < 0.01


def test_deep_tracing_learns_from_a_sample(answers: Responses) -> None:
    some = answers.of_learners(np.arange(len(answers.learners)) % 6 == 0)
    out = drawn(len(some.learners), SEED)
    small = Dkt(parameters=Parameters(width=32, memory=32, hidden=32, passes=6))
    found = traced(small, some.of_learners(~out), some.of_learners(out), SEED)
    assert float(str(found.figures()["auc"])) > 0.6
