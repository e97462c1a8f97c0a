"""Who may see what: roles, what an account is granted as one of them, and the scope that every page asks first.

A scope is made from grants and from nothing else. What is about a learner is read through a scope or not at all.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, Literal, get_args

from headway.domain.errors import InputError, NotPermitted, UnknownName

Role = Literal["adviser", "tutor", "instructor", "data_scientist", "governance", "learner"]

ROLES: Final[tuple[Role, ...]] = get_args(Role)
STAFF: Final[tuple[Role, ...]] = ROLES[:-1]
NAMED: Final[frozenset[Role]] = frozenset({"adviser", "tutor", "instructor", "governance", "learner"})
"""Roles that learn whom a pseudonym stands for; a data scientist works with pseudonyms."""


def role_of(text: str) -> Role:
    """The role of a name.

    Raises:
        UnknownName: there is none.
    """
    for role in ROLES:
        if role == text:
            return role
    raise UnknownName.of("role", text, ROLES)


@dataclass(frozen=True, slots=True)
class Grant:
    """What an account may see as one role.

    Attributes:
        role: as what.
        runs: a glob of course runs.
        group: only learners of this group; None for all of the run.
        learner: whom the account is about, of a learner's account only.
    """

    role: Role
    runs: str = "*"
    group: str | None = None
    learner: str | None = None

    def __post_init__(self) -> None:
        if (self.role == "learner") != (self.learner is not None):
            raise InputError("An account of the role learner, and no other, says which learner it is about.")
        if self.role == "tutor" and self.group is None:
            raise InputError("A tutor is given a group of learners. Name it.")

    def covers(self, run: str) -> bool:
        """Whether the run is one of its runs."""
        return fnmatchcase(run, self.runs)


@dataclass(frozen=True, slots=True)
class Scope:
    """What somebody may see just now.

    Attributes:
        role: the role that is being used.
        grants: the account's grants for it.
    """

    role: Role
    grants: tuple[Grant, ...]

    @classmethod
    def of(cls, role: Role, grants: Iterable[Grant]) -> "Scope":
        """The scope of one role among all that an account is granted."""
        return cls(role, tuple(grant for grant in grants if grant.role == role))

    @property
    def named(self) -> bool:
        """Whether names are shown, or pseudonyms."""
        return self.role in NAMED

    @property
    def learner(self) -> str | None:
        """Whom a learner's account is about."""
        return next((grant.learner for grant in self.grants if grant.learner is not None), None)

    def learner_in(self, run: str) -> str | None:
        """Whom a learner's account is about in a run: who came from two sources has a pseudonym of each."""
        return next((grant.learner for grant in self.grants if grant.learner is not None and grant.covers(run)), None)

    def runs(self, known: Iterable[str]) -> list[str]:
        """Those of the runs that may be seen, in the order given."""
        return [run for run in known if self.covers(run)]

    def covers(self, run: str) -> bool:
        """Whether anything of the run may be seen."""
        return any(grant.covers(run) for grant in self.grants)

    def groups(self, run: str) -> frozenset[str] | None:
        """The groups whose learners may be seen; None for every learner of the run."""
        found = [grant.group for grant in self.grants if grant.covers(run)]
        return None if None in found else frozenset(group for group in found if group is not None)

    def sees(self, run: str, learner: str, group: str | None) -> bool:
        """Whether this learner of a run, who is in `group`, may be seen."""
        if not self.covers(run):
            return False
        if self.role == "learner":
            return any(grant.learner == learner for grant in self.grants if grant.covers(run))
        groups = self.groups(run)
        return groups is None or group in groups

    def needs_run(self, run: str) -> None:
        """Passes where the run may be seen.

        Raises:
            NotPermitted: it may not.
        """
        if not self.covers(run):
            raise NotPermitted("This course run is not among those that you work with. Ask whoever gave you access.")

    def needs(self, run: str, learner: str, group: str | None) -> None:
        """Passes where this learner may be seen.

        Raises:
            NotPermitted: they may not.
        """
        self.needs_run(run)
        if not self.sees(run, learner, group):
            raise NotPermitted("This learner is not among those that you work with. Ask whoever gave you access.")
