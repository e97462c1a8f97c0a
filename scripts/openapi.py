"""Writes docs/reference/openapi.json from the routes of the server: `python -m scripts.openapi`."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from headway.flow import open_app
from headway.server.app import create_app

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "reference" / "openapi.json"


def page() -> str:
    """The text of docs/reference/openapi.json."""
    with TemporaryDirectory(prefix="headway-openapi-") as home, open_app(Path(home)) as app:
        return json.dumps(create_app(app).openapi(), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
