"""Accounts of the pages: made, granted, given a password, taken out of use. Who does it, and to which, is audited."""

import secrets
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from time import monotonic
from typing import Final

from headway.domain.errors import Conflict, NotPermitted
from headway.flow.app import App
from headway.governance import accounts, audit
from headway.governance.accounts import Account
from headway.governance.oidc import Issuer
from headway.governance.scopes import Grant, Role, role_of

FIRST: Final = "admin"
FIRST_GRANTS: Final = (Grant("governance"), Grant("data_scientist"))
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that are taken for one another when somebody types them from paper."""


@lru_cache(maxsize=8)
def issuer_of(address: str) -> Issuer:
    """The identity provider of an address, the same for the whole process, so that its keys are fetched once."""
    return Issuer(address, monotonic)


def new_password() -> str:
    """A password that nobody can guess (98 bits), in groups that can be typed."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))


def grants_of(
    roles: Iterable[str], runs: str = "*", groups: Iterable[str] = (), learner: str | None = None
) -> list[Grant]:
    """A grant for each role, and for each group where any is named; the learner goes with the role learner.

    Raises:
        UnknownName: there is no such role.
        InputError: a tutor without a group, a learner's account that says not whom it is about.
    """
    found: list[Grant] = []
    only: list[str | None] = [*groups] or [None]
    for name in roles:
        role: Role = role_of(name)
        if role == "learner":
            found.append(Grant(role, runs, learner=learner))
        else:
            found += [Grant(role, runs, group) for group in only]
    return found


def add_account(app: App, name: str, grants: Iterable[Grant], password: str, shown_as: str = "") -> Account:
    """The new account.

    Raises:
        InputError: no name, no grant, or a password that is too short.
        Conflict: the name is taken.
    """
    with app.store.begin() as connection:
        return accounts.create(
            connection, app.clock.now(), app.actor, name, grants, shown_as=shown_as, password=password
        )


def acting_as(app: App, name: str, role: Role | None = None) -> App:
    """The app as used by whoever has this account, so that what they do is theirs on the pages too.

    Raises:
        UnknownName: there is no such account.
        NotPermitted: it is out of use, or was not granted the role.
    """
    with app.store.read() as connection:
        account = accounts.named(connection, name)
    if account.disabled_at is not None:
        raise NotPermitted(f"The account {name!r} is out of use.")
    if role is not None and role not in account.roles:
        raise NotPermitted(f"The account {name!r} was not granted the role {role}. See `headway account grant`.")
    return replace(app, actor=f"account {account.id}")


def first_account(app: App) -> str | None:
    """The password of the account "admin", made where there is no account yet; None where there is one.

    It may look after accounts' work: governance, and models and data under pseudonyms. It sees no learner's name but
    on request.
    """
    with app.store.begin() as connection:
        if accounts.every(connection):
            return None
        password = new_password()
        try:
            accounts.create(
                connection, app.clock.now(), app.actor, FIRST, FIRST_GRANTS, shown_as="Admin", password=password
            )
        except Conflict:
            return None  # another server of this home was quicker, and has told its password
    return password


def list_accounts(app: App) -> list[Account]:
    """All accounts, by name."""
    with app.store.read() as connection:
        return accounts.every(connection)


def grant(app: App, name: str, grants: Iterable[Grant], *, instead: bool = False) -> Account:
    """The account with these grants besides those it has, or instead of them. Its sessions end.

    Raises:
        UnknownName: there is no such account.
    """
    with app.store.begin() as connection:
        account = accounts.named(connection, name)
        wanted = dict.fromkeys(grants) if instead else dict.fromkeys((*account.grants, *grants))
        accounts.set_grants(connection, app.clock.now(), app.actor, account.id, wanted)
        return accounts.get(connection, account.id)


def set_password(app: App, name: str, password: str) -> Account:
    """The account, with a new password. Its sessions end, and it is locked no longer.

    Raises:
        UnknownName: there is no such account.
        InputError: the password is too short.
    """
    with app.store.begin() as connection:
        account = accounts.named(connection, name)
        accounts.set_password(connection, app.clock.now(), app.actor, account.id, password)
    return account


def disable_account(app: App, name: str, *, back: bool = False) -> Account:
    """The account, out of use with its sessions ended, or back in use.

    Raises:
        UnknownName: there is no such account.
    """
    with app.store.begin() as connection:
        account = accounts.named(connection, name)
        act = accounts.enable if back else accounts.disable
        act(connection, app.clock.now(), app.actor, account.id)
        return accounts.get(connection, account.id)


def end_sessions(app: App, name: str) -> int:
    """How many sessions of an account were ended.

    Raises:
        UnknownName: there is no such account.
    """
    with app.store.begin() as connection:
        account = accounts.named(connection, name)
        ended = accounts.end_all(connection, account.id)
        audit.record(connection, app.clock.now(), app.actor, "end sessions", account.id, {"sessions": ended})
    return ended
