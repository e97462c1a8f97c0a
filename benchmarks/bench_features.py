"""How the features grow: time and memory of the standard view, weekly, as simulated courses grow with their statements.

Arguments: learners in each of four runs (500, 1500 and 5000 by default).
"""

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import measured

LEARNERS = (500, 1_500, 5_000)
RUNS = 4
WEEKLY = tuple(range(6, 84, 7))


def import_simulated(home: Path, learners: int) -> int:
    """How many statements were imported."""
    from headway.flow import ingest, open_app

    with open_app(home) as app:
        return ingest(app, "simulated", [], {"learners": str(learners), "runs": str(RUNS)}).kinds["statements"].read


def build_features(home: Path) -> int:
    """How many rows the standard view has at the end of each week of every run."""
    from headway.features.as_of import compute, moments_on_days
    from headway.features.views import view_of
    from headway.flow import open_app

    with open_app(home) as app, app.lake.open(None, None) as records:
        return len(compute(view_of(), records, moments_on_days(records, app.lake.runs(), WEEKLY)))


def main() -> None:
    for learners in [int(text) for text in sys.argv[1:]] or LEARNERS:
        with tempfile.TemporaryDirectory() as text:
            home = Path(text)
            statements = measured(import_simulated, home, learners).result
            took = measured(build_features, home)
            told = {"statements": statements, "rows": took.result, "seconds": round(took.seconds, 2)}
            per_million = round(took.seconds / statements * 1e6, 2)
            print(json.dumps(told | {"peak_mib": round(took.peak_mib), "seconds_per_million": per_million}))


if __name__ == "__main__":
    main()
