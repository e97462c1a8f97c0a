"""Forgetting a learner: first what still waits to arrive and would bring them back, then the lake, then the store.

Promises that no file and no row names the learner any more; the audit names them by a hash. Nobody else erases.
"""

from typing import TYPE_CHECKING

import sqlalchemy as sa

from headway.advising import task_queries
from headway.flow.app import App
from headway.flow.intake_erase import erase_from_inbox
from headway.flow.records import hashed
from headway.flow.uploads import erase_from_uploads
from headway.governance import accounts, audit, vault
from headway.scoring import kept
from headway.store.tables import APPROVALS, CHALLENGES, GROUP_MEMBERS, NOTES, NOTICES

if TYPE_CHECKING:
    from headway.lake.care import Receipt


def erase_learner(app: App, learner: str) -> "tuple[Receipt, int]":
    """The lake's receipt, and how many predictions were removed: no file and no row names the learner any more.

    Tasks with their contacts, engagement scores, waiting notices and kept statements about them go too, and so do name
    and group, notes, challenges, objections, accounts that are about them alone, and files sent over the web that wait
    to be loaded and may name them; who sent one is told among their loads.

    Models that learned from the learner's rows stay; they hold no row of anybody. The audit names the learner by a
    hash.

    Raises:
        Conflict: a file that may name them is being loaded; nothing was erased yet.
    """
    uploads = erase_from_uploads(app, learner)  # first: what is still on its way would bring the learner back
    waiting = erase_from_inbox(app, learner)
    receipt = app.lake.erase(learner, app.clock)
    with app.store.begin() as connection:
        predictions = kept.erase(connection, learner)
        tasks = task_queries.erase(connection, learner)
        counts = {"rows": dict(receipt.rows), "rejects": receipt.rejects, "predictions": predictions, "tasks": tasks}
        counts |= {"inbox": waiting, "uploads": uploads}
        counts["pages"] = _erase_from_pages(connection, learner)
        audit.record(connection, app.clock.now(), app.actor, "erase", hashed(learner), counts)
    return receipt, predictions


def _erase_from_pages(connection: sa.Connection, learner: str) -> int:
    """How many rows that the pages keep about a learner were removed."""
    removed = vault.forget(connection, [learner]) + accounts.forget_learner(connection, learner)
    for table in (GROUP_MEMBERS, NOTES, CHALLENGES):
        removed += connection.execute(sa.delete(table).where(table.c.learner == learner)).rowcount
    removed += connection.execute(sa.delete(NOTICES).where(NOTICES.c.address == learner)).rowcount
    theirs = (APPROVALS.c.kind == "objection") & (APPROVALS.c.subject == hashed(learner))
    return removed + connection.execute(sa.delete(APPROVALS).where(theirs)).rowcount
