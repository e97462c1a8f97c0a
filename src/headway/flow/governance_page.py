"""What the governance pages show and do: consent, erasure by two persons, access, retention.

Whatever is told of one person is audited. A learner's id is never kept here: the audit and what waits for a decision
know a learner by a hash.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from headway.domain.errors import Conflict, InputError, NotPermitted, UnknownName
from headway.domain.records import KINDS
from headway.flow.app import App
from headway.flow.erasing import erase_learner
from headway.flow.jobs import KEEP_DONE, KEEP_SENT
from headway.flow.model_page import versions
from headway.flow.records import hashed
from headway.governance import accounts, approvals, audit
from headway.governance.accounts import Account
from headway.governance.approvals import Approval
from headway.store.tables import AUDIT, CONTACTS, METADATA, NO_CONTACT, SESSIONS, TASKS


@dataclass(frozen=True, slots=True)
class ErasureScope:
    """What erasing a learner would remove.

    Attributes:
        tables: rows by table, of those that have any.
        rejects: refused rows that name the learner.
        models: versions trained on a run in which the learner was; they hold no row of anybody and stay.
    """

    tables: Mapping[str, int]
    rejects: int
    models: int

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(self.tables.values()) + self.rejects


@dataclass(frozen=True, slots=True)
class Access:
    """One account as an access review needs it."""

    account: Account
    signed_in_at: datetime | None
    sessions: int


@dataclass(frozen=True, slots=True)
class Kept:
    """How long something is kept.

    Attributes:
        what: the thing.
        rows: how many there are; None where nobody counts.
        days: for how long; None for as long as the home is there.
        setting: where that is decided; empty where it is fixed.
    """

    what: str
    rows: int | None
    days: int | None
    setting: str


def names_of(app: App) -> dict[str, str]:
    """How those who act are shown, by the name that the audit has for them."""
    with app.store.read() as connection:
        found = {f"account {account.id}": account.shown_as for account in accounts.every(connection)}
    return found | {"cli": "the command line", "worker": "the worker", "server": "the server"}


def no_contact_counts(app: App) -> tuple[int, int]:
    """How many learners asked not to be contacted, and how many of them did so themselves."""
    every = sa.select(sa.func.count()).select_from(NO_CONTACT)
    with app.store.read() as connection:
        all_of_them = connection.execute(every).scalar_one()
        learners = {f"account {each.id}" for each in accounts.every(connection) if "learner" in each.roles}
        by = connection.execute(sa.select(NO_CONTACT.c.recorded_by)).scalars().all()
    return int(all_of_them), sum(each in learners for each in by)


def consent_of(app: App, learner: str, reason: str) -> tuple[datetime, str] | None:
    """Since when a learner is not to be contacted and who wrote it down; None where they may be. It is audited.

    Raises:
        InputError: no reason is given.
    """
    if not reason.strip():
        raise InputError("Say why you look, in a sentence. The audit keeps it.")
    query = sa.select(NO_CONTACT.c.since, NO_CONTACT.c.recorded_by).where(NO_CONTACT.c.learner == learner)
    with app.store.begin() as connection:
        row = connection.execute(query).one_or_none()
        audit.record(
            connection, app.clock.now(), app.actor, "view consent", hashed(learner), {"reason": reason.strip()}
        )
    return None if row is None else (row.since, row.recorded_by)


def erasure_scope(app: App, learner: str) -> ErasureScope:
    """What erasing a learner would remove; nothing is changed, but that it was looked at is audited.

    Raises:
        UnknownName: nothing is kept of anybody of this id.
    """
    tables = _in_lake(app, learner) | _in_store(app, learner)
    named = _rejects_naming(app, learner.rpartition("/")[2])
    if not tables and not named:
        raise UnknownName("Nothing is kept of a learner of this id. Look at the id again.")
    runs = _runs_of(app, learner)
    models = sum(not runs.isdisjoint(version.train_runs) for version in versions(app))
    with app.store.begin() as connection:
        audit.record(
            connection, app.clock.now(), app.actor, "preview erasure", hashed(learner), {"rows": sum(tables.values())}
        )
    return ErasureScope(dict(sorted(tables.items())), named, models)


def ask_erasure(app: App, learner: str, reason: str) -> Approval:
    """Asks that a learner be erased; somebody else confirms. Only the hash of the id is kept.

    Raises:
        UnknownName: nothing is kept of anybody of this id.
        InputError: no reason is given, or it names the learner.
        Conflict: it waits already.
    """
    if learner.rpartition("/")[2].casefold() in reason.casefold():
        raise InputError("Leave the id out of the reason: what is written here stays after the learner is erased.")
    if not _in_lake(app, learner) and not _in_store(app, learner):
        raise UnknownName("Nothing is kept of a learner of this id. Look at the id again.")
    with app.store.begin() as connection:
        return approvals.ask(connection, app.clock.now(), app.actor, approvals.ERASURE, hashed(learner), reason)


def confirm_erasure(app: App, approval_id: str, learner: str) -> tuple[Approval, int]:
    """The approval and how many rows went, after the learner was erased everywhere.

    Args:
        app: where; its actor is whoever confirms, never who asked.
        approval_id: what was asked.
        learner: the id, as the second person typed it.

    Raises:
        NotPermitted: the one who asked confirms.
        InputError: the id is not that of the learner who was asked for.
        Conflict: it was decided already.
    """
    with app.store.read() as connection:
        asked = approvals.get(connection, approval_id)
    if asked.kind != approvals.ERASURE:
        raise UnknownName("Nobody asked for this erasure.")
    if asked.asked_by == app.actor:
        raise NotPermitted("You asked for this, so somebody else confirms it.")
    if asked.status != "waiting":
        raise Conflict("This was decided already. Open the page again to see how.")
    if not hmac.compare_digest(hashed(learner), asked.subject):
        raise InputError("This is not the id of the learner who is to be erased. Type it again.")
    rows = sum((_in_lake(app, learner) | _in_store(app, learner)).values())
    erase_learner(app, learner)  # what it does can be done again, so it comes before the decision that ends the matter
    with app.store.begin() as connection:
        told = f"Erased after the id was typed by a second person: {rows:,} rows."
        decided = approvals.decide(connection, app.clock.now(), app.actor, approval_id, approve=True, reason=told)
    return decided, rows


def access(app: App) -> list[Access]:
    """Every account with its last sign-in and open sessions, by name."""
    last = (
        sa.select(AUDIT.c.subject, sa.func.max(AUDIT.c.at, type_=AUDIT.c.at.type).label("at"))
        .where(AUDIT.c.action == "sign in")
        .group_by(AUDIT.c.subject)
    )
    running = sa.select(SESSIONS.c.account_id, sa.func.count().label("n")).where(
        SESSIONS.c.expires_at > app.clock.now()
    )
    with app.store.read() as connection:
        found = accounts.every(connection)
        signed_in = {row.subject: row.at for row in connection.execute(last)}
        sessions = {row.account_id: row.n for row in connection.execute(running.group_by(SESSIONS.c.account_id))}
    return [Access(each, signed_in.get(each.id), sessions.get(each.id, 0)) for each in found]


def retention(app: App) -> list[Kept]:
    """What is kept and for how long, as the settings and the worker have it."""
    counts = store_counts(app)
    return [
        Kept("records of the lake", None, None, ""),
        Kept("replaced files of the lake", None, 7, ""),
        Kept("statements as they were sent", None, app.settings.intake.keep_days, "intake.keep_days"),
        Kept("predictions", counts["predictions"], None, ""),
        Kept("tasks and contacts", counts["tasks"] + counts["contacts"], None, ""),
        Kept("notes and challenges", counts["notes"] + counts["challenges"], None, ""),
        Kept("names in the vault", counts["people"], None, ""),
        Kept("sign-ins", counts["sessions"], accounts.LONGEST.days, ""),
        Kept("sent notices", counts["notices"], KEEP_SENT.days, ""),
        Kept("finished jobs", counts["jobs"], KEEP_DONE.days, ""),
        Kept("the audit", counts["audit"], None, ""),
    ]


def store_counts(app: App) -> dict[str, int]:
    """How many rows each table of the store has."""
    with app.store.read() as connection:
        return {
            table.name: int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())
            for table in METADATA.sorted_tables
        }


def _in_lake(app: App, learner: str) -> dict[str, int]:
    """Rows about a learner in the lake, by record kind, of those that have any."""
    kinds = [name for name, kind in KINDS.items() if kind.learner_scoped]
    found = {}
    with app.lake.open(None, None, kinds=kinds) as records:
        for kind in kinds:
            table = records.table(kind)
            theirs = table.filter(table.learner == learner)
            counted = records.collect(theirs.aggregate(n=theirs.count()))
            found[kind] = int(counted["n"][0].as_py())
    return {kind: rows for kind, rows in found.items() if rows}


def _rejects_naming(app: App, name: str) -> int:
    """How many refused rows hold the name as a whole word."""
    import pyarrow.compute as pc

    rejects = app.lake.rejects()
    pattern = rf"(^|[^\pL\pN_]){re.escape(name)}([^\pL\pN_]|$)"
    found = [pc.fill_null(pc.match_substring_regex(rejects[column], pattern), False) for column in ("raw", "detail")]
    return int(pc.sum(pc.or_(*found)).as_py() or 0)


def _in_store(app: App, learner: str) -> dict[str, int]:
    """Rows about a learner in the store, by table, of those that have any."""
    found = {}
    with app.store.read() as connection:
        for table in METADATA.sorted_tables:
            if "learner" in table.c:
                count = sa.select(sa.func.count()).select_from(table).where(table.c.learner == learner)
                found[table.name] = int(connection.execute(count).scalar_one())
        joined = CONTACTS.join(TASKS, TASKS.c.id == CONTACTS.c.task_id)
        contacts = sa.select(sa.func.count()).select_from(joined).where(TASKS.c.learner == learner)
        found["contacts"] = int(connection.execute(contacts).scalar_one())
    return {name: rows for name, rows in found.items() if rows}


def _runs_of(app: App, learner: str) -> set[str]:
    with app.lake.open(None, None, kinds=["enrolments"]) as records:
        table = records.table("enrolments")
        found = records.collect(table.filter(table.learner == learner).select("run").distinct())
    return set(found["run"].to_pylist())
