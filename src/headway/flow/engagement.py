"""The daily engagement score of a run: computed once a day for everyone enrolled, kept with its parts and flags."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from headway.advising import engagement_queries
from headway.advising.engagement import FEATURES, History, scored
from headway.description.silence import silent_since
from headway.domain.errors import NotEnoughData, UnknownName
from headway.domain.time import AsOf
from headway.features.as_of import compute, run_facts
from headway.features.moments import Moment, RunFacts
from headway.features.views import view_with
from headway.flow.app import App
from headway.flow.records import as_of_in, one_run

if TYPE_CHECKING:
    from headway.lake.reading import Records

DAYS: Final = 14
"""Days of history that are shown, and how far back days that were missed are computed."""


def engagement(
    app: App, run: str, as_of_text: str | None = None, *, learner: str | None = None, days: int = DAYS
) -> History:
    """The scores of a run's last days up to a date; days that are not kept yet are computed and kept.

    A day is computed from what was known at its end. The score of today, which is not over, is not kept.

    Args:
        app: where.
        run: an id or a glob that names one run.
        as_of_text: a date or an instant; the last day that is over where it is not said.
        learner: only this learner.
        days: how many days.

    Raises:
        UnknownName: the run is not known, or the learner was not enrolled on any of the days.
        NotEnoughData: the run had not begun.
    """
    run = one_run(app, run)
    with app.lake.open(None, [run], kinds=["course_runs"]) as records:
        as_of = AsOf.now(app.clock) if as_of_text is None else as_of_in(records, run, as_of_text)
        facts = run_facts(records, run)
    over_on = _last_over(facts, as_of)
    if over_on < facts.starts_on:
        raise NotEnoughData(f"{run} begins on {facts.starts_on}. Name a later date.")
    silent = keep_engagement(app, run, as_of, days=days)
    with app.store.read() as connection:
        found = engagement_queries.history(connection, run, over_on, days, learner)
        at = engagement_queries.computed_at(connection, run, over_on)
    if learner is not None and not found:
        raise UnknownName(f"{learner!r} was not enrolled in {run} on the {days} days up to {over_on}.")
    return History(run, over_on, tuple(found), silent, at)


def keep_engagement(app: App, run: str, as_of: AsOf, *, days: int = DAYS) -> str | None:
    """Why nothing is flagged at present, or None; the days up to an as-of time that were missing are kept.

    Raises:
        UnknownName: the run is not known.
    """
    with app.lake.open(as_of, [run]) as records:
        facts = run_facts(records, run)
        missing = _missing(app, facts, _last_over(facts, as_of), days)
        silence = silent_since(records, run, as_of)
        _keep_days(app, records, facts, missing, silent=silence is not None)
    return None if silence is None else silence.why


def _keep_days(app: App, records: "Records", facts: RunFacts, days: Sequence[date], *, silent: bool) -> None:
    """Computes and keeps some days: each as of its end, whenever that is done, and flagged by the days before it."""
    ends = {day_on: facts.end_of((day_on - facts.starts_on).days) for day_on in days}
    if not ends:
        return
    moments = [Moment(facts.run, end) for end in ends.values()]
    table = compute(view_with("engagement", FEATURES), records, moments)
    at = table.keys("as_of")
    for day_on, end in sorted(ends.items()):
        with app.store.read() as connection:
            before = engagement_queries.week_before(connection, facts.run, day_on)
        of_day = table.rows(at == end.instant)
        scores = scored(of_day, day_on, before, app.settings.engagement, feed_is_silent=silent)
        with app.store.begin() as connection:
            engagement_queries.keep(connection, facts.run, day_on, scores, app.clock.now())


def _missing(app: App, facts: RunFacts, over_on: date, days: int) -> list[date]:
    first_on = max(facts.starts_on, over_on - timedelta(days=days - 1))
    with app.store.read() as connection:
        kept = set(engagement_queries.days_kept(connection, facts.run))
    wanted = [first_on + timedelta(days=ago) for ago in range((over_on - first_on).days + 1)]
    return [day_on for day_on in wanted if day_on not in kept]


def _last_over(facts: RunFacts, as_of: AsOf) -> date:
    """The last local day that is over: that of the as-of time where it closes the day, else the one before."""
    day_on = as_of.day(facts.zone)
    closes = facts.end_of((day_on - facts.starts_on).days) <= as_of
    return day_on if closes else day_on - timedelta(days=1)
