"""Writes docs/reference/cli.md from the command line itself: `python -m scripts.cli_page`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import typer

from headway.cli.main import app

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "reference" / "cli.md"

_TOP: Final = """\
# Command line

Results go to stdout, talk and progress to stderr. `--json` prints one document. `--home DIR` may stand before or after
the command; see [settings](settings.md) for where headway looks without it, and [errors](errors.md) for exit codes.
A date as an as-of time stands for the end of that day where the course is.

Made by `python -m scripts.cli_page` from the commands themselves; a test compares the two.
"""


def commands(node: Any, words: tuple[str, ...] = ("headway",)) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command below `node` with the words that name it, groups left out, in the order of `--help`."""
    for name, command in node.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name), command


def examples(command: Any) -> list[str]:
    """The commands that the help shows after "For example:"."""
    _, _, shown = (command.help or "").partition("For example:")
    return [line.strip() for line in shown.splitlines() if line.strip()]


def page() -> str:
    """The text of docs/reference/cli.md."""
    root = typer.main.get_command(app)
    return _TOP + "".join(_section(words, command) for words, command in commands(root))


def _section(words: tuple[str, ...], command: Any) -> str:
    summary, _, _ = (command.help or "").partition("For example:")
    usage = " ".join([*words, *(_argument(p) for p in command.params if p.param_type_name == "argument")])
    shown = "\n".join(examples(command))
    lines = [f"\n## {' '.join(words[1:])}\n", " ".join(summary.split()), f"\n```text\n{usage} [OPTIONS]\n```\n"]
    lines += ["| argument or option | default | meaning |", "|---|---|---|"]
    lines += [_row(parameter) for parameter in command.params if not getattr(parameter, "hidden", False)]
    return "\n".join([*lines, f"\n```bash\n{shown}\n```\n"])


def _argument(parameter: Any) -> str:
    name = parameter.metavar or parameter.name.upper()
    return f"{name}{'...' if parameter.nargs == -1 else ''}"


def _row(parameter: Any) -> str:
    of_argument = parameter.param_type_name == "argument"
    name = _argument(parameter) if of_argument else ", ".join(parameter.opts)
    default = "required" if parameter.required else _default(parameter)
    return f"| `{name}` | {default} | {(parameter.help or '').replace('|', chr(92) + '|')} |"


def _default(parameter: Any) -> str:
    default = parameter.default
    shown = default is not None and default is not False and default != "" and default != ()
    return f"`{default}`" if shown else ""


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
