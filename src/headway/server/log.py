"""What the server writes about itself: one JSON object a line, without ids of learners, bodies or addresses."""

import json
import logging
from datetime import UTC, datetime
from typing import Any, Final

LOG: Final = logging.getLogger("headway.server")
_FACTS: Final = "facts"


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line. Of an exception only its kind and place are told: its text may hold what was sent."""
        told: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, _FACTS, {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            trace = record.exc_info[2]
            places = []
            while trace is not None:
                places.append(f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}")
                trace = trace.tb_next
            told |= {"exception": record.exc_info[0].__name__, "trace": places[-12:]}
        return json.dumps(told, ensure_ascii=False)


def facts(**told: Any) -> dict[str, Any]:
    """What a record of the log carries besides its event."""
    return {_FACTS: told}


def note(level: int, event: str, *, exc_info: bool = False, **told: Any) -> None:
    """Writes one event with its facts."""
    if LOG.isEnabledFor(level):
        LOG.log(level, event, extra=facts(**told), exc_info=exc_info)


def set_up(level: str) -> None:
    """Sends the logs of the server to stderr from this level on."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    for name in (LOG.name, "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(level.upper())
