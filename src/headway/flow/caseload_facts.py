"""What a caseload says besides the predictions: how such lists did before, who is enrolled, who may be assigned.

Reads only. The registry takes a second to answer and the lake longer, so pages keep what these functions return.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from headway.advising import task_queries, worklist_queries
from headway.advising.rules.rule import RULES
from headway.advising.tasks import ASKED_FOR_HELP
from headway.advising.worklist import Case, cases
from headway.domain.errors import ConfigError, UnknownName
from headway.domain.time import AsOf
from headway.flow.app import App
from headway.flow.caseload import BY_HAND
from headway.flow.model_page import registry_state
from headway.governance import accounts, challenges
from headway.governance.accounts import Account
from headway.governance.scopes import Role, Scope
from headway.reports.build import past_check

ASSIGNABLE: Final[tuple[Role, ...]] = ("adviser", "tutor")


@dataclass(frozen=True, slots=True)
class PastList:
    """How a list of this kind did on an earlier run.

    Attributes:
        where: the run and its day.
        k: how many were put first.
        hits: for how many of them the label came true.
        rule_hits: for how many of those came true whom "no visit for 7 days" put first.
        cut: the chance at which capacity ended.
        own: whether the model had learned from that run, which flatters it.
    """

    where: str
    k: int
    hits: int
    rule_hits: int
    cut: float | None
    own: bool

    @property
    def tenths(self) -> int:
        """Of 10 put first, how many it came true for, rounded."""
        return round(10 * self.hits / max(1, self.k))

    @property
    def rule_tenths(self) -> int:
        """The same of the rule."""
        return round(10 * self.rule_hits / max(1, self.k))


def past_list(app: App, model_version: str) -> PastList | None:
    """How the lists of a model version did on the latest past run; None where that was not checked or is not known."""
    if registry_state(app) == ():
        return None
    try:
        version = app.registry.get(model_version)
    except (UnknownName, ConfigError):
        return None
    kept = version.report.get("check", [])
    rows = [row for row in kept if isinstance(row, dict)] if isinstance(kept, list) else []
    check = past_check(rows, version.model)
    if check is None:
        return None
    own = next(row for row in rows if row["model"] == version.model)
    told = own["at_capacity"]
    cut = told.get("threshold") if isinstance(told, dict) else None
    flatters = own.get("paradigm") == "post-hoc"
    return PastList(
        check.where, check.k, check.hits, check.rule_hits, cut if isinstance(cut, float) else None, flatters
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """What people did about a run's learners.

    Attributes:
        cases: where each learner with a task stands.
        off: learners who are not on the list: they asked for it, or a challenge waits that took them off.
        silent: all who asked not to be contacted, of whatever run.
    """

    cases: dict[str, Case]
    off: frozenset[str]
    silent: frozenset[str]


def cases_of(app: App, run: str) -> dict[str, Case]:
    """Where each learner of a run with a task stands now."""
    now = app.clock.now()
    with app.store.read() as connection:
        lines = worklist_queries.lines(connection, run, now, BY_HAND)
    return cases(lines, now, _urgent())


def standing(app: App, run: str, cases_for: Callable[[object], dict[str, Case]]) -> tuple[object, Standing]:
    """Where the learners of a run stand now, with a mark that is another once a task is, or somebody woke up.

    Args:
        app: where.
        run: the course run.
        cases_for: tells `cases_of` for a mark, so that it need not be asked again while the mark stays.
    """
    with app.store.read() as connection:
        mark = *worklist_queries.mark(connection, run), app.clock.now().replace(second=0, microsecond=0)
        silent = frozenset(task_queries.not_to_contact(connection))
        waiting = challenges.challenged(connection, run)
    found = cases_for(mark)
    off = silent.union(learner for learner, raised in waiting.items() if raised.off_list and raised.waits)
    urgent = _urgent()
    called = {learner for learner in off if learner in found and found[learner].task.rule in urgent}
    return mark, Standing(found, off - {each for each in called if found[each].tab == "week"}, silent)


def _urgent() -> set[str]:
    """The rules whose tasks are calls for help: those that say so, and what learners open on their own page."""
    return {ASKED_FOR_HELP, *(rule.name for rule in RULES if rule.urgent)}


def enrolled(app: App, run: str, as_of: AsOf) -> frozenset[str]:
    """Who is enrolled in a run, as it was known at an as-of time."""
    with app.lake.open(as_of, [run], kinds=["enrolments"]) as records:
        table = records.table("enrolments")
        newest = table.group_by("learner").aggregate(status=table.status.argmax(table.valid_from))
        found = records.collect(newest.filter(newest.status != "withdrawn").select("learner"))
    return frozenset(found["learner"].to_pylist())


def contacts_done(app: App, by: str, since: datetime) -> int:
    """How many learners somebody has contacted since an instant."""
    with app.store.read() as connection:
        return worklist_queries.contacted_by(connection, by, since)


def everybody(app: App) -> list[Account]:
    """All accounts."""
    with app.store.read() as connection:
        return accounts.every(connection)


def staff(everyone: Iterable[Account]) -> dict[str, str]:
    """How everybody with an account is shown, by the name under which they act."""
    return {f"account {account.id}": account.shown_as for account in everyone}


def assignable(everyone: Iterable[Account], run: str, groups: frozenset[str] | None) -> dict[str, str]:
    """The advisers and tutors to whom learners of a run, and of these groups, can be assigned."""
    found = {}
    for account in everyone:
        scopes = [Scope.of(role, account.grants) for role in ASSIGNABLE]
        if account.disabled_at is None and any(_sees(scope, run, groups) for scope in scopes):
            found[f"account {account.id}"] = account.shown_as
    return found


def _sees(scope: Scope, run: str, groups: frozenset[str] | None) -> bool:
    """Whether a scope holds a run and, of some groups, at least one."""
    if not scope.covers(run):
        return False
    own = scope.groups(run)
    return own is None or groups is None or bool(own & groups)
