"""`headway doctor`: whether this installation and its home can work."""

import os
import platform
import shutil
import sys
from pathlib import Path
from typing import Any

import typer

from headway.cli.options import AsJson, Home, home_of
from headway.cli.output import print_json, print_table
from headway.domain.errors import HeadwayError

LEAST_FREE_MIB = 1024
LIBRARIES = (
    "deltalake",
    "duckdb",
    "ibis-framework",
    "lightgbm",
    "mlflow-skinny",
    "pyarrow",
    "scikit-learn",
    "sqlalchemy",
)


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(doctor)


def doctor(as_json: AsJson = False, home: Home = None) -> None:
    """Check versions, folders, free disk, settings, store, lake and registry; exit 1 where anything fails.

    For example:

        headway doctor

        headway doctor --json
    """
    place = home_of(home)
    checks = [*_installation(), *_home(place), *_resources(place)]
    if as_json:
        print_json([{"check": name, "ok": ok, "detail": detail} for name, ok, detail in checks])
    else:
        print_table(("check", "ok", "detail"), [(name, "yes" if ok else "NO", detail) for name, ok, detail in checks])
    if not all(ok for _, ok, _ in checks):
        raise typer.Exit(1)


def _installation() -> list[tuple[str, bool, str]]:
    from importlib.metadata import version

    import headway

    found = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return [
        ("headway", True, headway.__version__),
        ("python", sys.version_info >= (3, 11), platform.python_version()),
        ("libraries", True, found),
    ]


def _home(place: Path) -> list[tuple[str, bool, str]]:
    there = next(folder for folder in (place, *place.parents) if folder.exists())
    free = shutil.disk_usage(there).free // 2**20
    return [
        ("home", os.access(there, os.W_OK), f"{place}{'' if place.exists() else ' (not made yet)'}"),
        ("free disk", free >= LEAST_FREE_MIB, f"{free} MiB"),
    ]


def _resources(place: Path) -> list[tuple[str, bool, str]]:
    if not place.exists():
        return []
    from headway import flow

    def runs(app: Any) -> str:
        return f"{len(app.lake.runs())} runs, snapshot {app.lake.snapshot().id}"

    def models(app: Any) -> str:
        return f"{len(app.registry.versions())} model versions"

    def chain(app: Any) -> str:
        return flow.check_audit(app)

    checks: list[tuple[str, bool, str]] = []
    try:
        with flow.open_app(place) as app:
            checks.append(("settings", True, f"profile {app.settings.profile}"))
            checks.append(("store", True, f"migration {app.store.revision()}"))
            for name, look in (("lake", runs), ("registry", models), ("audit", chain)):
                checks.append(_tried(name, look, app))
    except HeadwayError as wrong:
        checks.append(("settings and store", False, str(wrong)))
    return checks


def _tried(name: str, look: Any, app: Any) -> tuple[str, bool, str]:
    try:
        return name, True, look(app)
    except HeadwayError as wrong:
        return name, False, str(wrong)
