"""Erasing a learner from the inbox, where statements wait and can be read back as they were sent, names included."""

import hashlib
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from headway.flow.app import App
from headway.flow.intake import inbox_url, move_inbox, open_inbox
from headway.governance.pseudonyms import pseudonym
from headway.intake.entries import Kept
from headway.settings import pseudonym_key

_FILE: Final = "sqlite:///"
_DECODE: Final = msgspec.json.Decoder().decode


def erase_from_inbox(app: App, learner: str) -> int:
    """How many statements that name the learner were removed, whoever sent them, after all others were moved.

    Call it before the lake erases: what still waits would bring the learner back.
    """
    url = inbox_url(app)
    if url.startswith(_FILE) and not app.settings.home.joinpath(url.removeprefix(_FILE)).exists():
        return 0
    source, _, wanted = learner.partition("/")
    with open_inbox(app) as inbox:
        while move_inbox(app, inbox=inbox).moved:
            continue
        if source != "xapi":
            return 0
        key = pseudonym_key(app.settings)

        def names_them(entry: Kept) -> bool:
            people = _people(_DECODE(entry.body)) if entry.source == "xapi" else ()
            return any(pseudonym(native, key) == wanted for native in people)

        return inbox.remove(names_them)


def _people(part: Any) -> Iterator[str]:
    """The ids of everyone that a statement names, as the source xapi reads them."""
    if isinstance(part, list):
        for each in part:
            yield from _people(each)
    elif isinstance(part, dict):
        account = part.get("account")
        if isinstance(account, dict):
            yield f"account\x1f{account.get('homePage')}\x1f{account.get('name')}"
        if isinstance(part.get("mbox"), str):
            yield f"mbox\x1f{hashlib.sha1(part['mbox'].encode(), usedforsecurity=False).hexdigest()}"
        if isinstance(part.get("mbox_sha1sum"), str):
            yield f"mbox\x1f{part['mbox_sha1sum'].lower()}"
        if isinstance(part.get("openid"), str):
            yield f"openid\x1f{part['openid']}"
        for value in part.values():
            yield from _people(value)
