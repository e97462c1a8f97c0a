"""Runs `headway bench NAME` with the arguments of this process: for `make bench`, which runs every `bench_*.py`."""

import sys

from headway.cli.main import main


def bench(name: str) -> None:
    """Runs one benchmark and ends the process."""
    sys.argv[1:1] = ["bench", name]
    main()
