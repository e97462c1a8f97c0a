"""The opened resources of one home, passed to every function of the flow."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headway.domain.time import Clock, SystemClock
from headway.lake.lake import Lake
from headway.lake.spark_session import Cluster
from headway.registry.registry import Registry
from headway.settings import Settings, write_default_toml
from headway.store.database import Store

if TYPE_CHECKING:
    pass


Progress = Callable[[str], None]


def quiet(_: str) -> None:
    """Progress that nobody reads."""


@dataclass(frozen=True)
class App:
    """The opened resources of one home."""

    settings: Settings
    lake: Lake
    store: Store
    registry: Registry
    clock: Clock
    actor: str
    progress: Progress = field(default=quiet, repr=False)


@contextmanager
def open_app(
    home: Path | str, *, clock: Clock | None = None, actor: str = "cli", progress: Progress = quiet, **overrides: Any
) -> Iterator[App]:
    """The app of `home`, made with its defaults where it is not there yet; closed at the end."""
    home = Path(home)
    write_default_toml(home)
    settings = Settings.load(home, **overrides)
    app = app_of(settings, clock or SystemClock(), actor, progress)
    app.store.migrate()
    try:
        yield app
    finally:
        app.store.close()


def app_of(settings: Settings, clock: Clock, actor: str, progress: Progress = quiet) -> App:
    """The app of settings whose home is there and brought up to date, for another process of one that opened it."""
    lake = Lake(
        settings.lake.root,
        storage_options=settings.lake.storage_options,
        memory_limit_mib=settings.engine.memory_limit_mib,
        threads=settings.engine.threads,
        built=settings.home / "features" if "://" in settings.lake.root else None,
        spark=_spark(settings),
    )
    places = settings.registry
    registry = Registry(places.tracking_uri, places.artifact_root, places.experiment)
    return App(settings, lake, Store.open(settings.store.url), registry, clock, actor, progress)


def _spark(settings: Settings) -> Cluster | None:
    engine = settings.engine
    return Cluster(engine.master, engine.spark) if engine.kind == "spark" else None
