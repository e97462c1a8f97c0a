"""Every command explains itself, with two examples that can be run, and explains itself at once."""

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

import headway
from headway.cli.main import app
from scripts.cli_page import commands, examples
from tests.docs.test_commands import resolve
from tests.support.command import environment, inside

ALL = {" ".join(words[1:]): (words, command) for words, command in commands(typer.main.get_command(app))}
HEAVY = {
    *("deltalake", "duckdb", "ibis", "jinja2", "lightgbm", "mlflow", "numpy", "pyarrow", "rich", "scipy", "sklearn"),
    *("sqlalchemy", "sqlglot"),
}
"""Typer itself reads the options of a command with pydantic, so that one cannot be helped."""

LINE = 72
"""What fits on a terminal of 80 columns beside the help's indent."""

every_command = pytest.mark.parametrize(("words", "command"), ALL.values(), ids=ALL)


def test_the_commands_are_those_that_scripts_know() -> None:
    promised = (
        "init, import, train, evaluate, score, list, explain, demo, doctor, source list, source check, source rejects, "
        "lake log, lake verify, lake erase, features list, features build, model list, model show"
    )
    assert set(promised.split(", ")) <= set(ALL)


@every_command
def test_help_says_what_it_does_and_what_each_option_means(words: tuple[str, ...], command: Any) -> None:
    assert len(command.help.splitlines()[0]) > 10
    for parameter in command.params:
        assert parameter.help, f"{' '.join(words)} {parameter.name}"
        assert parameter.help.endswith((".", ")", "past")), parameter.help


@every_command
def test_help_has_two_examples_that_the_command_line_takes(words: tuple[str, ...], command: Any) -> None:
    shown = examples(command)
    assert len(shown) >= 2
    assert all(len(example) <= LINE for example in shown), "it would be broken over two lines on a terminal"
    for example in shown:
        named, rest = resolve(typer.main.get_command(app), shlex.split(example)[1:])
        assert named is command or named.name == command.name
        with named.make_context(" ".join(words), rest):
            pass


def test_help_of_every_command_loads_nothing_heavy() -> None:
    code = f"""
import sys
from typer.testing import CliRunner
import headway
from headway.cli.main import app
for words in {[list(words[1:]) for words, _ in ALL.values()]}:
    done = CliRunner().invoke(app, [*words, "--help"])
    assert done.exit_code == 0, done.output
    assert "For example:" in done.output, words
print(*[name for name in {sorted(HEAVY)} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert inside(capsys, "--home", tmp_path / "none", "--version").stdout == f"headway {headway.__version__}\n"
    assert list(tmp_path.iterdir()) == []
