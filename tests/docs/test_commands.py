"""Every command in a code block of the documentation exists, with the options it is given."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(?:bash|console|sh)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands(page: Path) -> Iterator[list[str]]:
    """The command lines in the page's shell blocks, split into words; continuation lines are joined."""
    for block in BLOCK.findall(page.read_text(encoding="utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if words:
                yield words


def resolve(root: Any, words: list[str]) -> tuple[Any, list[str]]:
    """The command that the words name, and the words left over for it."""
    node, rest = root, list(words)
    while hasattr(node, "commands"):
        while rest and rest[0].startswith("-"):
            option = rest.pop(0)
            assert option in options(node), f"{node.name} has no {option}"
            if not is_flag(node, option):
                rest.pop(0)
        assert rest, f"{' '.join(words)} names no command"
        assert rest[0] in node.commands, f"no command {rest[0]!r} in {' '.join(words)}"
        node = node.commands[rest.pop(0)]
    return node, rest


def options(command: Any) -> set[str]:
    """The option names of a command."""
    return {name for parameter in command.params for name in parameter.opts} | {"--help"}


def is_flag(command: Any, option: str) -> bool:
    """Whether the option takes no value."""
    return option == "--help" or any(option in p.opts and getattr(p, "is_flag", False) for p in command.params)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_documented_commands_exist(page: Path) -> None:
    from headway.cli.main import app

    root = typer.main.get_command(app)
    for words in commands(page):
        if words[0].removeprefix(".venv/bin/") != "headway":
            continue
        command, rest = resolve(root, words[1:])
        for word in rest:
            if word.startswith("--"):
                assert word.partition("=")[0] in options(command), f"{' '.join(words)}: no option {word}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_documented_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for words in commands(page):
        if words[0] == "make":
            assert {word for word in words[1:] if "=" not in word} <= targets, " ".join(words)


def test_the_readme_shows_commands() -> None:
    firsts = {words[0] for words in commands(ROOT / "README.md")}
    assert {"make", "headway"} <= {first.removeprefix(".venv/bin/") for first in firsts}
