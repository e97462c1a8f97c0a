"""Who learners are, which group they are in: kept in the vault and the store, never in the lake."""

from collections.abc import Mapping

import sqlalchemy as sa

from headway.flow.app import App
from headway.governance import audit, vault
from headway.governance.vault import Person
from headway.settings import pseudonym_key
from headway.store.tables import GROUP_MEMBERS, insert_many

_MOST_AT_ONCE = 500


def keep_people(app: App, people: Mapping[str, Person]) -> int:
    """How many people were kept, by pseudonym, over what was known of them before."""
    with app.store.begin() as connection:
        vault.keep(connection, people, pseudonym_key(app.settings), app.clock.now())
        audit.record(connection, app.clock.now(), app.actor, "keep people", "vault", {"people": len(people)})
    return len(people)


def set_groups(app: App, run: str, groups: Mapping[str, str]) -> int:
    """How many learners of a run are in a group now; those not named keep theirs, an empty name takes one away."""
    learners = list(groups)
    with app.store.begin() as connection:
        for first in range(0, len(learners), _MOST_AT_ONCE):
            some = GROUP_MEMBERS.c.learner.in_(learners[first : first + _MOST_AT_ONCE])
            connection.execute(sa.delete(GROUP_MEMBERS).where(GROUP_MEMBERS.c.run == run, some))
        rows = ({"run": run, "learner": name, "group_name": group} for name, group in groups.items() if group)
        count = insert_many(connection, GROUP_MEMBERS, rows)
        audit.record(connection, app.clock.now(), app.actor, "set groups", run, {"learners": count})
    return count
