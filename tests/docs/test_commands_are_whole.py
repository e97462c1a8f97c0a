"""Every headway command in a code block is taken by the command line as it stands: nothing required is missing."""

from itertools import takewhile
from pathlib import Path

import pytest
import typer

from headway.cli.main import app
from tests.docs.test_commands import PAGES, commands, resolve


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_documented_commands_have_all_that_they_need(page: Path) -> None:
    root = typer.main.get_command(app)
    for words in commands(page):
        if words[0].rpartition("/")[2] == "headway" and "--install-completion" not in words:
            command, rest = resolve(root, [*takewhile(lambda word: word not in {">", "|"}, words[1:])])
            with command.make_context(" ".join(words), rest):
                pass
