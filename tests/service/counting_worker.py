"""A worker whose only jobs write down that they begin and end: `counting_worker.py HOME FOLDER [die-at]`.

Two that do a job at the same time would both make its file, which only one can. With `die-at` it kills itself in the
middle of that job.
"""

import os
import signal
import sys
from pathlib import Path
from unittest.mock import patch

from headway.flow import App, open_app
from headway.flow import worker as working
from headway.flow.jobs import Alive, Done
from headway.store.jobs import Job


def main() -> None:
    """Works until nothing is left."""
    home, folder, *die_at = sys.argv[1:]
    place = Path(folder)

    def count(_app: App, job: Job, alive: Alive) -> Done:
        held = place / f"{job.id}.held"
        with held.open("x"):
            pass
        alive()
        if job.id in die_at:
            held.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        with (place / f"{job.id}.done").open("a") as file:
            file.write(f"{os.getpid()}\n")
        held.unlink()
        return Done({"by": os.getpid()})

    only = patch.multiple(working, STANDING={}, ONCE={"count": count})
    with only, open_app(Path(home)) as app:
        for outcome in working.Worker(app).once():
            print(outcome.job, outcome.state, outcome.error, flush=True)


if __name__ == "__main__":
    main()
