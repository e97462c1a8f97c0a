"""A learner's skills in numbers and words: what changed, what is mastered, what the page says."""

from datetime import UTC, datetime, timedelta

import pytest

from headway.explanation.mastery import LearnerMastery, by_counts, sentence, states, trend
from headway.models.mastery.bkt import Bkt
from headway.models.mastery.responses import Responses
from headway.models.mastery.tracer import KNOWN, NEXT_RIGHT
from headway.reports.build import provenance
from headway.reports.mastery import headline, mastery_page
from tests.support.answers import planted

NOW = datetime(2024, 10, 15, tzinfo=UTC)


def found(mastery_is: str = KNOWN) -> LearnerMastery:
    """Fractions wrong and then right, decimals right all along, ratios lately."""
    fitted = Bkt().fit(planted({"fractions": (0.2, 0.2, 0.0, 0.2, 0.1)}, 400, 8, seed=1), seed=0)
    skills = ["fractions"] * 5 + ["decimals"] * 8 + ["ratios"]
    right = [False, False, False, True, True] + [True] * 8 + [False]
    days = [30, 29, 28, 2, 1, *range(28, 20, -1), 3]
    answers = Responses.of(["a"] * 14, skills, [[skill] for skill in skills], right)
    instants = [NOW - timedelta(days=day) for day in days]
    told = states(fitted, mastery_is, answers, instants, NOW)
    return LearnerMastery("c/a", "c/A/1", NOW, "bkt", mastery_is, "Learned from some.", 2, told)


def test_each_skill_has_its_counts_its_change_and_its_words() -> None:
    state = {one.skill: one for one in found().skills}
    assert (state["fractions"].right, state["fractions"].answers, state["fractions"].trend) == (2, 5, "rising")
    assert (state["decimals"].trend, state["decimals"].mastered) == ("steady", True)
    assert (state["ratios"].trend, state["ratios"].before) == ("new", None)
    assert state["fractions"].sentence == "has not yet mastered fractions: 2 of 5 right"
    assert state["decimals"].sentence == "has mastered decimals: 8 of 8 right"
    assert [step.right for step in state["fractions"].steps] == [False, False, False, True, True]


def test_the_least_mastered_comes_first_and_sums_follow() -> None:
    told = found()
    values = [one.mastery for one in told.skills]
    assert values == sorted(values)
    assert told.mastered == 1
    assert told.mean == pytest.approx(sum(values) / 3)
    moved = [one.mastery - one.before for one in told.skills if one.before is not None]
    assert told.change == pytest.approx(sum(moved) / 2)
    json = told.as_json()
    assert (json["skills_practised"], json["skills_mastered"], json["answers_without_skill"]) == (3, 1, 2)
    assert json["lowest_mastery"] == values[0]


@pytest.mark.parametrize(
    ("before", "now", "word"), [(None, 0.5, "new"), (0.5, 0.54, "steady"), (0.5, 0.6, "rising"), (0.5, 0.4, "falling")]
)
def test_a_small_change_is_none(before: float | None, now: float, word: str) -> None:
    assert trend(before, now) == word


def test_a_chance_of_a_right_answer_is_not_called_mastery() -> None:
    words = sentence("fractions", 0.97, 7, 8, NEXT_RIGHT)
    assert "master" not in words
    assert words == "next answer on fractions is right with a chance of 97%: 7 of 8 right so far"


def test_the_page_says_what_the_numbers_are() -> None:
    told = found()
    page = mastery_page(told, provenance("hash", "snapshot", 7, NOW))
    assert page.count("<svg") == 1
    for words in ("2 of 5", "8 of 8", "not yet", "the chance that the skill is known", "2 answers belong"):
        assert words in page, words
    assert headline(told).startswith("3 skills practised, 1 of them mastered; has not yet mastered ")
    assert headline(found(NEXT_RIGHT)).startswith("3 skills practised. The least sure is ")


def test_counts_alone_say_what_is_mastered_the_least_first_and_nothing_of_few_answers() -> None:
    right = {
        "fractions": [True, False, False, True, False, False, True, False],
        "decimals": [True, True, True],
        "ratios": [True] * 7 + [False],
        "sums": [True, True],
        "powers": [True] * 6 + [False],
    }
    answers = [(skill, each) for skill, told in right.items() for each in told]
    skills = [skill for skill, _ in answers]
    told = by_counts(Responses.of(["a"] * len(answers), skills, [[s] for s in skills], [each for _, each in answers]))
    assert told == (
        "has not yet mastered fractions: 3 of 8 right",
        "has not yet mastered powers: 6 of 7 right",
        "has mastered decimals: 3 of 3 right",
        "has mastered ratios: 7 of 8 right",
    )


def test_an_answer_on_two_skills_counts_for_both() -> None:
    told = by_counts(Responses.of(["a"] * 3, ["i", "j", "k"], [["one", "two"]] * 3, [True, False, False]))
    assert told == ("has not yet mastered one: 1 of 3 right", "has not yet mastered two: 1 of 3 right")
