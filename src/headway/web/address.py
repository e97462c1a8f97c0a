"""Addresses of pages: ids as parts of a path, and one canonical form of a query, so that a screen is one address.

Runs and learners have slashes in their ids; in addresses these are tildes.
"""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from headway.domain.errors import UnknownName


def slug(name: str) -> str:
    """An id as part of an address.

    >>> slug("simulated/DS101/2026S2")
    'simulated~DS101~2026S2'
    """
    return quote(name.replace("/", "~"), safe="~")


def named(text: str) -> str:
    """The id that a part of an address stands for.

    Raises:
        UnknownName: no id is written so.

    >>> named("simulated~DS101~2026S2")
    'simulated/DS101/2026S2'
    """
    if not text or len(text) > 255 or not text.isprintable():
        raise UnknownName("There is nothing of this name.")
    return text.replace("~", "/")


def address(path: str, query: Mapping[str, object] | None = None, defaults: Mapping[str, object] | None = None) -> str:
    """A path with its query in canonical form: empty parts and defaults are left out, lists are repeated.

    >>> address("/caseload", {"q": "", "page": 1, "list": ["reach-out", "check-in"]}, {"page": 1})
    '/caseload?list=reach-out&list=check-in'
    """
    usual = defaults or {}
    kept = {
        key: value
        for key, value in (query or {}).items()
        if value not in ("", None, [], ()) and str(value) != str(usual.get(key, ""))
    }
    told = urlencode(kept, doseq=True, safe="~/,:")
    return f"{path}?{told}" if told else path
