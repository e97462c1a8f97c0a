"""On the shared coded texts: how well urgency and sentiment are read, by what ships and by what is learned."""

from pathlib import Path

import numpy as np
import pytest

from headway import flow
from headway.evaluation.evaluation_sentiment import EvaluationSentiment
from headway.evaluation.forum_urgency import URGENT
from headway.evaluation.metrics import auroc
from headway.evaluation.texts import TFIDF, Coded, asks_soon, complains, held_out, leave_out, readers
from headway.flow import open_app
from headway.models.text.distress import READ
from headway.models.text.score import score_text


@pytest.fixture(scope="module")
def coded(tmp_path_factory: pytest.TempPathFactory, real_data: Path) -> Coded:
    with open_app(tmp_path_factory.mktemp("texts") / "home") as app:
        for name, rows in (("forum_urgency", 1758), ("course_evaluations", 566)):
            report = flow.ingest(app, "coded-texts", [real_data / name])
            assert report.kinds["texts"].accepted == rows
        with app.lake.open(None, None) as records:
            return Coded.of(records)


def test_urgency_of_what_ships_and_of_what_is_learned(coded: Coded) -> None:
    posts = coded.of_runs(lambda codes: bool(codes.min() >= 1 and codes.max() > 1))
    labels = np.asarray(posts.codes >= URGENT, dtype=np.float64)
    assert (len(posts), int(labels.sum()), len(set(posts.runs))) == (1758, 154, 9)
    assert auroc(labels, np.array([asks_soon(body) for body in posts.bodies])) > 0.86
    # One of the nine runs: enough to see that learning helps, in seconds.
    one = list(leave_out(posts.runs))[:1]
    learned = readers(posts.bodies, ["urgent" if label else "calm" for label in labels], None, None)[TFIDF]
    chances = held_out(learned, one, 2, len(posts))[:, 1]
    tested = np.isfinite(chances)
    assert auroc(labels[tested], chances[tested]) > 0.88


def test_sentiment_of_what_ships(coded: Coded) -> None:
    comments = coded.of_runs(lambda codes: bool(codes.min() < 0))
    assert len(comments) == 566
    labels = np.asarray(comments.codes < 0, dtype=np.float64)
    assert auroc(labels, np.array([complains(body) for body in comments.bodies])) > 0.92
    assert EvaluationSentiment().name == "evaluation-sentiment"


def test_distress_gives_a_workload_that_people_can_carry(coded: Coded) -> None:
    to_read = sum((score_text(body).distress or 0) >= READ for body in coded.bodies)
    assert to_read / len(coded) < 0.03
