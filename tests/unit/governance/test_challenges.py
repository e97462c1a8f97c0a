from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from headway.domain.errors import Conflict, InputError, UnknownName
from headway.governance import audit, challenges
from headway.governance.challenges import Challenge
from headway.governance.scopes import Grant, Scope
from headway.store.database import Store
from headway.store.tables import AUDIT, GROUP_MEMBERS

AT = datetime(2025, 9, 5, 23, 30, tzinfo=UTC)
EVERYTHING = Scope.of("governance", [Grant("governance")])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store.open(f"sqlite:///{tmp_path}/headway.db")
    made.migrate()
    yield made
    made.close()


def raised(store: Store, learner: str = "s/1", run: str = "s/C/1", by: str = "account a", **more: Any) -> Challenge:
    told: dict[str, Any] = {"kind": "wrong_data", "text": "", "score_run_id": "run-1", "at": AT} | more
    with store.begin() as connection:
        return challenges.raise_(connection, told.pop("at"), run=run, learner=learner, by=by, **told)


def answered(store: Store, challenge: Challenge, scope: Scope = EVERYTHING, **more: Any) -> Challenge:
    told: dict[str, Any] = {"outcome": "kept", "text": "We looked.", "by": "account g"} | more
    with store.begin() as connection:
        return challenges.answer(connection, AT + timedelta(days=1), scope, challenge.id, **told)


@given(st.integers(0, 5_000_000).map(lambda minutes: AT + timedelta(minutes=minutes)))
def test_an_answer_is_due_ten_working_days_on(begins: datetime) -> None:
    due = challenges.due_on(begins)
    between = [begins.date() + timedelta(days=day) for day in range(1, (due - begins.date()).days + 1)]
    assert due.weekday() < 5
    assert sum(day.weekday() < 5 for day in between) == 10


def test_the_due_day_is_told_in_the_zone_of_the_course() -> None:
    # Half past eleven on a Friday evening in UTC is Saturday in London's summer, and still Friday in New York.
    assert challenges.due_on(AT, "Europe/London") == date(2025, 9, 19)
    assert challenges.due_on(AT - timedelta(days=5), "Asia/Kolkata") == date(2025, 9, 15)
    assert challenges.due_on(AT - timedelta(days=5), "America/New_York") == date(2025, 9, 12)


def test_a_challenge_waits_until_it_is_answered_and_both_acts_are_audited_without_words(store: Store) -> None:
    made = raised(store, kind="knows_more", text="  Is in hospital.  ", off_list=True)
    assert made.waits
    assert made.text == "Is in hospital."
    with store.read() as connection:
        assert challenges.waiting(connection, EVERYTHING) == [made]
        assert challenges.challenged(connection, "s/C/1") == {"s/1": made}
    told = answered(store, made, outcome="agreed")
    assert (told.outcome, told.answer, told.answered_by) == ("agreed", "We looked.", "account g")
    with store.read() as connection:
        assert challenges.waiting(connection, EVERYTHING) == []
        assert challenges.answered(connection, EVERYTHING) == [told]
        assert challenges.of_learner(connection, "s/1") == [told]
        assert challenges.challenged(connection, "s/C/1") == {}
        entries = connection.execute(sa.select(AUDIT).order_by(AUDIT.c.id)).mappings().all()
        assert audit.verify(connection) is None
    assert [entry["action"] for entry in entries] == ["challenge", "answer challenge"]
    assert not any("hospital" in str(dict(entry)) or "s/1" in str(dict(entry)) for entry in entries)


def test_an_answer_is_given_once(store: Store) -> None:
    made = raised(store)
    answered(store, made)
    with pytest.raises(Conflict):
        answered(store, made, outcome="agreed")


def test_the_same_person_challenges_a_prediction_once_until_it_is_answered(store: Store) -> None:
    made = raised(store)
    with pytest.raises(Conflict):
        raised(store, at=AT + timedelta(hours=1))
    raised(store, by="account b")
    raised(store, score_run_id="run-2", at=AT + timedelta(hours=1))
    answered(store, made)
    again = raised(store, at=AT + timedelta(hours=2))
    assert again.id != made.id


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ({"kind": "other", "text": " "}, InputError),
        ({"text": "x" * 2_001}, InputError),
        ({"kind": "angry"}, UnknownName),
    ],
)
def test_a_challenge_that_says_nothing_is_refused(store: Store, told: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        raised(store, **told)
    with store.read() as connection:
        assert challenges.waiting(connection, EVERYTHING) == []


def test_an_answer_needs_words_and_a_known_outcome(store: Store) -> None:
    made = raised(store)
    with pytest.raises(InputError):
        answered(store, made, text=" ")
    with pytest.raises(UnknownName):
        answered(store, made, outcome="ignored")


def test_nobody_reads_or_answers_outside_their_scope(store: Store) -> None:
    mine = raised(store, "s/1")
    other_group = raised(store, "s/2")
    other_run = raised(store, "s/3", run="s/D/1")
    with store.begin() as connection:
        rows = [{"run": "s/C/1", "learner": f"s/{n}", "group_name": f"G{n}"} for n in (1, 2)]
        connection.execute(sa.insert(GROUP_MEMBERS), rows)
    tutor = Scope.of("tutor", [Grant("tutor", "s/C/*", "G1")])
    adviser = Scope.of("adviser", [Grant("adviser", "s/C/*")])
    learner = Scope.of("learner", [Grant("learner", "s/C/1", learner="s/2")])
    nothing = Scope.of("adviser", [])
    with store.read() as connection:
        seen = {
            scope: {each.id for each in challenges.waiting(connection, scope)}
            for scope in (tutor, adviser, learner, nothing)
        }
        for scope, found in seen.items():
            for each in (mine, other_group, other_run):
                if each.id not in found:
                    with pytest.raises(UnknownName):
                        challenges.get(connection, scope, each.id)
    assert seen[tutor] == {mine.id}
    assert seen[adviser] == {mine.id, other_group.id}
    assert seen[learner] == {other_group.id}
    assert seen[nothing] == set()
    with pytest.raises(UnknownName):
        answered(store, other_run, tutor)


def test_those_due_first_come_first_and_overdue_is_told(store: Store) -> None:
    late, soon = raised(store, "s/2", at=AT + timedelta(days=7)), raised(store, "s/1")
    with store.read() as connection:
        assert [each.id for each in challenges.waiting(connection, EVERYTHING)] == [soon.id, late.id]
    assert soon.is_overdue(soon.due_on + timedelta(days=1))
    assert not soon.is_overdue(soon.due_on)
    assert not answered(store, soon).is_overdue(soon.due_on + timedelta(days=30))
