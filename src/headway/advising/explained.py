"""The words in which an explanation is told beyond its reasons: what if, what changed, how far two opinions agree.

A what-if is said of past learners and never as advice that works: nobody was made to do anything in the record.
"""

from dataclasses import dataclass
from typing import Any, Final

from headway.advising.wording import label_words, tenths
from headway.domain.time import AsOf
from headway.explanation.changes import Change
from headway.explanation.lime import Agreement
from headway.explanation.what_if import Chance, WhatIf
from headway.scoring.explained import Explained
from headway.scoring.kept import ScoreRun
from headway.scoring.predict import Prediction

NO_PROMISE: Final = "What-ifs describe past learners. They do not say what a change would do."
NOTHING_BEFORE: Final = "Not enrolled, or nothing known, a week earlier."
UNSTEADY: Final = "Withheld, for a small difference in the record would turn it round or make it vanish"
LEFT_OUT: Final = "Skills with fewer than three answers are left out."
CHANGED_DEFINITIONS: Final = (
    "The features are defined otherwise than when this was scored; only what was kept can be told."
)

_LITTLE: Final = 0.005
"""A chance that moves by less is told as the same."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is said of one learner: the prediction as it was kept, and all else.

    Attributes:
        score_run: what the prediction belongs to.
        prediction: as it was kept.
        found: all else; None where the definitions of the features have changed since.
        before: the as-of time a week earlier.
        mastery: where the learner stands with each skill, the least mastered first; empty where no answers are known.
    """

    score_run: ScoreRun
    prediction: Prediction
    found: Explained | None
    before: AsOf
    mastery: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What is predicted."""
        return str(self.score_run.facts["label"])

    def as_json(self) -> dict[str, Any]:
        """All that is beside the kept prediction, JSON-ready."""
        found = self.found
        if found is None:
            return {"note": CHANGED_DEFINITIONS, "mastery": list(self.mastery)}
        was = None if found.before is None else found.before.risk
        return {
            **found.as_json(),
            "mastery": list(self.mastery),
            "stability": {reason.feature: found.steadiness_of(reason) for reason in self.prediction.reasons},
            "changed": {
                "since": str(self.before),
                "risk_then": was,
                "changes": [each.as_row() for each in found.changed],
            },
            "what_if": [{**each.as_row(), "text": what_if_words(each, self.label)} for each in found.what_if],
        }


def what_if_words(found: WhatIf, label: str) -> str:
    """The answer to a what-if in two sentences.

    Args:
        found: the answer.
        label: what is predicted.
    """
    moved = found.then.risk - found.now.risk
    words = label_words(label)
    then, now = chance_words(found.then), chance_words(found.now)
    # "fewer" beside twice the same range would be more than the range can tell
    many = "about as many" if abs(moved) < _LITTLE or then == now else "fewer" if moved < 0 else "more"
    chance = (
        f"The {words.chance} is {now} either way"
        if then == now
        else (f"The {words.chance} is then {then}; as it is, {now}")
    )
    return (
        f"{found.record} ({found.own}): {many} of the past learners with such a record, and otherwise like this one, "
        f"{words.happened}. {chance}."
    )


def chance_words(chance: Chance) -> str:
    """A chance in whole tenths, with its range where there is one."""
    low, high = chance.low, chance.high
    if not (0 <= low <= chance.risk <= high <= 1):
        low = high = chance.risk
    return tenths(chance.risk, low, high)


def change_words(before: Chance | None, changed: tuple[Change, ...], label: str) -> str:
    """What is said above a list of changes."""
    if before is None:
        return NOTHING_BEFORE
    chance = f"A week earlier the {label_words(label).chance} was {chance_words(before)}."
    return chance if changed else f"{chance} No number moved enough to be told."


def agreement_words(found: Agreement) -> str:
    """How far the two opinions agree, in a sentence."""
    shared, same = round(found.overlap * 5), round(found.same_sign * 5)
    return (
        f"Explained in a second way, {shared} of the 5 strongest reasons are the same, and {same} of the 5 point the "
        "same way."
    )
