"""Results of an evaluation, kept with everything that is needed to get the same figures again."""

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version
from typing import Final

from headway import __version__
from headway.features.views import RECORDS_ONLY, STANDARD, view_of
from headway.flow.app import App
from headway.models.model import Json

RESULT: Final = "result.json"
REPORT: Final = "report.html"
ABOUT: Final = "about.json"

LIBRARIES: Final = (
    "numpy",
    "scipy",
    "scikit-learn",
    "lightgbm",
    "duckdb",
    "ibis-framework",
    "pyarrow",
    "torch",
    "optuna",
)
"""What figures may depend on."""


def keep_result(app: App, folder: Path, result: Json, asked: Mapping[str, Json], page: str) -> dict[str, Json]:
    """What `about.json` says, after the result, its page and itself were written to the folder.

    Args:
        app: where the records are.
        folder: made where it is not there; files of an earlier result in it are replaced.
        result: rows, or rows, summary and notes of a protocol.
        asked: what was asked for.
        page: the result as HTML.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result, ensure_ascii=False, indent=1, allow_nan=False)
    section = app.settings.evaluation
    about: dict[str, Json] = {
        "asked": dict(asked),
        "seed": section.seed,
        "bootstrap": section.bootstrap,
        "views": {name: view_of(name).hash for name in (STANDARD, RECORDS_ONLY)},
        "snapshot": app.lake.snapshot().id,
        "headway": __version__,
        "python": python_version(),
        "libraries": {name: found for name in LIBRARIES if (found := _version(name)) is not None},
        "sha256": {RESULT: _hash(text), REPORT: _hash(page)},
        "made_at": app.clock.now().isoformat(),
    }
    (folder / RESULT).write_text(text, encoding="utf-8")
    (folder / REPORT).write_text(page, encoding="utf-8")
    (folder / ABOUT).write_text(json.dumps(about, ensure_ascii=False, indent=1), encoding="utf-8")
    return about


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
