"""How the store's tables came about, step by step (Alembic, run in-process by `Store.migrate`).

A step once released is never edited.
"""

from typing import Final

HEAD: Final = "0005"
"""The newest step; kept here so that starting up need not import Alembic. A test compares it with the steps."""
