"""Helpers compute what takes long in processes of their own, tell errors as they were raised, end with the server."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest

from headway.domain.errors import Busy, ServiceRefused, Unavailable, UnknownName
from headway.domain.time import AsOf
from headway.flow.app import App
from headway.flow.caseload_facts import enrolled
from headway.web.helpers import Helpers
from tests.support.pages import NOW, RUN, Pages


def _process(_: App) -> int:
    return os.getpid()


def _wrong(_: App, kind: str) -> None:
    if kind == "busy":
        raise Busy("Wait.", 7)
    if kind == "refused":
        raise ServiceRefused("No.", "E12")
    raise UnknownName.of("run", "a", ["b"])


def _for_ever(_: App) -> None:
    threading.Event().wait()


def _end(_: App) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(scope="module")
def helpers(pages: Pages) -> Iterator[Helpers]:
    made = Helpers(pages.app, 2)
    yield made
    made.close()


def test_a_helper_is_another_process_with_the_same_home_and_clock(helpers: Helpers, pages: Pages) -> None:
    assert helpers.call(_process) != os.getpid()
    assert helpers.call(_now) == NOW.isoformat()
    there = helpers.call(enrolled, RUN, AsOf(NOW))
    assert there == enrolled(pages.app, RUN, AsOf(NOW))
    assert there


def _now(app: App) -> str:
    return app.clock.now().isoformat()


def test_errors_come_as_they_were_raised(helpers: Helpers) -> None:
    with pytest.raises(Busy, match="Wait") as busy:
        helpers.call(_wrong, "busy")
    assert busy.value.retry_after_s == 7
    with pytest.raises(ServiceRefused, match="No") as refused:
        helpers.call(_wrong, "refused")
    assert refused.value.code == "E12"
    with pytest.raises(UnknownName, match="Known: b"):
        helpers.call(_wrong, "name")


def test_after_one_that_ended_there_is_another(helpers: Helpers) -> None:
    with pytest.raises(Unavailable, match="ended"):
        helpers.call(_end)
    assert helpers.call(_process) != os.getpid()


def test_helpers_end_at_once_with_whom_they_serve(pages: Pages) -> None:
    own = Helpers(pages.app, 2)
    own.call(_process)
    pool, (running, *_) = own._pool, own._pool._processes.values()
    with ThreadPoolExecutor(1) as asking:
        asked = asking.submit(own.call, _for_ever)
        while not pool._pending_work_items:
            continue
        own.close()
        running.join(30)
        assert running.exitcode is not None
        with pytest.raises((Unavailable, CancelledError)):
            asked.result()
    assert own._pool is pool, "another was begun, which nobody would end"
