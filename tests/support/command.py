"""The command line as scripts run it: the installed command in a process of its own, its output piped.

Where only what is said and the exit code matter, `inside` is as good and takes a tenth of the time.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from headway.cli.main import main

HEADWAY: Final = Path(sys.executable).with_name("headway")


def environment(**more: str) -> dict[str, str]:
    """This process's environment without settings of headway."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HEADWAY")} | more


def run(
    *words: object, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """What `headway WORDS` said and how it ended."""
    command = [str(HEADWAY), *map(str, words)]
    return subprocess.run(command, env=environment(**(env or {})), cwd=cwd, capture_output=True, text=True, check=False)


def start(*words: object) -> subprocess.Popen[str]:
    """`headway WORDS`, running; its talk can be read line by line while it works.

    It hears Ctrl-C even where the tests run in the background of a shell, which makes its children deaf to it.
    """
    hears = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    return subprocess.Popen(
        [sys.executable, "-c", hears, str(HEADWAY), *map(str, words)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@dataclass(frozen=True)
class Said:
    """What a command said and how it ended, as far as tests ask."""

    returncode: int
    stdout: str
    stderr: str


def inside(capsys: pytest.CaptureFixture[str], *words: object) -> Said:
    """What `headway WORDS` says and how it ends, run in this process."""
    before = signal.getsignal(signal.SIGINT)
    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["headway", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
    signal.signal(signal.SIGINT, before)
    talk = capsys.readouterr()
    code = ended.value.code
    assert code is None or isinstance(code, int)
    return Said(code or 0, talk.out, talk.err)


@dataclass(frozen=True)
class Script:
    """A script that asks for documents: `script("lake", "log")` is what `headway lake log --json` prints."""

    capsys: pytest.CaptureFixture[str]
    home: Path

    def __call__(self, *words: object) -> Any:
        """The document; the command must succeed."""
        said = inside(self.capsys, "--home", self.home, *words, "--json")
        assert said.returncode == 0, said.stderr
        return json.loads(said.stdout)

    def at(self, home: Path) -> "Script":
        """The same script, at another home."""
        return Script(self.capsys, home)
