"""What an explanation says beyond its reasons, in words for the page: computed behind the page and kept."""

from dataclasses import dataclass

from headway.advising.explained import (
    CHANGED_DEFINITIONS,
    NO_PROMISE,
    UNSTEADY,
    Explanation,
    agreement_words,
    change_words,
    what_if_words,
)
from headway.advising.wording import label_words
from headway.domain.errors import HeadwayError, InputError, NotEnoughData, Pending
from headway.flow.app import App
from headway.scoring.kept import ScoreRun
from headway.scoring.predict import Prediction
from headway.web.learner_view import LearnerView


@dataclass(frozen=True, slots=True)
class Told:
    """What is said: `wrong` in one sentence where nothing can be.

    Attributes:
        wrong: why there is nothing.
        since: the chance a week earlier.
        changes: sign and sentence of each change.
        towards: what ▲ points to.
        away: what ▽ points to.
        what_if: each in words.
        no_promise: what a what-if is not.
        agreement: how far a second opinion agrees.
        withheld: what was left out because it is not steady.
    """

    wrong: str = ""
    since: str = ""
    changes: tuple[tuple[str, str], ...] = ()
    towards: str = ""
    away: str = ""
    what_if: tuple[str, ...] = ()
    no_promise: str = NO_PROMISE
    agreement: str = ""
    withheld: str = ""


def explanation_told(view: LearnerView, wait_s: float) -> Told | None:
    """What is said beyond the reasons; None while it is being computed."""
    week = view.week
    if week is None:
        return Told(wrong=view.visit.words.gettext("Nothing was said of this learner yet."))
    key = ("explained", week.score_run.id, view.seen.learner)
    try:
        found = view.visit.worked_out(key, wait_s, _explained, week.score_run, week.prediction)
    except Pending:
        return None
    except HeadwayError as wrong:
        return Told(wrong=str(wrong))
    return Told(wrong=found) if isinstance(found, str) else told_of(found)


def told_of(found: Explanation) -> Told:
    """An explanation in the words of the page."""
    said, words = found.found, label_words(found.label)
    if said is None:
        return Told(wrong=CHANGED_DEFINITIONS)
    names = ", ".join(name.replace("_", " ") for name, _ in said.withheld)
    return Told(
        since=change_words(said.before, said.changed, found.label),
        changes=tuple(("▲" if each.direction == "for" else "▽", each.text) for each in said.changed),
        towards=words.towards,
        away=words.away,
        what_if=tuple(what_if_words(each, found.label) for each in said.what_if),
        agreement=agreement_words(said.lime),
        withheld=f"{UNSTEADY}: {names}." if names else "",
    )


def _explained(app: App, score_run: ScoreRun, prediction: Prediction) -> Explanation | str:
    """The explanation, or why there is none, which is kept too: it takes as long to find out."""
    from headway.flow.explaining import explanation_of

    try:
        return explanation_of(app, score_run, prediction)
    except (InputError, NotEnoughData) as wrong:
        return str(wrong)
