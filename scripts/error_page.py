"""Writes docs/reference/errors.md from the error tree: `python -m scripts.error_page`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from headway.domain.errors import HeadwayError

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "reference" / "errors.md"

_TOP: Final = """\
# Errors

Every error that headway raises on purpose is one of these; its message says what to do next. The command line prints
the message on stderr and ends with the exit code. The HTTP status is what the web API answers ([api.md](api.md)).

Made by `python -m scripts.error_page` from `src/headway/domain/errors.py`; a test compares the two.

| error | is a | exit code | HTTP status | meaning |
|---|---|---|---|---|
"""

_BOTTOM: Final = """
## Exit codes

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | failed: headway's own fault, or the machine's |
| 2 | asked wrongly: unknown option, unknown name, settings that cannot be used |
| 3 | the data are not fit: unreadable, or too few to answer honestly |
| 4 | refused: not permitted, in conflict with what is already so, a gate said no, or a leak was found |
| 130 | stopped with Ctrl-C; the workspace is usable |

A row that cannot be read is not an error: it goes to the quarantine with its reason; `headway source rejects` lists it.
"""


def errors(root: type[HeadwayError] = HeadwayError) -> Iterator[type[HeadwayError]]:
    """The error and all below it, each parent before its children."""
    yield root
    for child in root.__subclasses__():
        yield from errors(child)


def page() -> str:
    """The text of docs/reference/errors.md."""
    return _TOP + "".join(_row(error) for error in errors() if error.__module__ == HeadwayError.__module__) + _BOTTOM


def _row(error: type[HeadwayError]) -> str:
    parent = error.__base__.__name__ if error.__base__ else ""
    meaning = (error.__doc__ or "").strip().splitlines()[0]
    return f"| `{error.__name__}` | `{parent}` | {error.exit_code} | {error.http_status} | {meaning} |\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
