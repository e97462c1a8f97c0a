"""The command that serves a home over HTTP."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from headway.cli.options import AsJson, Home, home_of, opened
from headway.cli.output import print_json, talk

if TYPE_CHECKING:
    from headway.flow import App


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(serve)


def serve(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The port; 0 for any free one.")] = 8000,
    host: Annotated[str, typer.Option(help="The address; others than loopback let the network in.")] = "127.0.0.1",
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], typer.Option(help="From which level on to log.")
    ] = "info",
    open_: Annotated[bool, typer.Option("--open", help="Open the pages in a browser.")] = False,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Serve the home: records in; predictions and the pages for people out.

    Records come as xAPI, Caliper, Canvas or plain JSON. Loopback only, unless
    a host is named; put TLS in front of any other. A home without accounts
    gets the account "admin", whose password is printed once.

    For example:

        headway serve --home work --open

        headway serve --home work --port 8000 --host 0.0.0.0
    """
    from headway.server.run import serve as run
    from headway.settings import pseudonym_key

    place = home_of(home)
    with opened(place) as app:
        pseudonym_key(app.settings)
        if as_json:
            print_json({"home": str(place), "host": host, "port": port})
        if host not in ("127.0.0.1", "localhost", "::1"):
            talk(f"Listening on {host}: keys and passwords travel in the clear unless TLS is in front.")
        _tell_first(app)
        run(app, host, port, log_level, ready=lambda taken: _ready(app, host, taken, open_))


def _tell_first(app: "App") -> None:
    """Makes the first account where nobody could sign in otherwise, and tells its password."""
    from headway.flow.accounts import FIRST, first_account

    people = app.settings.server.oidc
    if people is not None and people.page_roles:
        return
    password = first_account(app)
    if password is not None:
        talk(f"The first account is {FIRST!r}, its password {password}")
        talk("It is kept nowhere: note it, sign in. More accounts: headway account add NAME --role ROLE")


def _ready(app: "App", host: str, port: int, open_: bool) -> None:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)  # noqa: S104 - compared, not bound
    url = app.settings.server.public_url or f"http://{shown}:{port}"
    talk(f"The pages are at {url}/")
    if open_:
        show_in_browser(f"{url}/")


def show_in_browser(url: str) -> None:
    """Opens a page in the person's browser, where there is one."""
    import webbrowser

    if not webbrowser.open(url):
        talk("There is no browser here to open it in.")
