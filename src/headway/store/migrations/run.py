"""Running the steps on an open connection, inside its transaction. Only `Store.migrate` and tests call this."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from headway.domain.errors import ConfigError


def config() -> Config:
    """Alembic's configuration, without an ini file."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return made


def upgrade(connection: sa.Connection) -> None:
    """Bring the database to the newest step.

    Raises:
        ConfigError: it is at a step that this headway does not know.
    """
    made = config()
    made.attributes["connection"] = connection
    try:
        command.upgrade(made, "head")
    except CommandError as wrong:
        raise ConfigError(
            f"The store {connection.engine.url} was written by a newer headway ({wrong}). Install that version."
        ) from wrong


def head() -> str | None:
    """The newest step that the scripts know."""
    return ScriptDirectory.from_config(config()).get_current_head()
