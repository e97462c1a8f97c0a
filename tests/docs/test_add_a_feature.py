"""A stranger follows docs/how-to/add-a-feature.md to the letter: the package is installed, found, built and tested."""

import csv
import inspect
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from headway.features.definition import RELATIONS, feature
from headway.features.relations import RELATIONS as MADE
from headway.features.shown import columns_of
from headway.flow import open_app
from scripts.feature_page import how_to
from tests.support.command import environment

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "add-a-feature.md").read_text(encoding="utf-8")

FOLLOWED = """
import json, sys, runpy
from pathlib import Path
from headway.cli.main import main

def run(words):
    sys.argv = words
    try:
        main()
    except SystemExit as ended:
        assert not ended.code, words

for words in json.loads(sys.argv[1]):
    run(words)
test = runpy.run_path("test_campus.py")
test["test_what_came_later_changes_nothing"](Path("home-of-the-test"))
"""


def blocks(language: str) -> list[str]:
    """The page's code blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def installed(package: Path, target: Path) -> Path:
    """`target` with the package in it, as an installer puts a pure one there, without a build backend or an index."""
    said = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))
    name, version = said["project"]["name"], said["project"]["version"]
    about = target / f"{name.replace('-', '_')}-{version}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    points = [f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in points.items())
              for group, points in said["project"]["entry-points"].items()]  # fmt: skip
    (about / "entry_points.txt").write_text("\n".join(points), encoding="utf-8")
    for file in said["tool"]["hatch"]["build"]["targets"]["wheel"]["include"]:
        if (package / file).is_dir():
            shutil.copytree(package / file, target / file)
        else:
            (target / file).write_bytes((package / file).read_bytes())
    return target


def weekend_days(home: Path) -> dict[tuple[str, int], int]:
    """The feature by plain counting: for each learner at the end of course days 13 and 27."""
    with open_app(home) as app, app.lake.open(None, None) as records:
        statements = records.collect(records.table("statements")).to_pylist()
        (run,) = {row["run"]: row for row in records.collect(records.table("course_runs")).to_pylist()}.values()
        learners = set(records.collect(records.table("enrolments"))["learner"].to_pylist())
    found: dict[tuple[str, int], int] = {}
    for day in (13, 27):
        last: date = run["starts_on"] + timedelta(days=day)
        end = datetime.combine(last + timedelta(days=1), datetime.min.time(), ZoneInfo(run["zone"]))
        days: dict[str, set[date]] = defaultdict(set)
        for row in statements:
            known_then = row["recorded_at"] <= end and last - timedelta(days=28) < row["occurred_on"] <= last
            if known_then and row["role"] is None and row["interactions"] > 0 and row["occurred_on"].weekday() >= 5:
                days[row["learner"]].add(row["occurred_on"])
        found |= {(learner, day): len(days[learner]) for learner in learners}
    return found


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder in which the page was followed, and what its commands printed."""
    folder = tmp_path_factory.mktemp("campus")
    package = folder / "campus-features"
    package.mkdir()
    assert re.findall(r"`([\w.]+)`[^`]*:\n\n```(?:python|toml)", PAGE)[:2] == ["campus_features.py", "pyproject.toml"]
    one, made_of_others, test = blocks("python")
    (package / "campus_features.py").write_text(f"{one}\n\n{made_of_others}", encoding="utf-8")
    (package / "pyproject.toml").write_text(blocks("toml")[0], encoding="utf-8")
    (folder / "test_campus.py").write_text(test, encoding="utf-8")
    (block,) = blocks("bash")
    lines = [shlex.split(line) for line in block.replace("\\\n", " ").splitlines()]
    assert lines[0] == ["pip", "install", f"./{package.name}"]
    commands = [*lines[1:], ["headway", "features", "list", "--json"]]
    assert all(words[0] == "headway" for words in commands)
    target = installed(package, folder / "site")
    done = subprocess.run(
        [sys.executable, "-c", FOLLOWED, json.dumps(commands)],
        cwd=folder,
        env=environment(PYTHONPATH=str(target)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_a_strangers_feature_is_among_the_others(followed: tuple[Path, str]) -> None:
    _, said = followed
    assert re.search(r"^defined_in +campus_features$", said, re.MULTILINE)
    assert "def weekend_days_28d(days):" in said
    listed = json.loads(said[said.index('{\n  "view"') :])
    rows = {row["name"]: row for row in listed["features"]}
    assert rows["weekend_days_28d"]["cost"] == "running total"
    assert rows["weekend_day_share_28d"]["reads"] == ["weekend_days_28d", "active_days_28d"]
    assert "active_days_14d" in rows


def test_its_values_are_what_plain_counting_gives(followed: tuple[Path, str]) -> None:
    folder, _ = followed
    wanted = weekend_days(folder / "made-up")
    with (folder / "weekends.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["course_day"] for row in rows} == {"13", "27"}
    for row in rows:
        assert int(float(row["weekend_days_28d"])) == wanted[row["learner"], int(row["course_day"])]
    assert len({row["weekend_days_28d"] for row in rows}) > 2


def test_the_page_names_every_relation_and_only_columns_that_are_there() -> None:
    assert how_to(PAGE) == PAGE, "run python -m scripts.feature_page"
    told = PAGE[PAGE.index("<!-- relations") : PAGE.index("<!-- end of relations")]
    bullets = re.findall(r"^- `(\w+)`: (.*?)(?=^- `|\Z)", told, re.MULTILINE | re.DOTALL)
    assert {name for name, _ in bullets} == set(RELATIONS) == set(MADE)
    for name, text in bullets:
        named = set(re.findall(r"`(\w+)`", text))
        assert named
        assert named <= set(columns_of(name)), name


def test_every_argument_of_the_decorator_is_on_the_page() -> None:
    assert set(inspect.signature(feature).parameters) == set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
