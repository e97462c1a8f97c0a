"""The one typed settings tree: read once, frozen, and passed down by section.

Sources, first wins: arguments of `Settings.load`, the environment (`HEADWAY__SECTION__KEY`), the home's `headway.toml`,
defaults. A key that does not exist is refused, never ignored. Passwords and keys come from the environment or from
files of their own, never from `headway.toml`. Nobody else reads the environment or `headway.toml`.
"""

import difflib
import json
import os
import re
import secrets
import stat
import tempfile
import textwrap
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError
from pydantic_settings import TomlConfigSettingsSource as TomlSource

from headway.domain.errors import ConfigError
from headway.domain.vocabulary import ACTIVITY_TYPES, VERBS
from headway.live_settings import (
    EngagementSettings,
    GovernanceSettings,
    IntakeSettings,
    NotificationSettings,
    RuleSettings,
    ServerSettings,
    WorkerSettings,
)

FILE: Final = "headway.toml"
PREFIX: Final = "HEADWAY__"
KEY_BYTES: Final = 32
_FOLDER: Final = "headway-home"
_SQLITE: Final = "sqlite:///"
_URL_PASSWORD: Final = re.compile(r"(://[^/:@]*:|[?&]password=)(?:[^/&]+(?=@)|(?<==)[^&]+)")
_LABEL_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,79}")
_SECRET_OPTION: Final = re.compile(
    r"(secret|password|token|account[._]?key|access[._]?key|sas|credential)(?!.*(provider|type|file)$)", re.IGNORECASE
)
_OPTIONS: Final = (("lake", "storage_options"), ("engine", "spark"))
"""Sections and keys of settings that hold options of another system, secrets among them."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LakeSettings(_Section):
    """Where records are kept."""

    root: str = Field(
        default="lake", description="Folder (relative to the home) or URI (`s3://bucket/path`) of the lake."
    )
    storage_options: dict[str, str] = Field(
        default={},
        repr=False,
        description="Options of the object store, such as its region. Keys and passwords: environment only.",
    )


class StoreSettings(_Section):
    """The database of what people decided."""

    url: str = Field(
        default="sqlite:///headway.db",
        repr=False,
        description="`sqlite:///FILE` (relative to the home) or `postgresql+psycopg://USER@HOST/NAME`. "
        "A password: only in the environment or in PostgreSQL's password file.",
    )


class RegistrySettings(_Section):
    """Where models are kept."""

    tracking_uri: str = Field(
        default="sqlite:///registry/mlflow.db",
        repr=False,
        description="`sqlite:///FILE` (relative to the home) or the `https://` address of an MLflow tracking server.",
    )
    artifact_root: str = Field(
        default="registry/artifacts",
        description="Folder (relative to the home) or URI of model files. A tracking server decides this itself.",
    )
    experiment: str = Field(default="headway", min_length=1, description="The MLflow experiment that holds our models.")


class EngineSettings(_Section):
    """What computes, and what it may use."""

    kind: Literal["duckdb", "spark"] = Field(
        default="duckdb",
        description="What computes features and labels: `duckdb` on this machine, or `spark` on as many as there are.",
    )
    master: str = Field(
        default="local[2]",
        min_length=1,
        description="Spark's master: `local[2]`, `spark://HOST:7077`, `yarn` or `k8s://https://HOST:6443`.",
    )
    spark: dict[str, str] = Field(
        default={},
        repr=False,
        description="Spark's own options, such as `spark.executor.memory`. Keys and passwords: environment only.",
    )
    memory_limit_mib: int = Field(
        default=1024, ge=64, description="Memory that the query engine may use at once, in MiB."
    )
    threads: int = Field(default=2, ge=1, description="Threads of the query engine and of model fitting.")

    @field_validator("master")
    @classmethod
    def _classic(cls, master: str) -> str:
        if master.startswith("sc://"):
            raise ValueError("Spark Connect (sc://) is not supported; name the cluster's own master")
        return master

    @field_validator("spark", mode="before")
    @classmethod
    def _as_spark_writes_them(cls, options: Any) -> Any:
        """Whole names, whether TOML took them apart or not, and every value as text."""
        if not isinstance(options, Mapping):
            return options
        told = {f"spark.{name.removeprefix('spark.')}": value for name, value in _flat(options).items()}
        return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in told.items()}


class EvaluationSettings(_Section):
    """How models are checked."""

    bootstrap: int = Field(
        default=500, ge=0, description="Resamples of learners behind each interval; 0 gives no intervals."
    )
    capacity: int = Field(
        default=25, ge=1, description="Learners that can be contacted: where precision and recall are measured."
    )
    capacity_share: float | None = Field(
        default=None,
        examples=[0.1],
        gt=0,
        le=1,
        description="The same as a share of the enrolled learners. When given, `capacity` is not used.",
    )
    miss_cost: float = Field(
        default=5.0,
        gt=0,
        description="What missing a learner whom a contact would have helped costs, in any unit: "
        "decides the threshold of `at_cost`.",
    )
    contact_cost: float = Field(default=1.0, ge=0, description="What one contact costs, in the same unit.")
    coverage: float = Field(
        default=0.8,
        gt=0,
        lt=1,
        description="Share of learners of either label whose set of possible answers should hold what comes true; "
        "of learners with no single answer left it is too early to say.",
    )
    action_gap_days: int = Field(
        default=0, ge=0, description="Days between a prediction and the start of its label window."
    )
    seed: int = Field(default=7, ge=0, description="Seeds every random choice.")


class AdvisingSettings(_Section):
    """What advisers can do."""

    capacity: int = Field(
        default=25, ge=1, description="Contacts a week that the advisers can make: the length of a list."
    )


_EVERY: Final = frozenset({"kind", "summary", "stands_for", "fails_when"})

LABEL_KINDS: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
    "inactive": (frozenset({"days"}), frozenset({"verbs", "types", "or_withdraws"})),
    "withdraws": (frozenset({"days"}), frozenset()),
    "outcome": (frozenset({"labels"}), frozenset({"mark"})),
    "score_below": (frozenset({"mark"}), frozenset()),
    "final_score": (frozenset(), frozenset()),
    "decrease": (frozenset(), frozenset({"days", "share", "verbs", "types"})),
    "passes_assessment": (frozenset(), frozenset({"days", "mark"})),
    "misses_next": (frozenset(), frozenset()),
    "days_to": (frozenset({"event"}), frozenset({"days", "verbs", "types"})),
    "attribute": (frozenset({"attribute", "values"}), frozenset({"days"})),
}
"""The kinds of label, with the keys that each needs and those it may have."""

_Word = Annotated[str, Field(min_length=1)]
_OutcomeWord = Annotated[str, Field(min_length=1, max_length=40)]


class LabelSettings(_Section):
    """One target of the workspace's own: a primitive and what it is to look at. See docs/how-to/targets.md."""

    kind: Literal[
        "inactive",
        "withdraws",
        "outcome",
        "score_below",
        "final_score",
        "decrease",
        "passes_assessment",
        "misses_next",
        "days_to",
        "attribute",
    ] = Field(description="What is looked at.")
    summary: _Word | None = Field(default=None, description="What it says, in one line.")
    days: int | None = Field(default=None, ge=1, le=3660, description="Days ahead.")
    verbs: tuple[_Word, ...] = Field(default=(), description="Verbs that count; all where there are none.")
    types: tuple[_Word, ...] = Field(default=(), description="Types of activity that count; all where there are none.")
    or_withdraws: bool = Field(default=False, description="Whether leaving the run counts as inactivity.")
    share: float | None = Field(default=None, gt=0, le=1, description="Less than this share of before is a decrease.")
    mark: float | None = Field(default=None, ge=0, le=1, description="A mark from 0 to 1.")
    labels: tuple[_OutcomeWord, ...] = Field(default=(), description="Final results that are true.")
    event: Literal["activity", "withdrawal"] | None = Field(default=None, description="What is waited for.")
    attribute: _Word | None = Field(default=None, description="An attribute's name.")
    values: tuple[_Word, ...] = Field(default=(), description="Values of the attribute that are true.")
    stands_for: _Word | None = Field(default=None, description="The outcome that it stands for, where it is a proxy.")
    fails_when: _Word | None = Field(default=None, description="When the proxy misleads.")

    @model_validator(mode="before")
    @classmethod
    def _knows_its_keys(cls, given: Any) -> Any:
        for name in given if isinstance(given, Mapping) else ():
            if name not in cls.model_fields:
                near = difflib.get_close_matches(str(name), list(cls.model_fields), n=2, cutoff=0.5)
                raise ValueError(f"unknown key {name!r}; {_nearest(near, cls.model_fields)}")
        return given

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "LabelSettings":
        needed, may = LABEL_KINDS[self.kind]
        given = {name for name in self.model_fields_set if getattr(self, name) not in (None, ())} - _EVERY
        lacking, odd = sorted(needed - given), sorted(given - needed - may)
        if lacking:
            raise ValueError(f"kind {self.kind!r} needs {' and '.join(lacking)}")
        if odd:
            takes = ", ".join(sorted(needed | may)) or "nothing else"
            raise ValueError(f"kind {self.kind!r} has no {' or '.join(odd)}; it takes {takes}")
        if (self.stands_for is None) != (self.fails_when is None):
            raise ValueError("a proxy says both what it stands_for and when it fails_when")
        if self.event == "withdrawal" and (self.verbs or self.types):
            raise ValueError("verbs and types are for the event 'activity'")
        for what, words, known in (("verb", self.verbs, VERBS), ("type", self.types, ACTIVITY_TYPES)):
            for word in words:
                if word not in known:
                    near = difflib.get_close_matches(word, list(known), n=3, cutoff=0.5)
                    raise ValueError(f"unknown {what} {word!r}; {_nearest(near, known)}")
        return self


class TextSettings(_Section):
    """How what learners wrote is read."""

    encoder: str = Field(
        default="",
        pattern="^(|minilm|hf:.+)$",
        description="Sentence vectors for distress signals and models of your own labels: `minilm` (extra `encoder`), "
        "`hf:NAME` for one of Hugging Face that is on this machine, or empty for none.",
    )


class SecretSettings(_Section):
    """Files that hold secrets. Nothing but the owner of the process may read them."""

    pseudonym_key_file: Path = Field(
        default=Path("secrets/pseudonym.key"),
        description="File (relative to the home) with the key that turns direct identifiers into pseudonyms. "
        "Losing it cuts the tie between learners already known and what arrives later.",
    )


class Settings(BaseSettings):
    """The settings of one home. Make it with `Settings.load`; every path in it is absolute."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=PREFIX, env_nested_delimiter="__", validate_default=True
    )

    home: Path = Field(description="The folder everything relative is in.")
    profile: Literal["dev", "production"] = Field(
        default="dev",
        description="`production` refuses what is only fit for trying out, such as making a key by itself.",
    )
    labels: dict[str, LabelSettings] = Field(
        default={},
        description="Targets of your own, each a table `[labels.NAME]` with a `kind`: see docs/how-to/targets.md.",
    )
    rules: dict[str, RuleSettings] = Field(
        default={},
        description="Alert rules of your own, each a table `[rules.NAME]`: see docs/how-to/rules.md.",
    )
    lake: LakeSettings = Field(default_factory=LakeSettings)
    store: StoreSettings = Field(default_factory=StoreSettings)
    registry: RegistrySettings = Field(default_factory=RegistrySettings)
    engine: EngineSettings = Field(default_factory=EngineSettings)
    evaluation: EvaluationSettings = Field(default_factory=EvaluationSettings)
    advising: AdvisingSettings = Field(default_factory=AdvisingSettings)
    intake: IntakeSettings = Field(default_factory=IntakeSettings)
    server: ServerSettings = Field(default_factory=ServerSettings)
    engagement: EngagementSettings = Field(default_factory=EngagementSettings)
    governance: GovernanceSettings = Field(default_factory=GovernanceSettings)
    worker: WorkerSettings = Field(default_factory=WorkerSettings)
    notifications: NotificationSettings = Field(default_factory=NotificationSettings)
    text: TextSettings = Field(default_factory=TextSettings)
    secrets: SecretSettings = Field(default_factory=SecretSettings)

    @classmethod
    def load(cls, home: Path, **overrides: Any) -> "Settings":
        """The settings of the workspace `home`.

        Args:
            home: the workspace folder; it need not exist yet.
            overrides: `profile`, or a section as a mapping of its keys; stronger than any other source.

        Raises:
            ConfigError: an unknown key (the message names it, where it stands, and near matches), a value that does not
                fit, a secret in `headway.toml`, or a file that is not TOML.
        """
        home = home.expanduser().absolute()
        file = home / FILE
        in_file = _read_toml(file)
        _refuse_unknown(_dotted(overrides), "given in the call")
        _refuse_unknown(_dotted(in_file), f"in {file}")
        _refuse_unknown_environment(os.environ)
        _refuse_secrets(in_file, file)
        try:
            return cls(home=home, **overrides)
        except ValidationError as wrong:
            raise ConfigError(_explain(wrong, overrides, in_file, file)) from wrong
        except SettingsError as wrong:
            raise ConfigError(f"A {PREFIX}… variable in the environment cannot be read: {wrong}.") from wrong

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The sources in order of strength; pydantic calls this."""
        del dotenv_settings, file_secret_settings  # two more places to look would be two more places to search
        given = init_settings()
        return init_settings, env_settings, TomlSource(settings_cls, Path(given["home"]) / FILE)

    @field_validator("labels", "rules")
    @classmethod
    def _own_names(cls, named: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        for name in named:
            if not _LABEL_NAME.fullmatch(name):
                what = str(info.field_name).removesuffix("s")
                raise ValueError(f"{name!r} is no name for a {what}: write small letters, digits and _")
        return named

    @field_validator("lake")
    @classmethod
    def _lake_in_home(cls, lake: LakeSettings, info: ValidationInfo) -> LakeSettings:
        return lake.model_copy(update={"root": _in_home(lake.root, info)})

    @field_validator("store")
    @classmethod
    def _store_in_home(cls, store: StoreSettings, info: ValidationInfo) -> StoreSettings:
        return store.model_copy(update={"url": _in_home(store.url, info)})

    @field_validator("registry")
    @classmethod
    def _registry_in_home(cls, registry: RegistrySettings, info: ValidationInfo) -> RegistrySettings:
        places = {key: _in_home(getattr(registry, key), info) for key in ("tracking_uri", "artifact_root")}
        return registry.model_copy(update=places)

    @field_validator("secrets")
    @classmethod
    def _secrets_in_home(cls, files: SecretSettings, info: ValidationInfo) -> SecretSettings:
        return files.model_copy(update={"pseudonym_key_file": Path(_in_home(str(files.pseudonym_key_file), info))})

    def shown(self) -> dict[str, Any]:
        """The settings as JSON-able data without any secret, for `doctor`, score runs and reports."""
        data: dict[str, Any] = self.model_dump(mode="json")
        data["store"]["url"] = _without_password(data["store"]["url"])
        data["registry"]["tracking_uri"] = _without_password(data["registry"]["tracking_uri"])
        for section, key in _OPTIONS:
            options = data[section][key]
            data[section][key] = {k: "***" if _SECRET_OPTION.search(k) else v for k, v in options.items()}
        return data


def find_home(explicit: Path | None, environ: Mapping[str, str]) -> Path:
    """The home to work in: `explicit`, else `HEADWAY_HOME`, else the nearest folder upwards with a headway.toml.

    Where there is none of these, `./headway-home`. It need not exist yet; whatever writes first makes it.

    Raises:
        ConfigError: the home asked for is a file.
    """
    wanted = explicit or (Path(environ["HEADWAY_HOME"]) if environ.get("HEADWAY_HOME") else None)
    if wanted is not None:
        home = wanted.expanduser().absolute()
        if home.exists() and not home.is_dir():
            raise ConfigError(f"The home {home} is a file. Name a folder with --home or HEADWAY_HOME.")
        return home
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / FILE).is_file()), here / _FOLDER)


def write_default_toml(home: Path) -> Path:
    """The path of the home's headway.toml, with every setting commented out; one that is there stays as it is."""
    home.mkdir(parents=True, exist_ok=True)
    lines = [
        "# Settings of this headway home. Each line shows a default: remove its # to change it.",
        f"# The environment is stronger: {PREFIX}EVALUATION__SEED=11 sets evaluation.seed. No passwords or keys here.",
    ]
    section = ""
    for name, field in _fields():
        *parents, key = name.split(".")
        if parents and parents[0] != section:
            section = parents[0]
            lines += ["", f"[{section}]"]
        lines += [*textwrap.wrap(field.description or "", 110, initial_indent="# ", subsequent_indent="# ")]
        lines += [f"# {key} = {_toml((field.examples or [field.default])[0])}"]
    path = home / FILE
    with suppress(FileExistsError), path.open("x", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return path


def pseudonym_key(settings: Settings) -> bytes:
    """The home's secret key, at least 32 bytes; made from the system's randomness (mode 600) where there is none yet.

    Raises:
        ConfigError: anyone on the machine can read the file, it is too short, or it is missing where a new key would
            give learners already in the lake a second pseudonym, or where `profile = "production"`.
    """
    path = settings.secrets.pseudonym_key_file
    if not path.exists():
        _refuse_second_key(settings, path)
        _write_key(path)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & stat.S_IRWXO:
        raise ConfigError(f"Others can read the secret {path} (mode {mode:o}). Run: chmod 600 {path}")
    key = path.read_bytes()
    if len(key) < KEY_BYTES:
        raise ConfigError(f"The key {path} has {len(key)} bytes; {KEY_BYTES} are needed. Restore the right file.")
    return key


def reference() -> str:
    """docs/reference/settings.md, made from the settings tree; a test compares them."""
    lines = [
        "# Settings",
        "",
        "<!-- Made by headway.settings.reference(); a test compares. -->",
        "",
        f"One file, `{FILE}` in the home, and the environment. Strongest first: command line, environment, file,",
        "default.",
        "An unknown key stops headway and is answered with the nearest known ones. Relative paths start at the home.",
        "",
        "The home is `--home`, else `HEADWAY_HOME`, else the nearest folder upwards that holds a `headway.toml`,",
        "else `./headway-home`.",
        "",
        f"Secrets (passwords, keys) are refused in `{FILE}`: give them in the environment or in a file of their own.",
        "",
        "| key | environment | default | meaning |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{name}` | `{_variable(name)}` | `{_toml(field.default)}` | {field.description} |"
        for name, field in _fields()
    ]
    return "\n".join(lines) + "\n"


def _fields() -> Iterator[tuple[str, FieldInfo]]:
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            for key, inner in field.annotation.model_fields.items():
                yield f"{name}.{key}", inner
        elif name != "home":
            yield name, field


def _toml(value: object) -> str:
    if value is None:
        return "none"
    return json.dumps(value if isinstance(value, bool | int | float | dict) else str(value))


def _variable(name: str) -> str:
    return PREFIX + name.upper().replace(".", "__")


def _dotted(tree: Mapping[str, Any]) -> list[str]:
    names: list[str] = []
    sections = {name.split(".")[0] for name, _ in _fields() if "." in name}
    for name, value in tree.items():
        inside = name in sections and isinstance(value, Mapping)
        names += [f"{name}.{key}" for key in value] if inside else [name]
    return names


def _near(name: str, known: list[str]) -> str:
    same_key = [other for other in known if other.split(".")[-1] == name.split(".")[-1]]
    section, _, key = name.rpartition(".")
    # Without their section's name, which makes every two keys of a section look alike.
    beside = {other.rpartition(".")[2]: other for other in known if section and other.startswith(f"{section}.")}
    in_section = [beside[near] for near in difflib.get_close_matches(key, beside, n=3, cutoff=0.6)]
    near = same_key or in_section or difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    return " or ".join(near)


def _refuse_unknown(names: list[str], where: str) -> None:
    known = [name for name, _ in _fields()]
    sections = {name.split(".")[0] for name in known if "." in name}
    for name in names:
        if name not in known and name not in sections:
            near = _near(name, known)
            hint = f"Did you mean {near}?" if near else f"Known: {', '.join(known)}."
            raise ConfigError(f"Unknown setting {name} {where}. {hint}")


def _refuse_unknown_environment(environ: Mapping[str, str]) -> None:
    known = {_variable(name): name for name, _ in _fields()}
    open_ended = tuple(f"{_variable(f'{section}.{key}')}__" for section, key in _OPTIONS)
    for variable in sorted(environ):
        upper = variable.upper()
        if not upper.startswith(PREFIX) or upper in known or upper.startswith(open_ended):
            continue
        near = _near(upper.removeprefix(PREFIX).lower().replace("__", "."), list(known.values()))
        meant = " or ".join(_variable(name) for name in near.split(" or "))
        hint = f"Did you mean {meant}?" if near else f"Known: {', '.join(known)}."
        raise ConfigError(f"Unknown setting {variable} in the environment. {hint}")


def _refuse_secrets(in_file: Mapping[str, Any], file: Path) -> None:
    for section, key in (("store", "url"), ("registry", "tracking_uri")):
        value = in_file.get(section, {}).get(key) if isinstance(in_file.get(section), Mapping) else None
        if isinstance(value, str) and _without_password(value) != value:
            raise ConfigError(
                f"{section}.{key} in {file} holds a password. Set {_variable(f'{section}.{key}')} instead."
            )
    for section, key in _OPTIONS:
        inside = in_file.get(section)
        options = inside.get(key) if isinstance(inside, Mapping) else None
        for name in _flat(options) if isinstance(options, Mapping) else ():
            if _SECRET_OPTION.search(name):
                variable = _variable(f"{section}.{key}")
                hint = f"{variable}__{name.upper()}" if section == "lake" else f'{variable}=\'{{"{name}": "…"}}\''
                raise ConfigError(
                    f"{section}.{key}.{name} in {file} is a secret. Set {hint} in the environment instead."
                )


def _flat(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options whose names TOML took apart at their dots, with whole names."""
    flat: dict[str, Any] = {}
    for name, value in options.items():
        inner = (
            {f"{name}.{rest}": inside for rest, inside in _flat(value).items()} if isinstance(value, Mapping) else {}
        )
        flat |= inner if isinstance(value, Mapping) else {name: value}
    return flat


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
        mend = (
            "A table stands once in the file: add your keys to the one that is there"
            if "twice" in str(wrong)
            else "Mend it, or remove it and run headway init"
        )
        raise ConfigError(f"{file} cannot be read: {wrong}. {mend}.") from wrong


def _explain(wrong: ValidationError, overrides: Mapping[str, Any], in_file: Mapping[str, Any], file: Path) -> str:
    said = []
    for error in wrong.errors(include_input=False, include_url=False):
        place = [str(part) for part in error["loc"]]
        name = ".".join(place if place[0] in {"labels", "rules"} else place[:2])
        in_environment = any(variable.upper().startswith(_variable(name)) for variable in os.environ)
        if name in _dotted(overrides):
            where = "given in the call"
        elif in_environment:
            where = f"in the environment ({_variable(name)})"
        else:
            where = f"in {file}" if name in _dotted(in_file) or place[0] in in_file else "by default"
        said.append(f"The setting {name} {where} does not fit: {error['msg'].removeprefix('Value error, ')}.")
    return " ".join(said)


def _nearest(near: list[str], known: Iterable[str]) -> str:
    return f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}"


def _in_home(place: str, info: ValidationInfo) -> str:
    home: Path = info.data["home"]
    if place.startswith(_SQLITE):
        path = place.removeprefix(_SQLITE)
        return place if path in {"", ":memory:"} else _SQLITE + str(home / path)
    return place if "://" in place else str(home / Path(place).expanduser())


def _without_password(url: str) -> str:
    return _URL_PASSWORD.sub(r"\1***", url)


def _refuse_second_key(settings: Settings, path: Path) -> None:
    root = settings.lake.root
    if "://" not in root and next(Path(root).rglob("*.parquet"), None) is not None:
        raise ConfigError(
            f"The key {path} is gone, but the lake {root} holds learners under pseudonyms made with it. Restore "
            "the key from a backup. With another key, known learners would come in again as new ones."
        )
    if settings.profile == "production":
        raise ConfigError(
            f'There is no key {path}, and profile = "production" makes none by itself. Provide {KEY_BYTES} '
            f"random bytes: (umask 077; mkdir -p {path.parent}; openssl rand -out {path} {KEY_BYTES})"
        )


def _write_key(path: Path) -> None:
    """Written aside and linked into place, so that nobody sees half a key and of two first users one wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=".key-")  # mode 600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(aside, path)
    finally:
        Path(aside).unlink()
