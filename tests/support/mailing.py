"""Pages over a home with a mail server in its settings, with a clock that tests move: for pages that send messages.

Load the fixture by `from tests.support.mailing import mailing` together with `pages_home` of `tests.support.pages`.
"""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from headway.domain.time import FixedClock
from headway.flow.app import App
from headway.web.address import slug
from tests.support.pages import Pages, opened_pages

NOON = datetime(2025, 9, 8, 11, tzinfo=UTC)


@pytest.fixture
def mailing(pages_home: Path, tmp_path: Path) -> Iterator[Pages]:
    """Pages of one's own with a mail server in the settings, at noon: a message leaves after 30 seconds."""
    shutil.copytree(pages_home, tmp_path / "home")
    with opened_pages(tmp_path / "home", notifications={"smtp_host": "mail.test", "attempts": 1}) as found:
        at(found, NOON)
        yield found


def at(pages: Pages, instant: datetime) -> App:
    """The app with its clock at an instant, for the pages too."""
    moved = replace(pages.app, clock=FixedClock(instant))
    pages.app = pages.asgi.site.app = moved
    return moved


def path(learner: str, more: str = "") -> str:
    """The address of a contact page."""
    return f"/learners/{slug(learner)}/contact{more}"


def rows(pages: Pages, table: sa.Table) -> list[dict[str, Any]]:
    """Everything in a table of the store."""
    with pages.app.store.read() as connection:
        return [dict(row) for row in connection.execute(sa.select(table)).mappings()]
