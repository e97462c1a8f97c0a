"""The commands about API keys."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli.options import AsJson, Home, names, opened
from headway.cli.output import print_json, print_table, talk

if TYPE_CHECKING:
    from headway.governance.keys import Key

key = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="API keys: who may ask the server for what.")


def add_to(app: typer.Typer) -> None:
    """Adds the group `key`."""
    app.add_typer(key, name="key")


@key.command()
def create(
    scope: Annotated[
        list[str],
        typer.Option(
            help="What it may do (repeat, or separate by commas): statements/write, statements/read, records/write, "
            "predictions/read, learners/read, score, tasks/read, tasks/write, or admin for all.",
            show_default=False,
        ),
    ],
    name: Annotated[str, typer.Option(help="What it is for, so that you know it later.")] = "",
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Make a key; its secret is shown now and never again.

    For example:

        headway key create --scope statements/write --name moodle

        headway key create --scope predictions/read,score --json
    """
    from headway.governance import keys

    with opened(home) as app, app.store.begin() as connection:
        scopes = [each for text in scope for each in names(text)]
        made, secret = keys.create(connection, app.clock.now(), app.actor, scopes, name)
    if as_json:
        print_json({"key": made.id, "secret": secret, "name": name, "scopes": list(made.scopes)})
        return
    print_table(("property", "value"), [("key", made.id), ("secret", secret), ("scopes", ", ".join(made.scopes))])
    talk("Note the secret now; it is kept nowhere. Next: headway serve, then curl -u KEY:SECRET …")


@key.command("list")
def list_(as_json: AsJson = False, home: Home = None) -> None:
    """List the keys, without their secrets.

    For example:

        headway key list

        headway key list --json
    """
    from headway.governance import keys

    with opened(home) as app, app.store.read() as connection:
        found = keys.every(connection)
    if as_json:
        print_json([_row(each) for each in found])
        return
    rows = [(each.id, each.name, ", ".join(each.scopes), _at(each.made_at), _at(each.revoked_at)) for each in found]
    print_table(("key", "name", "scopes", "made", "revoked"), rows)


@key.command()
def revoke(
    key_id: Annotated[
        str, typer.Argument(metavar="KEY", help="The key, as headway key list prints it.", show_default=False)
    ],
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Revoke a key: servers refuse it within ten seconds.

    For example:

        headway key revoke hk_0123456789abcdef

        headway key revoke hk_0123456789abcdef --json
    """
    from headway.governance import keys

    with opened(home) as app, app.store.begin() as connection:
        gone = keys.revoke(connection, app.clock.now(), app.actor, key_id)
    if as_json:
        print_json(_row(gone))
    else:
        talk(f"{gone.id} is revoked.")


def _row(key: "Key") -> dict[str, Any]:
    return {
        "key": key.id,
        "name": key.name,
        "scopes": list(key.scopes),
        "made_at": key.made_at,
        "made_by": key.made_by,
        "revoked_at": key.revoked_at,
    }


def _at(instant: datetime | None) -> str | None:
    return None if instant is None else f"{instant:%Y-%m-%d %H:%M}"
