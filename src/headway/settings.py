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
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError
from pydantic_settings import TomlConfigSettingsSource as TomlSource

from headway.domain.errors import ConfigError

FILE: Final = "headway.toml"
PREFIX: Final = "HEADWAY__"
KEY_BYTES: Final = 32
_FOLDER: Final = "headway-home"
_SQLITE: Final = "sqlite:///"
_URL_PASSWORD: Final = re.compile(r"(://[^/:@]*:|[?&]password=)(?:[^/&]+(?=@)|(?<==)[^&]+)")
_SECRET_OPTION: Final = re.compile(r"secret|password|token|account_key|access_key|sas|credential", re.IGNORECASE)


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
    """What computing may use."""

    memory_limit_mib: int = Field(
        default=1024, ge=64, description="Memory that the query engine may use at once, in MiB."
    )
    threads: int = Field(default=2, ge=1, description="Threads of the query engine and of model fitting.")


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
    action_gap_days: int = Field(
        default=0, ge=0, description="Days between a prediction and the start of its label window."
    )
    seed: int = Field(default=7, ge=0, description="Seeds every random choice.")


class AdvisingSettings(_Section):
    """What advisers can do."""

    capacity: int = Field(
        default=25, ge=1, description="Contacts a week that the advisers can make: the length of a list."
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
    lake: LakeSettings = Field(default_factory=LakeSettings)
    store: StoreSettings = Field(default_factory=StoreSettings)
    registry: RegistrySettings = Field(default_factory=RegistrySettings)
    engine: EngineSettings = Field(default_factory=EngineSettings)
    evaluation: EvaluationSettings = Field(default_factory=EvaluationSettings)
    advising: AdvisingSettings = Field(default_factory=AdvisingSettings)
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
        options = data["lake"]["storage_options"]
        data["lake"]["storage_options"] = {k: "***" if _SECRET_OPTION.search(k) else v for k, v in options.items()}
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
        if isinstance(field.annotation, type) and issubclass(field.annotation, _Section):
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
    near = same_key or difflib.get_close_matches(name, known, n=3, cutoff=0.6)
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
    open_ended = _variable("lake.storage_options") + "__"
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
    lake = in_file.get("lake")
    options = lake.get("storage_options") if isinstance(lake, Mapping) else None
    for name in options if isinstance(options, Mapping) else ():
        if _SECRET_OPTION.search(name):
            variable = f"{_variable('lake.storage_options')}__{name.upper()}"
            raise ConfigError(f"lake.storage_options.{name} in {file} is a secret. Set {variable} instead.")


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
        raise ConfigError(f"{file} cannot be read: {wrong}. Mend it, or remove it and run headway init.") from wrong


def _explain(wrong: ValidationError, overrides: Mapping[str, Any], in_file: Mapping[str, Any], file: Path) -> str:
    said = []
    for error in wrong.errors(include_input=False, include_url=False):
        name = ".".join(str(part) for part in error["loc"][:2])
        in_environment = any(variable.upper().startswith(_variable(name)) for variable in os.environ)
        if name in _dotted(overrides):
            where = "given in the call"
        elif in_environment:
            where = f"in the environment ({_variable(name)})"
        else:
            where = f"in {file}" if name in _dotted(in_file) else "by default"
        said.append(f"The setting {name} {where} does not fit: {error['msg']}.")
    return " ".join(said)


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
