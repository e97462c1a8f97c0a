"""The command that serves a home over HTTP."""

from typing import Annotated, Literal

import typer

from headway.cli.options import AsJson, Home, home_of, opened
from headway.cli.output import print_json, talk


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(serve)


def serve(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The port; 0 for any free one.")] = 8000,
    host: Annotated[str, typer.Option(help="The address; others than loopback let the network in.")] = "127.0.0.1",
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], typer.Option(help="From which level on to log.")
    ] = "info",
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Serve the home: xAPI, Caliper, Canvas and plain records in; predictions out.

    Loopback only, unless a host is named; put TLS in front of any other.

    For example:

        headway serve --home work --port 8000

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
            talk(f"Listening on {host}: keys travel in the clear unless TLS is in front.")
        run(app, host, port, log_level)
