"""Jobs: one holder at a time, leases that end, waits that grow, and what is dead stays to be seen."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from headway.domain.errors import Conflict, LeaseLost, UnknownName
from headway.store import jobs
from headway.store.database import Store
from headway.store.jobs import Job

START = datetime(2026, 3, 9, 7, 30, tzinfo=UTC)
LEASE = timedelta(minutes=10)
KINDS = ["move", "score"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store.open(f"sqlite:///{tmp_path}/j.db")
    made.migrate()
    yield made
    made.close()


def claim(store: Store, worker: str, now: datetime) -> Job | None:
    with store.begin() as connection:
        return jobs.claim(connection, worker, now, LEASE, KINDS)


def submitted(store: Store, kind: str = "move", **options: str) -> Job:
    with store.begin() as connection:
        return jobs.submit(connection, kind, {"run": "s/c/1"}, START, **options)  # type: ignore[arg-type]  # the id as a keyword


def test_a_job_has_one_holder(store: Store) -> None:
    asked = submitted(store)
    held = claim(store, "a", START)
    assert held is not None
    assert (held.id, held.request, held.locked_by) == (asked.id, {"run": "s/c/1"}, "a")
    assert claim(store, "b", START + LEASE - timedelta(seconds=1)) is None


def test_a_holder_that_died_is_replaced_and_finds_out(store: Store) -> None:
    submitted(store)
    first = claim(store, "a", START)
    second = claim(store, "b", START + LEASE)
    assert first is not None
    assert second is not None
    assert (second.attempts, second.last_error) == (1, "a gave no sign of life")
    with pytest.raises(LeaseLost), store.begin() as connection:
        jobs.finish(connection, first, START, {})
    with pytest.raises(LeaseLost), store.begin() as connection:
        jobs.renew(connection, first, START + 2 * LEASE)
    with store.begin() as connection:
        jobs.finish(connection, second, START + LEASE, {"n": 1})
        assert jobs.get(connection, second.id).state == "done"


def test_signs_of_life_keep_a_job(store: Store) -> None:
    submitted(store)
    held = claim(store, "a", START)
    assert held is not None
    with store.begin() as connection:
        jobs.renew(connection, held, START + 3 * LEASE)
    assert claim(store, "b", START + 2 * LEASE) is None


def test_waits_double_until_a_job_is_dead_and_can_be_revived(store: Store) -> None:
    asked, now, waits = submitted(store), START, []
    for _ in range(4):
        held = claim(store, "a", now)
        assert held is not None
        with store.begin() as connection:
            jobs.fail(connection, held, now, "away", 4)
            due = jobs.get(connection, asked.id).due_at
        waits.append((due - now).total_seconds())
        now = due
    assert waits[:3] == [5, 10, 20]
    with store.begin() as connection:
        found = jobs.get(connection, asked.id)
        assert (found.state, found.attempts, found.last_error) == ("dead", 4, "away")
    assert claim(store, "a", now + timedelta(days=99)) is None
    with store.begin() as connection:
        assert jobs.revive(connection, asked.id, now).attempts == 0
    assert claim(store, "a", now) is not None


def test_a_standing_job_is_tried_again_though_it_is_dead(store: Store) -> None:
    submitted(store, id="move")
    held = claim(store, "a", START)
    assert held is not None
    with store.begin() as connection:
        assert jobs.fail(connection, held, START, "away", 1) == "dead"
    assert claim(store, "a", START + timedelta(minutes=59)) is None
    assert claim(store, "a", START + timedelta(hours=1)) is not None


def test_what_is_asked_for_twice_by_one_id_is_one_job(store: Store) -> None:
    assert submitted(store, id="score") == submitted(store, id="score")


def test_haste(store: Store) -> None:
    submitted(store, id="move")
    held = claim(store, "a", START)
    assert held is not None
    with store.begin() as connection:
        jobs.finish(connection, held, START, {}, START + timedelta(hours=1))
        jobs.hasten(connection, "move", START + timedelta(minutes=1))
        jobs.hasten(connection, "move", START + timedelta(minutes=2))
        assert jobs.get(connection, "move").due_at == START + timedelta(minutes=1)


def test_what_cannot_be_revived_says_so(store: Store) -> None:
    asked = submitted(store)
    assert claim(store, "a", START) is not None
    with pytest.raises(Conflict, match="is running"), store.begin() as connection:
        jobs.revive(connection, asked.id, START)
    with pytest.raises(UnknownName, match="Unknown job 'nought'"), store.begin() as connection:
        jobs.revive(connection, "nought", START)


class Workers(RuleBasedStateMachine):
    """Three workers, any order of claims, ends, failures and time: never two holders, and nothing is forgotten."""

    @initialize()
    def begin(self) -> None:
        self.store = Store.open("sqlite:///:memory:")
        self.store.migrate()
        self.now = START
        self.held: dict[str, Job] = {}
        for kind in KINDS:
            submitted(self.store, kind, id=kind)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()

    @rule(worker=st.sampled_from("abc"))
    def claim(self, worker: str) -> None:
        if worker not in self.held and (job := claim(self.store, worker, self.now)) is not None:
            for other, held in self.held.items():
                lease = held.locked_until
                assert lease is not None
                assert held.id != job.id or lease <= self.now, f"{other} still holds {job.id}"
            self.held[worker] = job

    @rule(worker=st.sampled_from("abc"), well=st.booleans())
    def end(self, worker: str, well: bool) -> None:
        job = self.held.pop(worker, None)
        if job is None:
            return
        with self.store.begin() as connection:
            holds = jobs.get(connection, job.id).locked_by == worker and jobs.get(connection, job.id).state == "running"
            try:
                if well:
                    jobs.finish(connection, job, self.now, {}, self.now + timedelta(minutes=1))
                else:
                    jobs.fail(connection, job, self.now, "why", 3)
            except LeaseLost:
                assert not holds
            else:
                assert holds

    @rule(minutes=st.integers(1, 15))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @invariant()
    def nothing_is_forgotten(self) -> None:
        if hasattr(self, "store"):
            with self.store.read() as connection:
                assert sorted(job.id for job in jobs.all_jobs(connection)) == KINDS


TestWorkers = Workers.TestCase
TestWorkers.settings = hypothesis_settings(max_examples=12, stateful_step_count=20, deadline=None)
