"""Models of one's own labels, topics, and texts at a glance."""

from collections.abc import Sequence

import numpy as np
import pytest

from headway.domain.errors import ConfigError, InputError, NotEnoughData
from headway.models.model import Floats
from headway.models.text.encoder import MiniLM, encoder_called, has_packaged
from headway.models.text.linear import FittedTexts, fit_texts
from headway.models.text.overview import SMALLEST, Written, overview
from headway.models.text.topics import topics
from tests.presence import absent

PLACES = [
    "the quiz",
    "the video",
    "week two",
    "the essay",
    "the forum",
    "the exam",
    "the page",
    "the lab",
    "part one",
    "the file",
]
LATE = [f"I cannot open {place} and the deadline is near" for place in PLACES]
CALM = [f"I enjoyed {place} and agree with you all" for place in PLACES]
OTHER = [f"Hello from Lisbon, I will watch {place} with friends" for place in PLACES]
LABELS = ["late"] * 10 + ["calm"] * 10


def test_labels_are_learned_and_the_state_is_exact() -> None:
    fitted = fit_texts(LATE + CALM, LABELS)
    again = fit_texts(LATE + CALM, LABELS)
    assert fitted.state() == again.state()
    back = FittedTexts.read(fitted.state())
    new = ["I cannot open the syllabus", "I enjoyed the syllabus"]
    assert np.array_equal(back.chances(new), fitted.chances(new))
    assert back.classes == ("calm", "late")
    first, second = back.chances(new)[:, 1]
    assert first > 0.5 > second


def test_of_several_classes_each_has_a_chance() -> None:
    fitted = fit_texts(LATE + CALM + OTHER, [*LABELS, *["hello"] * 10])
    chances = fitted.chances(["Hello from Porto", "nothing known"])
    assert chances.shape == (2, 3)
    assert np.allclose(chances.sum(axis=1), 1)
    assert fitted.classes[int(chances[0].argmax())] == "hello"


def test_too_little_is_refused() -> None:
    with pytest.raises(NotEnoughData, match="'late': 2"):
        fit_texts(LATE[:2] + CALM, ["late"] * 2 + ["calm"] * 10)
    with pytest.raises(InputError, match="--above"):
        fit_texts(LATE, ["late"] * 10)
    with pytest.raises(InputError, match="Fit it again"):
        FittedTexts.read({"text.json": b"{}", "text.npz": fit_texts(LATE + CALM, LABELS).state()["text.npz"]})


def test_a_model_that_reads_vectors_asks_for_them() -> None:
    def encode(texts: Sequence[str]) -> Floats:
        return np.array([[float("cannot" in text), 1.0] for text in texts])

    fitted = fit_texts(LATE + CALM, LABELS, encoder="minilm", encode_texts=encode)
    assert FittedTexts.read(fitted.state()).encoder == "minilm"
    assert fitted.chances(["I cannot"], encode).shape == (1, 2)
    with pytest.raises(InputError, match="minilm"):
        fitted.chances(["I cannot"])


def test_encoders_say_what_is_missing() -> None:
    with pytest.raises(InputError, match="hf:NAME"):
        encoder_called("bert")
    with pytest.raises(ConfigError, match=r"pip install|not on this machine"):
        encoder_called("hf:made/up")
    if not has_packaged():
        with pytest.raises(ConfigError, match=r"headway\[encoder\]"):
            MiniLM()


def test_the_packaged_encoder_knows_what_means_the_same() -> None:
    if not has_packaged():
        absent("the extra `encoder`: pip install -e '.[encoder]'")
    said = ["I cannot submit my homework", "My assignment upload fails", "The weather is nice in Rome", ""]
    vectors = encoder_called("minilm").encode(said)
    assert vectors.shape == (4, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2
    assert np.array_equal(vectors[:1], encoder_called("minilm").encode(said[:1])) or np.allclose(
        vectors[:1], encoder_called("minilm").encode(said[:1]), atol=1e-5
    )


def test_topics_are_found_named_and_quoted_masked() -> None:
    texts = [f"Hi Anna, the video of lecture {n} stops and the sound of the video is gone" for n in range(12)]
    texts += [f"The grade of essay {n} is missing, please look at the grade, jo{n}@made.example" for n in range(9)]
    found = topics(texts, most=2)
    assert [one.texts for one in found] == [12, 9]
    assert "video" in found[0].words
    assert "grade" in found[1].words
    assert not any("Anna" in quote or "made.example" in quote for one in found for quote in one.quotes)
    assert all("anna" not in one.words for one in found)
    assert found == topics(texts, most=2)


def test_few_texts_have_no_topics() -> None:
    assert topics(["one text"] * 3) == []
    assert topics(["!!!"] * 20) == []


def test_what_is_not_to_be_quoted_is_counted_only() -> None:
    texts = [f"the video of lecture {n} stops" for n in range(12)] + [f"a grade for essay {n}" for n in range(9)]
    found = topics(texts, most=2, quotable=[False] * 21)
    assert sum(one.texts for one in found) == 21
    assert all(one.quotes == () for one in found)


def test_the_overview_hides_small_groups_and_distress() -> None:
    sad = "I want to kill myself"
    texts = [Written("A great lecture", 1, "a", f"p{n}") for n in range(SMALLEST)]
    texts += [Written("A boring, useless lecture", 2, "b", f"q{n}") for n in range(SMALLEST - 1)]
    texts += [
        Written("I cannot submit the quiz, please help, it is due tonight! Anna", 1, "a", "r1"),
        Written(sad, 1, "a", "s1"),
    ]
    found, concerns = overview(texts)
    first, second = found.weeks
    assert first.sentiment is not None
    assert first.sentiment > 0
    assert second.texts == SMALLEST - 1
    assert second.sentiment is None
    assert found.to_read_today == 1
    assert sad not in str(found.as_json())
    (concern,) = concerns
    assert concern.by == "s1"
    assert concern.categories[0] == "self_harm"
    assert concern.text == sad
    assert [one.by for one in found.urgent] == ["r1"]
