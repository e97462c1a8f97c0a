"""The protocols on coded texts, on a few made-up ones."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from headway import flow
from headway.domain.errors import NotEnoughData
from headway.evaluation.texts import by_class, class_scores, leave_out
from headway.flow import App, open_app

COMMENTS = [(f"Lecture {n} was helpful and clear", 1) for n in range(15)]
COMMENTS += [(f"Lecture {n} was boring and useless", -1) for n in range(15)]
COMMENTS += [(f"Lecture {n} is on Monday", 0) for n in range(15)]


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    # The encoder is measured where it is at home; here it would cost seconds and show nothing.
    monkeypatch.setattr("headway.evaluation.forum_urgency.has_packaged", lambda: False)
    monkeypatch.setattr("headway.evaluation.evaluation_sentiment.has_packaged", lambda: False)
    coded = tmp_path / "coded"
    coded.mkdir()
    for run in ("one", "two"):
        lines = [f'{1380000000 + n},"I cannot open part {n} of {run}, please help",6' for n in range(12)]
        lines += [f'{1390000000 + n},"I agree, part {n} of {run} was lovely",1' for n in range(12)]
        (coded / f"{run}.csv").write_text("time,text,urgency\n" + "\n".join(lines) + "\n", encoding="utf-8")
    lines = [f'"{text}",{code}' for text, code in COMMENTS]
    (coded / "comments.csv").write_text("text,sentiment\n" + "\n".join(lines) + "\n", encoding="utf-8")
    with open_app(tmp_path / "home") as opened:
        flow.ingest(opened, "coded-texts", [coded])
        yield opened


def test_urgency_is_told_by_runs_left_out(app: App) -> None:
    done = flow.evaluate_protocol(app, "forum-urgency")
    together = {(line["model"], line["metric"]): line for line in done.summary if line["figure"] == "2 runs together"}
    assert {model for model, _ in together} == {"rules", "bag-of-words", "tfidf-lexica"}
    assert together["rules", "auroc"]["value"] == 1.0
    assert together["tfidf-lexica", "auprc"]["value"] == 1.0
    # Five of 48 posts can be read, and 24 are urgent.
    assert together["rules", "recall_at_10"]["value"] == pytest.approx(5 / 24)
    assert {row["n"] for row in done.rows} == {48, 24}
    assert any("weights were chosen by reason" in note for note in done.notes)


def test_sentiment_stands_beside_the_largest_class(app: App) -> None:
    done = flow.evaluate_protocol(app, "evaluation-sentiment")
    found = {(line["model"], line["metric"]): line["value"] for line in done.summary}
    assert found["largest-class", "accuracy"] == pytest.approx(1 / 3)
    assert found["lexicon", "accuracy"] == 1.0
    assert found["lexicon", "auroc"] == 1.0
    assert float(str(found["tfidf-lexica", "macro_f1"])) > 0.9
    assert found["largest-class", "auroc"] == 0.5


def test_without_coded_texts_the_protocol_says_what_to_import(tmp_path: Path) -> None:
    with open_app(tmp_path / "empty") as app, pytest.raises(NotEnoughData, match="coded-texts"):
        flow.evaluate_protocol(app, "forum-urgency")


def test_groups_are_left_out_whole_and_each_text_is_tested_once() -> None:
    import numpy as np

    for groups in (np.array(list("aabbcc"), dtype=object), np.array([f"g{n % 40}" for n in range(200)], dtype=object)):
        tested: list[int] = []
        for train, test in leave_out(groups):
            assert not set(groups[train]) & set(groups[test])
            tested += [int(place) for place in test]
        assert sorted(tested) == list(range(len(groups)))
    with pytest.raises(NotEnoughData, match="one group"):
        list(leave_out(np.array(["a", "a"], dtype=object)))


def test_folds_have_every_class() -> None:
    labels = ["a"] * 10 + ["b"] * 20
    for _, test in by_class(labels, 7):
        assert sorted(labels[place] for place in test) == ["a"] * 2 + ["b"] * 4


def test_accuracy_and_macro_f1() -> None:
    assert class_scores(["a", "a", "b"], ["a", "a", "a"], ("a", "b")) == {
        "accuracy": pytest.approx(2 / 3),
        "macro_f1": pytest.approx(0.4),
    }
