"""Import of an Open edX tracking log beside a straightforward pandas reader of the same files.

The peer parses the lines, takes run, learner, event, time, object, position and grade out of them, hashes the learner
and writes Parquet. It checks nothing, keeps no history, and knows one record kind. Arguments: sizes (100MB 400MB).
"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import measured, show

SIZES = ("100MB", "400MB")


def write_log(folder: Path, size: str) -> int:
    """How many bytes of log were written."""
    from headway.sources.simulation.files import order_of, write_files

    options = {"learners": "4000", "runs": "2"}
    write_files(order_of("edx", options, size=size), folder, lambda _: None)
    return sum(path.stat().st_size for path in (folder / "logs").iterdir())


def import_log(folder: Path, home: Path) -> int:
    """How many statements headway imported."""
    from headway.flow import ingest, open_app

    with open_app(home) as app:
        report = ingest(app, "edx", [folder / "logs"], {"calendar": str(folder / "calendar.csv")})
    return report.kinds["statements"].accepted


def read_by_pandas(folder: Path, out: Path) -> int:
    """How many lines pandas turned into rows of one Parquet file."""
    import pandas as pd

    frames = []
    for path in sorted((folder / "logs").iterdir()):
        for lines in pd.read_json(path, lines=True, chunksize=100_000):
            context = pd.json_normalize(lines["context"].tolist())
            told = lines["event"].map(_parsed)
            frames.append(
                pd.DataFrame(
                    {
                        "run": context["course_id"],
                        "learner": context["user_id"].astype(str).map(_hashed),
                        "event": lines["event_type"],
                        "occurred_at": pd.to_datetime(lines["time"], utc=True, format="ISO8601"),
                        "object": told.map(lambda event: event.get("id") or event.get("problem_id")),
                        "position_s": told.map(lambda event: event.get("currentTime")),
                        "score": told.map(lambda event: event.get("grade")),
                    }
                )
            )
    whole = pd.concat(frames)
    whole.to_parquet(out)
    return len(whole)


def _parsed(event: Any) -> dict[str, Any]:
    if isinstance(event, str):
        event = json.loads(event) if event.startswith("{") else {}
    return event if isinstance(event, dict) else {}


def _hashed(user: str) -> str:
    return hashlib.sha256(user.encode()).hexdigest()[:20]


def main() -> None:
    for size in sys.argv[1:] or SIZES:
        with tempfile.TemporaryDirectory() as text:
            place = Path(text)
            written = write_log(place / "made", size)
            ours = measured(import_log, place / "made", place / "home")
            theirs = measured(read_by_pandas, place / "made", place / "rows.parquet")
            mb = round(written / 1e6)
            per_s = {"headway_mb_s": round(mb / ours.seconds, 1), "pandas_mb_s": round(mb / theirs.seconds, 1)}
            show(f"import edx {size}", ours, "pandas", theirs, statements=ours.result, **per_s)


if __name__ == "__main__":
    main()
