"""Serving: uvicorn with one home, on loopback unless another address is named."""

import gc
import logging
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import Final

import uvicorn

from headway.domain.errors import ConfigError
from headway.flow.app import App
from headway.server.app import create_app
from headway.server.log import note, set_up
from headway.web.ready import begin

BACKLOG: Final = 2_048
KEEP_ALIVE_S: Final = 75
GRACE_S: Final = 20
GARBAGE: Final = (20_000, 50, 100)
MOST_TRIED: Final = 20
SWITCH_S: Final = 0.0005
"""How long one thread may keep the others waiting: what is answered should not wait for what is being written."""


def serve(
    app: App,
    host: str,
    port: int,
    log_level: str,
    *,
    demo: bool = False,
    ready: Callable[[int], None] | None = None,
    next_free: bool = False,
) -> None:
    """Answers requests until the process is told to stop; what is being worked on is finished first.

    It starts helper processes (`server.helpers`), so a script calls it under `if __name__ == "__main__":`.

    Args:
        app: the opened home.
        host: the address to listen on.
        port: the port; 0 for any free one.
        log_level: from which level on to log.
        demo: whether it shows made-up people.
        ready: is told the port once it listens; whoever comes before the first answer waits for it.
        next_free: take the next free port where this one is taken.

    Raises:
        ConfigError: the address cannot be used.
    """
    set_up(log_level)
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()  # libraries stay for good: looking through them again and again is what makes answers late
    gc.set_threshold(*GARBAGE)
    application = create_app(app, demo=demo)
    application.site.begin_helpers()
    application.site.warm(partial(begin, application.site))
    config = uvicorn.Config(
        application,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
    listening = _free(host, port) if next_free else _listening(host, port)
    taken = int(listening.getsockname()[1])
    note(logging.INFO, "listening", host=host, port=taken)
    with listening:
        listening.listen(BACKLOG)
        if ready is not None:
            ready(taken)
        try:
            uvicorn.Server(config).run(sockets=[listening])
        finally:
            gc.unfreeze()  # or libraries complain at the end that nobody let go of them


def _free(host: str, port: int) -> socket.socket:
    """A socket on the port, or on the first free one of those that follow."""
    for each in range(port, min(port + MOST_TRIED, 65_535)) if port else ():
        try:
            return _listening(host, each)
        except ConfigError:
            continue
    return _listening(host, 0)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as wrong:
        listening.close()
        raise ConfigError(f"Cannot listen on {host} port {port}: {wrong.strerror}. Choose another --port.") from wrong
    return listening
