"""Serving: uvicorn with one home, on loopback unless another address is named."""

import gc
import logging
import socket
import sys
from typing import Final

import uvicorn

from headway.domain.errors import ConfigError
from headway.flow.app import App
from headway.server.app import create_app
from headway.server.log import note, set_up

BACKLOG: Final = 2_048
KEEP_ALIVE_S: Final = 75
GRACE_S: Final = 20
GARBAGE: Final = (20_000, 50, 100)
SWITCH_S: Final = 0.0005
"""How long one thread may keep the others waiting: what is answered should not wait for what is being written."""


def serve(app: App, host: str, port: int, log_level: str) -> None:
    """Answers requests until the process is told to stop; what is being worked on is finished first.

    Raises:
        ConfigError: the address cannot be used.
    """
    set_up(log_level)
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()  # libraries stay for good: looking through them again and again is what makes answers late
    gc.set_threshold(*GARBAGE)
    config = uvicorn.Config(
        create_app(app),
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
    listening = _listening(host, port)
    note(logging.INFO, "listening", host=host, port=listening.getsockname()[1])
    with listening:
        uvicorn.Server(config).run(sockets=[listening])


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
