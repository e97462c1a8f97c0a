"""A worker that is killed in the middle of a job: `dying_worker.py HOME within|after` the
transaction that keeps its tasks."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headway.flow import open_app, rules
from headway.flow.worker import Worker
from headway.store import jobs
from tests.support.tiny import at
from tests.support.tiny_home import Ticking


def dies(before: Callable[..., Any], *, called: bool) -> Callable[..., Any]:
    """The function, followed or replaced by the end of this process."""

    def act(*args: Any, **options: Any) -> None:
        if called:
            before(*args, **options)
        os.kill(os.getpid(), signal.SIGKILL)

    return act


def main() -> None:
    """Works until it dies."""
    home, where = sys.argv[1:]
    if where == "within":
        rules._keep = dies(rules._keep, called=True)
    else:
        jobs.finish = dies(jobs.finish, called=False)
    with open_app(Path(home), clock=Ticking(at(19, 22))) as app:
        worker = Worker(app)
        worker._work = {name: work for name, work in worker._work.items() if name == "rules"}
        for _ in worker.once():
            pass


if __name__ == "__main__":
    main()
