"""Scopes: whatever an account is granted, it sees what one of its grants for the role says and nothing else."""

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.domain.errors import InputError, NotPermitted, UnknownName
from headway.governance.scopes import ROLES, Grant, Role, Scope, role_of

RUNS = st.sampled_from(["a/X/1", "a/X/2", "a/Y/1", "b/X/1"])
GLOBS = st.sampled_from(["*", "a/*", "a/X/*", "a/X/1", "b/*", "none/*"])
GROUPS = st.sampled_from(["G1", "G2", "G3"])
LEARNERS = st.sampled_from(["a/1", "a/2", "b/1"])
STAFF = [role for role in ROLES if role not in ("learner", "tutor")]


@st.composite
def grants(draw: st.DrawFn) -> Grant:
    role = draw(st.sampled_from(ROLES))
    if role == "learner":
        return Grant(role, draw(GLOBS), learner=draw(LEARNERS))
    if role == "tutor":
        return Grant(role, draw(GLOBS), draw(GROUPS))
    return Grant(role, draw(GLOBS), draw(st.none() | GROUPS))


def says(grant: Grant, role: Role, run: str, learner: str, group: str) -> bool:
    """Whether one grant alone lets one see a learner, said without the code under test."""
    if grant.role != role or not fnmatchcase(run, grant.runs):
        return False
    if role == "learner":
        return grant.learner == learner
    return grant.group is None or grant.group == group


@given(st.lists(grants(), max_size=5), st.sampled_from(ROLES), RUNS, LEARNERS, st.just("") | GROUPS)
def test_a_learner_is_seen_exactly_where_a_grant_says_so(
    given_grants: list[Grant], role: Role, run: str, learner: str, group: str
) -> None:
    scope = Scope.of(role, given_grants)
    wanted = any(says(grant, role, run, learner, group) for grant in given_grants)
    assert scope.sees(run, learner, group) is wanted
    if wanted:
        scope.needs(run, learner, group)
    else:
        with pytest.raises(NotPermitted):
            scope.needs(run, learner, group)


@given(st.lists(grants(), max_size=5), st.sampled_from(ROLES), RUNS)
def test_lists_and_single_looks_agree(given_grants: list[Grant], role: Role, run: str) -> None:
    scope = Scope.of(role, given_grants)
    assert scope.runs([run]) == ([run] if scope.covers(run) else [])
    if role == "learner" or not scope.covers(run):
        return
    groups = scope.groups(run)
    for group in ("", "G1", "G2", "G3"):
        listed = groups is None or group in groups
        assert scope.sees(run, "a/1", group) is listed


@given(st.lists(grants(), max_size=5), st.sampled_from(ROLES), RUNS)
def test_a_learner_sees_in_each_run_who_they_are_there(given_grants: list[Grant], role: Role, run: str) -> None:
    scope = Scope.of(role, given_grants)
    own = scope.learner_in(run)
    assert own is None or scope.sees(run, own, None)
    assert (own is not None) == (role == "learner" and scope.covers(run))


@given(st.sampled_from(STAFF), st.sampled_from(STAFF))
def test_another_roles_grants_open_nothing(used: Role, granted: Role) -> None:
    scope = Scope.of(used, [Grant(granted)])
    assert scope.sees("a/X/1", "a/1", "G1") is (used == granted)


def test_grants_that_mean_nothing_are_refused() -> None:
    for role, group, learner in (("learner", None, None), ("adviser", None, "a/1"), ("tutor", None, None)):
        with pytest.raises(InputError):
            Grant(role_of(role), "*", group, learner)
    with pytest.raises(UnknownName, match="adviser"):
        role_of("advisor")


def test_only_a_data_scientist_works_with_pseudonyms() -> None:
    assert {role for role in ROLES if not Scope(role, ()).named} == {"data_scientist"}
