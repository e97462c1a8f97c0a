"""How the command line speaks: data on stdout, progress and advice on stderr, errors as what, why and what to do."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from headway.domain.errors import HeadwayError


def print_json(document: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False, default=_plain))


def _plain(value: Any) -> str:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)


def print_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Aligned columns on stdout; numbers to the right."""
    texts = [[_cell(value) for value in row] for row in rows]
    widths = [max([len(name), *(len(row[i]) for row in texts)]) for i, name in enumerate(header)]
    right = [
        bool(rows) and all(isinstance(row[i], int | float) or row[i] is None for row in rows)
        for i in range(len(header))
    ]
    for line in [list(header), *texts]:
        cells = [
            text.rjust(width) if r else text.ljust(width) for text, width, r in zip(line, widths, right, strict=True)
        ]
        print("  ".join(cells).rstrip())


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else _plain(value)


def write_text(text: str, path: Path) -> None:
    """A text file, in a folder that is made where it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def talk(text: str) -> None:
    """A sentence on stderr."""
    print(text, file=sys.stderr)


def would(act: str, *, as_json: bool) -> None:
    """What a dry run would do: a sentence on stderr, and one document where asked for."""
    talk(f"Would {act}. Nothing written.")
    if as_json:
        print_json({"dry_run": True, "would": act})


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """A function that shows what is being done: a moving line on a terminal, one line a stage elsewhere."""
    if not sys.stderr.isatty():
        yield talk
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console) as bar:
        stage = bar.add_task("starting", total=None)

        def say(text: str) -> None:
            bar.console.print(f"  {text}", style="dim", highlight=False)
            bar.update(stage, description=text)

        yield say


def report_error(error: HeadwayError) -> int:
    """The exit code of an error, after saying it on stderr."""
    talk(f"headway: {error}")
    if error.exit_code == 1:
        talk("Run headway doctor to check the installation, or repeat with HEADWAY_DEBUG=1 to see the trace.")
    return error.exit_code
