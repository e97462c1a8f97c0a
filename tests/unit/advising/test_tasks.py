"""Tasks: what may follow what, by a state machine over the pure acts and the store at once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import pytest
import sqlalchemy as sa
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from headway.advising import task_queries, tasks
from headway.advising.task_queries import Wanted
from headway.advising.tasks import Channel, ClosingCode, Outcome, Task
from headway.domain.errors import Conflict, InputError, UnknownName
from headway.store.database import Store
from headway.store.tables import CONTACTS, TASKS

START = datetime(2026, 3, 9, 7, 30, tzinfo=UTC)
RUN = "s/c/1"
LEARNERS = ("s/a", "s/b")
RULES = ("missed", "silent")


def task(learner: str = "s/a", rule_name: str = "missed", at: datetime = START, **changes: object) -> Task:
    given: dict[str, object] = {
        "id": tasks.task_id(RUN, learner, rule_name, at),
        "run": RUN,
        "learner": learner,
        "rule": rule_name,
        "list": "reach_out",
        "reason": "2 assessments not handed in",
        "as_of": at,
        "opened_at": at,
        "due_at": at + tasks.DUE_IN,
        "changed_at": at,
        "evidence": {"assessments_missed": 2.0},
    }
    return Task(**(given | changes))  # type: ignore[arg-type]  # fields as keywords


class TaskMachine(RuleBasedStateMachine):
    """Any order of acts: what the model allows, the store keeps; what it refuses leaves everything as it was."""

    @initialize()
    def begin(self) -> None:
        self.folder = TemporaryDirectory()
        self.store = Store.open(f"sqlite:///{self.folder.name}/t.db")
        self.store.migrate()
        self.now = START
        self.kept: dict[str, tuple[Task, int]] = {}

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    @rule(learner=st.sampled_from(LEARNERS), name=st.sampled_from(RULES))
    def open(self, learner: str, name: str) -> None:
        made = task(learner, name, self.now)
        taken = any((one.learner, one.rule) == (learner, name) and one.live for one, _ in self.kept.values())
        with self.store.begin() as connection:
            added = task_queries.add(connection, [made])
        again = made.id in self.kept
        assert bool(added) is not (taken or again)
        if added:
            self.kept[made.id] = (made, 0)

    @rule(hours=st.integers(1, 24 * 20))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @precondition(lambda self: self.kept)
    @rule(data=st.data(), act=st.sampled_from(["contact", "undo", "close", "snooze", "reopen", "expire", "assign"]))
    def act(self, data: st.DataObject, act: str) -> None:
        one, contacts = self.kept[data.draw(st.sampled_from(sorted(self.kept)))]
        code = data.draw(st.sampled_from(get_args(ClosingCode)))
        contact = None
        try:
            if act == "contact":
                contact = tasks.contact_of(one, self.now, "ann", "phone", "reached")
                after, contacts = tasks.contacted(one, contact), contacts + 1
            elif act == "undo":
                after, contacts = tasks.contact_undone(one, self.now, contacts - 1), contacts - 1
            elif act == "close":
                after = tasks.closed(one, code, self.now)
            elif act == "snooze":
                after = tasks.snoozed(one, self.now + timedelta(days=3), self.now)
            elif act == "reopen":
                after = tasks.reopened(one, self.now, contacts)
            elif act == "assign":
                after = tasks.assigned(one, "ann", self.now)
            else:
                after = tasks.expired(one, self.now)
        except Conflict:
            allowed = {
                "contact": one.live,
                "undo": one.status == "contacted",
                "close": one.live and not (one.status == "open" and code in {"helped", "no_answer"}),
                "snooze": one.live,
                "reopen": not one.live,
                "expire": tasks.expires(one, self.now),
                "assign": one.live,
            }
            assert not allowed[act]
            return
        assert after.version == one.version + 1
        other = any(
            each.live and each.id != one.id and (each.learner, each.rule) == (one.learner, one.rule)
            for each, _ in self.kept.values()
        )
        if other and after.live:
            assert act == "reopen"
            with pytest.raises(Conflict, match="newer task"), self.store.begin() as connection:
                task_queries.save(connection, after)
            return
        with self.store.begin() as connection:
            task_queries.save(connection, after)
            if contact is not None:
                task_queries.add_contact(connection, contact)
            if act == "undo":
                newest = task_queries.contacts_of(connection, [one.id])[-1]
                assert task_queries.remove_contact(connection, newest.id)
        self.kept[one.id] = (after, contacts)

    @invariant()
    def the_store_has_what_the_model_has(self) -> None:
        if not hasattr(self, "store"):
            return
        with self.store.read() as connection:
            found = task_queries.find(connection, Wanted(statuses=None))
            made = task_queries.contacts_of(connection, list(self.kept))
        assert {one.id: one for one in found} == {name: one for name, (one, _) in self.kept.items()}
        for one, contacts in self.kept.values():
            assert sum(contact.task_id == one.id for contact in made) == contacts
            assert (one.status == "closed") == (one.closing_code is not None)
            assert one.status != "contacted" or contacts > 0
            assert one.status != "open" or contacts == 0
            assert not (one.snoozed_until and not one.live)
        live = [(one.learner, one.rule) for one, _ in self.kept.values() if one.live]
        assert len(live) == len(set(live))


TestTaskMachine = TaskMachine.TestCase
TestTaskMachine.settings = hypothesis_settings(max_examples=15, stateful_step_count=25, deadline=None)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store.open(f"sqlite:///{tmp_path}/t.db")
    made.migrate()
    return made


def test_of_two_who_change_a_task_at_once_one_is_told(store: Store) -> None:
    with store.begin() as connection:
        task_queries.add(connection, [task()])
        one = task_queries.get(connection, task().id)
        task_queries.save(connection, tasks.closed(one, "not_needed", START))
    with pytest.raises(Conflict, match="meanwhile"), store.begin() as connection:
        task_queries.save(connection, tasks.snoozed(one, START + timedelta(days=1), START))


def test_a_task_is_found_by_how_its_id_begins(store: Store) -> None:
    with store.begin() as connection:
        task_queries.add(connection, [task("s/a"), task("s/b")])
        assert task_queries.get(connection, task("s/b").id[:8]).learner == "s/b"
        with pytest.raises(UnknownName, match="Unknown task '12345678'"):
            task_queries.get(connection, "12345678")
        with pytest.raises(UnknownName):
            task_queries.get(connection, "%" * 8)


def test_pages_of_tasks_leave_none_out_and_show_none_twice(store: Store) -> None:
    made = [task(f"s/{number}", at=START + timedelta(minutes=number // 3)) for number in range(20)]
    with store.begin() as connection:
        task_queries.add(connection, made)
        seen: list[Task] = []
        while page := task_queries.find(connection, Wanted(), 3, (seen[-1].opened_at, seen[-1].id) if seen else None):
            seen += page
        assert sorted(one.id for one in seen) == sorted(one.id for one in made)
        assert task_queries.count(connection, Wanted()) == 20


def test_filters(store: Store) -> None:
    asleep = task("s/a", snoozed_until=START + timedelta(days=2))
    mine, anybodys = task("s/b", assignee="ann"), task("s/c", list="check_in")
    over = task("s/d", status="closed", closing_code="helped")
    with store.begin() as connection:
        task_queries.add(connection, [asleep, mine, anybodys, over])

        def who(wanted: Wanted) -> set[str]:
            return {one.learner[-1] for one in task_queries.find(connection, wanted)}

        assert who(Wanted()) == {"a", "b", "c"}
        assert who(Wanted(awake_at=START)) == {"b", "c"}
        assert who(Wanted(awake_at=START + timedelta(days=2))) == {"a", "b", "c"}
        assert who(Wanted(assignee="bob")) == {"a", "c"}
        assert who(Wanted(lists=["check_in"])) == {"c"}
        assert who(Wanted(statuses=["closed"])) == {"d"}
        assert who(Wanted(runs=["s/c/2"])) == set()
        assert who(Wanted(learner="s/b", rule="missed")) == {"b"}


def test_a_snoozed_task_does_not_expire_and_is_seen_again_first() -> None:
    one = tasks.snoozed(task(), START + timedelta(days=30), START)
    assert not tasks.expires(one, START + timedelta(days=29))
    assert not tasks.expires(one, START + timedelta(days=31))
    assert tasks.expires(one, START + timedelta(days=34))


def test_a_follow_up_gives_time() -> None:
    one = task()
    later = tasks.contact_of(one, START, "ann", "email", "no_answer", None, (START + timedelta(days=20)).date())
    assert tasks.contacted(one, later).due_at == START + timedelta(days=34)


@pytest.mark.parametrize(
    ("channel", "outcome", "note", "error", "words"),
    [
        ("fax", "reached", None, UnknownName, "Unknown channel 'fax'"),
        ("phone", "hung up", None, UnknownName, "Unknown outcome"),
        ("phone", "reached", "x" * 2_001, InputError, "2000 characters"),
    ],
)
def test_contacts_are_checked(channel: str, outcome: str, note: str | None, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        tasks.contact_of(task(), START, "ann", channel, outcome, note)


def test_every_word_of_a_contact_can_be_said() -> None:
    for channel in get_args(Channel):
        for outcome in get_args(Outcome):
            made = tasks.contact_of(task(), START, "ann", channel, outcome)
            assert (made.channel, made.outcome) == (channel, outcome)


def test_erasing_a_learner_leaves_the_others(store: Store) -> None:
    with store.begin() as connection:
        for learner in LEARNERS:
            one = task(learner)
            task_queries.add(connection, [one])
            contact = tasks.contact_of(one, START, "ann", "phone", "reached", f"spoke to {learner}")
            task_queries.save(connection, tasks.contacted(one, contact))
            task_queries.add_contact(connection, contact)
        task_queries.set_no_contact(connection, "s/a", START, "ann", wanted=True)
        assert task_queries.erase(connection, "s/a") == 3
        assert [row.learner for row in connection.execute(sa.select(TASKS))] == ["s/b"]
        assert [row.note for row in connection.execute(sa.select(CONTACTS))] == ["spoke to s/b"]
        assert task_queries.not_to_contact(connection) == set()
