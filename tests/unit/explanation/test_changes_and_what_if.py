"""What changed since a week before, and what the model says of another record: only of what a learner can change."""

from dataclasses import replace

import numpy as np
import pytest

from headway.advising.explained import NO_PROMISE, agreement_words, change_words, what_if_words
from headway.domain.errors import InputError, NotPermitted, UnknownName
from headway.evaluation.calibration import Identity
from headway.evaluation.ranges import Comparable
from headway.evaluation.risk_model import RiskModel
from headway.explanation.changes import Week, changes
from headway.explanation.guard import causal_words
from headway.explanation.lime import Agreement
from headway.explanation.reasons import families
from headway.explanation.what_if import Chance, WhatIf, usual, what_if
from headway.features.definition import Feature
from headway.models.model import Matrix
from tests.support.explaining import Curved, definitions, feature, matrix, past_of

VISITS = feature("visits_7d", "visits", bounds=(0, None))
MORE_VISITS = feature("visits_28d", "visits", bounds=(0, None))
PLACE = feature("visits_28d_percentile", "visits", cohort=True, bounds=(0, 1))
MARKS = feature("marks", "results", bounds=(0, 1))
FIXED = feature("due", "timing", changeable=False)
ALL = [VISITS, MORE_VISITS, PLACE, MARKS, FIXED]
NAMES = tuple(each.name for each in ALL)


def risk_model(names: tuple[str, ...] = NAMES, weights: tuple[float, ...] = (-0.5, 0, 0, -1, 0.1)) -> RiskModel:
    fitted = Curved(names, weights)
    risks = np.linspace(0, 1, 200)
    return RiskModel("curved", fitted, Identity(), Comparable.fit(risks, (risks > 0.5).astype(float)), 0.5)


def cohort() -> Matrix:
    visits = np.arange(40.0) % 8
    return Matrix(NAMES, np.column_stack([visits, visits * 4, visits / 8, np.linspace(0, 1, 40), np.ones(40)]))


ROW = Matrix(NAMES, np.array([[1.0, 4.0, 0.125, 0.2, 1.0]]))


def asked(name: str, instead: float, known: list[Feature] | None = None) -> WhatIf:
    return what_if(risk_model(), ROW, cohort(), definitions(known or ALL), name, instead)


def test_another_record_has_another_chance_and_its_family_comes_along() -> None:
    found = asked("visits_7d", 5)
    assert found.then.risk < found.now.risk
    assert found.together == {"visits_28d": 20.0, "visits_28d_percentile": 0.625}
    assert found.value == 1
    assert found.then.low <= found.then.risk <= found.then.high


def test_words_are_of_past_learners_and_never_causal() -> None:
    for instead in (0, 1, 5):
        told = what_if_words(asked("visits_7d", instead), "does_not_finish")
        assert "past learners with such a record" in told
        assert not causal_words(told)
        assert "will" not in told.split()
    assert ": fewer of" in what_if_words(asked("visits_7d", 6), "does_not_finish")
    assert ": more of" in what_if_words(asked("visits_7d", 0), "does_not_finish")
    assert "about as many of" in what_if_words(asked("visits_7d", 1), "does_not_finish")
    assert not causal_words(NO_PROMISE)
    assert not causal_words(agreement_words(Agreement(0.8, 1.0, 0.7)))


def test_words_promise_no_change_that_their_range_does_not_show() -> None:
    found = replace(asked("visits_7d", 6), now=Chance(0.79, 0.51, 0.79), then=Chance(0.76, 0.51, 0.76))
    told = what_if_words(found, "does_not_finish")
    assert "about as many of" in told
    assert told.endswith("The chance of not finishing is 5–8 in 10 either way.")


@pytest.mark.parametrize(
    ("name", "instead", "said"),
    [
        ("due", 2, "nothing a learner can change"),
        ("visits_28d_percentile", 0.9, "place among others"),
        ("visits_7d", -1, "0 to …"),
        ("marks", 1.2, "0 to 1"),
        ("marks", float("nan"), "cannot be nan"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(name: str, instead: float, said: str) -> None:
    with pytest.raises(InputError, match=said):
        asked(name, instead)


def test_unknown_and_protected_features_are_refused() -> None:
    with pytest.raises(UnknownName):
        asked("visit_7d", 2)
    named = ("gender", *NAMES[1:])
    model, known = risk_model(named), definitions([feature("gender"), *ALL[1:]])
    with pytest.raises(NotPermitted):
        what_if(model, Matrix(named, ROW.values), cohort(), known, "gender", 1)


def test_the_last_day_of_a_past_moves_and_no_other() -> None:
    names = ("a", "b", "c")
    rows = past_of(matrix(30, names))
    model = risk_model(names, (1.0, 0.0, 0.0))
    row = rows.rows(np.array([1]))
    known = definitions([feature(name) for name in names])
    found = what_if(model, row, rows, known, "a", 3.0)
    assert found.then.risk > found.now.risk
    assert usual(rows, known["a"]) in rows.column("a")


def week(values: list[float], added: list[float]) -> Week:
    return Week(np.array(values), np.full(len(values), 2.0), np.array(added))


def test_changes_are_told_with_both_numbers_strongest_first() -> None:
    now = week([0.0, 4.0, 0.1, 0.5, 1.0], [0.8, 0.2, 0.1, -0.2, 0.0])
    then = week([3.0, 9.0, 0.4, 0.7, 1.0], [0.1, 0.1, 0.1, -0.8, 0.0])
    told = changes(families(ALL), now, then)
    assert [each.feature for each in told] == ["visits_7d", "marks"]
    assert [each.direction for each in told] == ["for", "for"]
    assert told[0].text == "Visits_7d: 0 (course middle: 2). A week earlier: 3."
    assert told[0].moved == pytest.approx(0.8)
    assert not causal_words(" ".join(each.text for each in told))


def test_a_number_that_did_not_change_is_no_change() -> None:
    now = week([3.0, 9.0, 0.4, 0.5, 1.0], [0.8, 0.2, 0.1, -0.2, 0.0])
    then = week([3.0, 9.0, 0.4, 0.7, 1.0], [0.1, 0.1, 0.1, -0.8, 0.0])
    assert [each.feature for each in changes(families(ALL), now, then)] == ["marks"]
    withheld = np.array([name == "marks" for name in families(ALL).names])
    assert changes(families(ALL), now, then, withheld) == ()


def test_what_became_known_is_said_so() -> None:
    now, then = week([0, 0, 0, 0.5, 0], [0, 0, 0, -1.0, 0]), week([0, 0, 0, float("nan"), 0], [0, 0, 0, 0, 0])
    (told,) = changes(families(ALL), now, then)
    assert told.text.endswith("A week earlier: not known yet.")
    assert told.before is None


def test_the_week_before_in_words() -> None:
    assert "5–7 in 10" in change_words(Chance(0.6, 0.5, 0.7), (), "does_not_finish")
    assert "Not enrolled" in change_words(None, (), "does_not_finish")
