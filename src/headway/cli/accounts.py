"""The commands about accounts: who may sign in to the pages, and as what."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli.options import AsJson, Home, names, opened
from headway.cli.output import print_json, print_table, talk
from headway.domain.errors import InputError

if TYPE_CHECKING:
    from headway.governance.accounts import Account

account = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Accounts: who signs in to the pages, as what.")
sessions = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Who is signed in just now.")

Name = Annotated[str, typer.Argument(help="The name that is typed to sign in.", show_default=False)]
Roles = Annotated[
    list[str],
    typer.Option(
        "--role",
        help="As what (repeat, or use commas): adviser, tutor, instructor, data_scientist, governance, learner.",
        show_default=False,
    ),
]
Runs = Annotated[str, typer.Option("--run", help="Only these course runs: an id or a glob of ids.")]
Groups = Annotated[
    list[str] | None,
    typer.Option("--group", help="Only learners of this group (repeat); a tutor needs one.", show_default=False),
]
Learner = Annotated[
    str | None,
    typer.Option("--learner", help="Whom the account is about, for the role learner.", show_default=False),
]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


def add_to(app: typer.Typer) -> None:
    """Adds the group `account`."""
    account.add_typer(sessions, name="sessions")
    app.add_typer(account, name="account")


@account.command()
def add(
    name: Name,
    role: Roles,
    run: Runs = "*",
    group: Groups = None,
    learner: Learner = None,
    shown_as: Annotated[str, typer.Option(help="How others see them.", show_default=False)] = "",
    password_stdin: FromStdin = False,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Make an account. On a terminal its password is asked for, else made.

    A password that is made is printed now and kept nowhere.

    For example:

        headway account add ann --role adviser --run 'moodle/*'

        headway account add tom --role tutor --group G1 --shown-as "Tom K."

        headway account add kim --role adviser --password-stdin
    """
    from headway.flow import accounts

    password, made = _password(password_stdin)
    grants = accounts.grants_of([each for text in role for each in names(text)], run, group or (), learner)
    with opened(home) as app:
        found = accounts.add_account(app, name, grants, password, shown_as)
    _show(found, as_json, password if made else None)


@account.command("list")
def list_(as_json: AsJson = False, home: Home = None) -> None:
    """List the accounts, without anything secret.

    For example:

        headway account list

        headway account list --json
    """
    from headway.flow import accounts

    with opened(home) as app:
        found = accounts.list_accounts(app)
    if as_json:
        print_json([_row(each) for each in found])
        return
    rows = [(each.name, each.shown_as, "; ".join(_grants(each)), _state(each)) for each in found]
    print_table(("name", "shown as", "may see", "state"), rows)


@account.command()
def grant(
    name: Name,
    role: Roles,
    run: Runs = "*",
    group: Groups = None,
    learner: Learner = None,
    instead: Annotated[bool, typer.Option("--instead", help="Instead of all that it was granted before.")] = False,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Let an account see more, or something else; whoever uses it signs in anew.

    For example:

        headway account grant ann --role tutor --group G1

        headway account grant ann --role governance --instead
    """
    from headway.flow import accounts

    grants = accounts.grants_of([each for text in role for each in names(text)], run, group or (), learner)
    with opened(home) as app:
        found = accounts.grant(app, name, grants, instead=instead)
    _show(found, as_json)


@account.command()
def password(name: Name, password_stdin: FromStdin = False, as_json: AsJson = False, home: Home = None) -> None:
    """Give an account a new password; its sessions end and it is locked no longer.

    For example:

        headway account password ann

        headway account password ann --password-stdin
    """
    from headway.flow import accounts

    new, made = _password(password_stdin)
    with opened(home) as app:
        found = accounts.set_password(app, name, new)
    _show(found, as_json, new if made else None)


@account.command()
def disable(
    name: Name,
    undo: Annotated[bool, typer.Option("--undo", help="Take it back into use.")] = False,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Take an account out of use, at once.

    For example:

        headway account disable ann

        headway account disable ann --undo
    """
    from headway.flow import accounts

    with opened(home) as app:
        found = accounts.disable_account(app, name, back=undo)
    _show(found, as_json)


@sessions.command()
def end(name: Name, as_json: AsJson = False, home: Home = None) -> None:
    """Sign somebody out wherever they are signed in.

    For example:

        headway account sessions end ann

        headway account sessions end ann --json
    """
    from headway.flow import accounts

    with opened(home) as app:
        ended = accounts.end_sessions(app, name)
    if as_json:
        print_json({"account": name, "ended": ended})
    else:
        talk(f"{ended} sessions of {name} were ended.")


def _password(from_stdin: bool) -> tuple[str, bool]:
    """A password, and whether it was made here and must be told."""
    from headway.flow.accounts import new_password

    if from_stdin:
        told = sys.stdin.readline().rstrip("\r\n")
        if not told:
            raise InputError("There is no password on standard input. Write: … --password-stdin < FILE")
        return told, False
    if sys.stdin.isatty():
        told = typer.prompt(
            "Password (12 characters or more; empty to have one made)",
            default="",
            show_default=False,
            hide_input=True,
            confirmation_prompt="The same again",
            err=True,
        )
        if told:
            return str(told), False
    return new_password(), True


def _show(found: "Account", as_json: bool, password: str | None = None) -> None:
    row = _row(found) | ({} if password is None else {"password": password})
    if as_json:
        print_json(row)
        return
    print_table(("property", "value"), [(key, "; ".join(v) if isinstance(v, list) else v) for key, v in row.items()])
    if password is not None:
        talk("Hand the password over now; it is kept nowhere.")


def _row(found: "Account") -> dict[str, Any]:
    return {
        "name": found.name,
        "shown_as": found.shown_as,
        "grants": _grants(found),
        "disabled_at": found.disabled_at,
        "id": found.id,
    }


def _grants(found: "Account") -> list[str]:
    """What an account may see, in words; whom a learner's account is about is left out."""
    return [
        f"{grant.role} of {grant.runs}" + (f", group {grant.group}" if grant.group else "") for grant in found.grants
    ]


def _state(found: "Account") -> str:
    return "in use" if found.disabled_at is None else f"disabled {found.disabled_at:%Y-%m-%d}"
