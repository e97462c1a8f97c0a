"""Statements pulled from a learning record store, by the xAPI communication part (section 2.1.3, GET statements).

Promises that every statement stored after the cursor is asked for at least once, that credentials come from the
environment and go to the LRS's own host alone, and that a pull that breaks off leaves nothing half read: all pages are
on disk before any of them is staged. A statement that comes again changes nothing, for its id is its own.
"""

import base64
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from headway.domain.errors import ConfigError, InputError, SourceError
from headway.sources.http import get_json

VERSION: Final = "1.0.3"
OVERLAP: Final = timedelta(minutes=1)
"""Asked for again before the cursor: an LRS with several writers may show an older statement after a newer one."""

PULL_OPTIONS: Final[Mapping[str, str]] = {
    "endpoint": "address of an LRS to pull from, as https://lrs.example.edu/xapi (then no files are named)",
    "since": "pull what was stored after this instant, as 2026-09-01T00:00:00Z (default: everything)",
    "key_env": "name of the environment variable that holds the LRS's key (user name)",
    "secret_env": "name of the environment variable that holds the LRS's secret (password)",
}

_ATTEMPTS: Final = 6


@dataclass(frozen=True, slots=True)
class Pulled:
    """What an LRS gave.

    Attributes:
        path: the statements, one JSON object a line.
        name: what to call them in the quarantine.
        count: how many there are.
        next_since: where the next pull should start, or None where nothing new came.
    """

    path: Path
    name: str
    count: int
    next_since: str | None


def pull(options: Mapping[str, str], target: Path) -> Pulled:
    """All statements that the LRS stored since the cursor, written to `target`.

    Raises:
        InputError: an option has no usable value.
        ConfigError: an environment variable named is not set.
        SourceError: the LRS cannot be reached, refuses, or does not answer as an LRS.
    """
    endpoint = _endpoint(options["endpoint"])
    since = _instant(options["since"]) if "since" in options else None
    if "since" in options and since is None:
        raise InputError(f"since is {options['since']!r}. Write an instant with its zone, as 2026-09-01T00:00:00Z.")
    latest, count, consistent = since, 0, None
    with target.open("w", encoding="utf-8") as out:
        for page, headers in _pages(endpoint, _headers(options), since):
            consistent = consistent or _instant(headers.get("x-experience-api-consistent-through", ""))
            for statement in page:
                stored = _instant(statement.get("stored")) if isinstance(statement, dict) else None
                latest = max((each for each in (latest, stored) if each is not None), default=None)
                out.write(json.dumps(statement, ensure_ascii=False, separators=(",", ":")) + "\n")
                count += 1
    if latest is not None and consistent is not None:
        # Past this time the LRS may still show statements that it has not shown yet.
        latest = min(latest, consistent) if since is None else max(since, min(latest, consistent))
    return Pulled(target, _shown(endpoint), count, None if latest is None else _text(latest))


def _pages(
    endpoint: str, headers: Mapping[str, str], since: datetime | None
) -> Iterator[tuple[list[Any], dict[str, str]]]:
    url: str | None = endpoint
    params = {"ascending": "true", **({"since": _text(since - OVERLAP)} if since else {})}
    asked: set[str] = set()
    while url is not None:
        asked.add(url)
        answer, answered = get_json(url, headers, params, _ATTEMPTS)
        statements = answer.get("statements") if isinstance(answer, dict) else None
        more = answer.get("more") if isinstance(answer, dict) else None
        if not isinstance(statements, list) or not isinstance(more, str | None):
            raise SourceError(f"{_shown(endpoint)} does not answer with statements. Is it the endpoint of an LRS?")
        yield statements, answered
        url, params = _following(endpoint, more), {}
        if url in asked:
            raise SourceError(
                f"{_shown(endpoint)} names the same page again as the next one. Tell its maker; nothing was read."
            )


def _following(endpoint: str, more: str | None) -> str | None:
    """The next page: `more` is an IRL relative to the root of the server (or, with some makers, an absolute one)."""
    if not more:
        return None
    url = urljoin(endpoint, more)
    here, there = urlsplit(endpoint), urlsplit(url)
    if (here.scheme, here.netloc) != (there.scheme, there.netloc):
        raise SourceError(f"{_shown(endpoint)} continues on another host, to which no key may go. Ask its owner.")
    return url


def _endpoint(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or "@" in parts.netloc:
        raise InputError(f"endpoint is {text!r}. Write it as https://lrs.example.edu/xapi, without a key.")
    bare = text.rstrip("/")
    return bare if bare.endswith("/statements") else f"{bare}/statements"


def _headers(options: Mapping[str, str]) -> dict[str, str]:
    headers = {"X-Experience-API-Version": VERSION}
    named = [option for option in ("key_env", "secret_env") if option in options]
    if len(named) == 1:
        raise InputError("An LRS takes a key and a secret. Name both environment variables: key_env and secret_env.")
    if named:
        pair = ":".join(_secret(options[option]) for option in named)
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return headers


def _secret(variable: str) -> str:
    value = os.environ.get(variable, "")
    if not value:
        raise ConfigError(f"The environment variable {variable} is not set. Put the LRS's credential into it.")
    return value


def _instant(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _shown(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    return f"{parts.netloc}{parts.path}"
