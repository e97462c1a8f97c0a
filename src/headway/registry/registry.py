"""Model versions, kept in MLflow: a local SQLite file by default, any tracking server by its address.

A version never changes but for its stage. All that is known about it (data, view, seed, report) is in tags of the
MLflow model version, its files in the artefacts of its MLflow run. Only this module imports MLflow, and only when
asked for something, since that takes a second or more.
"""

import hashlib
import json
import logging
import os
import re
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, cast, get_args

import headway
from headway.domain.errors import ConfigError, Conflict, InputError, UnknownName
from headway.models.model import Json
from headway.registry import artefact

Stage = Literal["candidate", "shadow", "canary", "live", "retired"]

_FOLDER: Final = "artefact"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")
_FORMAT: Final = "headway.format"
_STAGE: Final = "headway.stage"
_MANIFEST: Final = "headway.manifest"
_FACTS: Final = "headway.facts"
_PART: Final = 4_500  # characters; older tracking servers keep 5,000 of a tag
_ENVIRONMENT: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",  # its default keeps a user waiting for minutes when a server is away
    "GIT_PYTHON_REFRESH": "quiet",  # a machine without git is no reason to talk
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # standard output is for results
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",  # drawn wherever tqdm happens to be installed
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A fitted model, ready to be registered.

    Attributes:
        name: the registered model's name, for example `does_not_finish-boosting`.
        files: what `Model.restore` needs, by file name.
        label: what it predicts.
        model: the method, a name in `MODELS`.
        view_hash: hash of the feature view it was trained with.
        view_features: the view's feature names, in order.
        snapshot: the lake snapshot that its training rows were read from.
        train_runs: the course runs it learned from.
        days: days of the course at which its training rows were cut.
        known_by: ISO 8601 instant up to which labels counted as known.
        seed: the seed of every random choice.
        report: its evaluation, as JSON-able data.
    """

    name: str
    files: Mapping[str, bytes] = field(repr=False)
    label: str
    model: str
    view_hash: str
    view_features: Sequence[str]
    snapshot: str
    train_runs: Sequence[str]
    days: Sequence[int]
    known_by: str
    seed: int
    report: Mapping[str, Json] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A registered model; the attributes not listed are those of `Candidate`.

    Attributes:
        ref: how users and other records name it: `name/version`.
        version: counts from 1 within a name.
        stage: how far it may act.
        features: the view's feature names, in order.
        created_at: when it was registered, UTC.
        headway_version: the headway that trained it.
        manifest_hash: what `load` holds its files against.
        mlflow_run: the MLflow run that holds its files.
    """

    ref: str
    name: str
    version: int
    stage: Stage
    label: str
    model: str
    view_hash: str
    features: tuple[str, ...]
    snapshot: str
    train_runs: tuple[str, ...]
    days: tuple[int, ...]
    known_by: str
    seed: int
    report: dict[str, Json] = field(repr=False)
    created_at: datetime
    headway_version: str
    manifest_hash: str = field(repr=False)
    mlflow_run: str = field(repr=False)


@dataclass(frozen=True)
class Registry:
    """The model versions at one place.

    Attributes:
        tracking_uri: `sqlite:///FILE` (its folder is made), another MLflow database address, or a server's `https://…`.
        artifact_root: folder or URI of the files; a tracking server has its own and ignores this.
        experiment: the MLflow experiment to work in.
    """

    tracking_uri: str = field(repr=False)
    artifact_root: str
    experiment: str = "headway"

    def add(self, candidate: Candidate) -> ModelVersion:
        """The new version, stage `candidate`, numbered after the newest of its name.

        Where anything fails there is no version; a left-over MLflow run is marked as failed.

        Raises:
            InputError: the name, a file name or the report cannot be kept.
            ConfigError: the registry cannot be reached or refuses.
        """
        if not _NAME.fullmatch(candidate.name):
            raise InputError(
                f"{candidate.name!r} cannot be a model's name. Use letters, digits and . _ - (200 at most)."
            )
        facts = _facts(candidate)
        with self._talking() as client, tempfile.TemporaryDirectory(prefix="headway-model-") as scratch:
            manifest_hash = artefact.write(Path(scratch), candidate.files)
            run = client.create_run(self._experiment_id(client), run_name=candidate.name, tags=_shown(candidate))
            status = "FAILED"
            try:
                client.log_artifacts(run.info.run_id, scratch, _FOLDER)
                _ensure_model(client, candidate.name)
                made = client.create_model_version(
                    candidate.name,
                    source=f"{run.info.artifact_uri}/{_FOLDER}",
                    run_id=run.info.run_id,
                    tags={_FORMAT: "1", _STAGE: "candidate", _MANIFEST: manifest_hash} | _shown(candidate) | facts,
                )
                status = "FINISHED"
            finally:
                client.set_terminated(run.info.run_id, status)
            return _version(made)

    def get(self, ref: str) -> ModelVersion:
        """The version that `ref` names: `name/3`, or `name` for its newest.

        Raises:
            UnknownName: there is none; the message names near ones.
            ConfigError: the registry cannot be reached.
        """
        name, _, number = ref.partition("/")
        found = self._search(name) if _NAME.fullmatch(name) else []
        chosen = [version for version in found if not number or str(version.version) == number]
        if chosen:
            return chosen[-1]
        known = found or self.versions()
        raise UnknownName.of("model", ref, {v.ref if number else v.name for v in known})

    def versions(self) -> list[ModelVersion]:
        """All versions that headway registered here, by name, oldest first.

        Raises:
            ConfigError: the registry cannot be reached.
        """
        return self._search(None)

    def load(self, version: ModelVersion) -> dict[str, bytes]:
        """The version's files, each checked against the hash that was noted when it was registered.

        Raises:
            Conflict: a file is missing, added or changed; the message names it.
            ConfigError: the registry cannot be reached.
        """
        with tempfile.TemporaryDirectory(prefix="headway-model-") as scratch:
            moved = Path(self.artifact_root) / version.mlflow_run / "artifacts" / _FOLDER
            if self._local and moved.is_dir():  # found where settings say, though the home may have moved since
                return artefact.read(moved, version.manifest_hash)
            with self._talking() as client:
                folder = Path(client.download_artifacts(version.mlflow_run, _FOLDER, scratch))
            return artefact.read(folder, version.manifest_hash)

    @property
    def _server(self) -> bool:
        return self.tracking_uri.startswith(("http://", "https://", "databricks"))

    @property
    def _local(self) -> bool:
        return not self._server and "://" not in self.artifact_root

    @cached_property
    def _client(self) -> Any:
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        if self.tracking_uri.startswith("sqlite:///"):
            _prepare(Path(self.tracking_uri.removeprefix("sqlite:///")))
        from mlflow.tracking import MlflowClient
        from sqlalchemy.exc import SADeprecationWarning

        if "MLFLOW_LOGGING_LEVEL" not in os.environ:
            logging.getLogger("mlflow").setLevel(logging.WARNING)
        with warnings.catch_warnings():
            # MLflow 3.17 still uses what SQLAlchemy 2.1 deprecates, and users can do nothing about it.
            warnings.filterwarnings("ignore", "The ``noload`` loader strategy", SADeprecationWarning)
            return MlflowClient(tracking_uri=self.tracking_uri, registry_uri=self.tracking_uri)

    @contextmanager
    def _talking(self) -> Iterator[Any]:
        """The client; what MLflow raises while it is used becomes an error of ours."""
        client = self._client
        from mlflow.exceptions import MlflowException

        try:
            yield client
        except MlflowException as wrong:
            raise ConfigError(
                f"The model registry does not do it: {wrong.message} Check registry.tracking_uri."
            ) from wrong

    def _experiment_id(self, client: Any) -> str:
        """The experiment to add to. One that keeps its files elsewhere (the home was moved) gets a successor."""
        root = Path(self.artifact_root).absolute().as_uri() if self._local else self.artifact_root
        successor = f"{self.experiment}-{hashlib.sha256(root.encode()).hexdigest()[:8]}"
        for name in (self.experiment, successor):
            found = client.get_experiment_by_name(name)
            if found is None:
                return str(client.create_experiment(name, artifact_location=None if self._server else root))
            if self._server or found.artifact_location == root:
                break
        return str(found.experiment_id)

    def _search(self, name: str | None) -> list[ModelVersion]:
        file = Path(self.tracking_uri.removeprefix("sqlite:///"))
        if self.tracking_uri.startswith("sqlite:///") and not file.exists() and not file.parent.exists():
            return []  # MLflow would make the database first, which takes it seconds
        at_hand = _at_hand(file, name) if self.tracking_uri.startswith("sqlite:///") else None
        if at_hand is not None:
            return sorted((_version(one) for one in at_hand), key=lambda v: (v.name, v.version))
        wanted = f"tag.`{_FORMAT}` = '1'" + (f" AND name = '{name}'" if name else "")
        found: list[Any] = []
        with self._talking() as client:
            page = client.search_model_versions(wanted)
            found.extend(page)
            while page.token:
                page = client.search_model_versions(wanted, page_token=page.token)
                found.extend(page)
        return sorted((_version(one) for one in found), key=lambda v: (v.name, v.version))


def _prepare(database: Path) -> None:
    """A new file is put into WAL mode: MLflow's 70 first migrations then wait half as long for the disk."""
    if database.exists():
        return
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
    except (OSError, sqlite3.Error) as wrong:
        raise ConfigError(f"The registry {database} cannot be made: {wrong}. Check registry.tracking_uri.") from wrong


@dataclass(frozen=True, slots=True)
class _Kept:
    """A version as MLflow's tables hold it, with the names that MLflow's client gives them."""

    name: str
    version: int
    run_id: str
    creation_timestamp: int
    tags: Mapping[str, str]


def _at_hand(database: Path, name: str | None) -> list[_Kept] | None:
    """The versions in a file, read without MLflow, whose import takes two seconds; None where its tables are others."""
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute("BEGIN")  # versions and tags of one time
            rows = connection.execute(_VERSIONS, {"name": name}).fetchall()
            of_version: dict[tuple[str, int], dict[str, str]] = {}
            for model, version, key, value in connection.execute(_TAGS, {"name": name}):
                of_version.setdefault((model, version), {})[key] = value
    except sqlite3.Error:
        return None
    kept = [_Kept(model, number, run, at, of_version.get((model, number), {})) for model, number, run, at in rows]
    return [one for one in kept if one.tags.get(_FORMAT) == "1"]


_VERSIONS: Final = """
    SELECT name, version, run_id, creation_time FROM model_versions
    WHERE current_stage IS NOT 'Deleted_Internal' AND (:name IS NULL OR name = :name)
"""
_TAGS: Final = "SELECT name, version, key, value FROM model_version_tags WHERE :name IS NULL OR name = :name"


def _ensure_model(client: Any, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as wrong:
        if wrong.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _shown(candidate: Candidate) -> dict[str, str]:
    """What someone who looks at MLflow's own pages should see at once."""
    return {
        "headway.label": candidate.label,
        "headway.model": candidate.model,
        "headway.train_runs": ", ".join(candidate.train_runs)[:_PART],
        "headway.seed": str(candidate.seed),
    }


def _facts(candidate: Candidate) -> dict[str, str]:
    """Everything but the files, as canonical JSON cut into as many tags as it takes."""
    facts = {
        "label": candidate.label,
        "model": candidate.model,
        "view_hash": candidate.view_hash,
        "features": list(candidate.view_features),
        "snapshot": candidate.snapshot,
        "train_runs": list(candidate.train_runs),
        "days": list(candidate.days),
        "known_by": candidate.known_by,
        "seed": candidate.seed,
        "report": dict(candidate.report),
        "headway_version": headway.__version__,
    }
    try:
        text = json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as wrong:
        raise InputError(f"A model's facts and report must be JSON without NaN: {wrong}.") from wrong
    parts = [text[start : start + _PART] for start in range(0, len(text), _PART)]
    return {f"{_FACTS}.{number:03}": part for number, part in enumerate(parts)}


def _version(made: Any) -> ModelVersion:
    tags: Mapping[str, str] = made.tags
    text = "".join(tags[key] for key in sorted(tags) if key.startswith(f"{_FACTS}."))
    stage = tags.get(_STAGE, "candidate")
    try:
        facts = json.loads(text)
    except ValueError as wrong:
        raise Conflict(
            f"The facts of model {made.name}/{made.version} were changed in MLflow. Train it again."
        ) from wrong
    if stage not in get_args(Stage):
        raise Conflict(
            f"Model {made.name}/{made.version} has the stage {stage!r}. Known: {', '.join(get_args(Stage))}."
        )
    return ModelVersion(
        ref=f"{made.name}/{made.version}",
        name=made.name,
        version=int(made.version),
        stage=cast("Stage", stage),
        label=facts["label"],
        model=facts["model"],
        view_hash=facts["view_hash"],
        features=tuple(facts["features"]),
        snapshot=facts["snapshot"],
        train_runs=tuple(facts["train_runs"]),
        days=tuple(facts["days"]),
        known_by=facts["known_by"],
        seed=facts["seed"],
        report=facts["report"],
        created_at=datetime.fromtimestamp(made.creation_timestamp / 1000, UTC),
        headway_version=facts["headway_version"],
        manifest_hash=tags[_MANIFEST],
        mlflow_run=made.run_id,
    )
