"""Runs every house rule over the project's Python files."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from scripts.lint.clock import current_time
from scripts.lint.knowledge import as_of_cut
from scripts.lint.module import Finding, Module, Rule
from scripts.lint.purity import files, pickles, talk
from scripts.lint.shape import BROAD_EXCEPTS, broad_excepts, lengths, silencers

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDERS: Final = ("src", "tests", "scripts", "benchmarks")
RULES: Final[tuple[Rule, ...]] = (current_time, as_of_cut, pickles, files, talk, lengths, broad_excepts, silencers)


def check(modules: Iterable[Module]) -> list[Finding]:
    """What the rules say about the modules, in order; broad excepts only where there are more than allowed."""
    found = sorted({finding for module in modules for rule in RULES for finding in rule(module)})
    broad = [finding for finding in found if finding.rule == "broad-except"]
    return found if len(broad) > BROAD_EXCEPTS else [finding for finding in found if finding.rule != "broad-except"]


def modules(root: Path, folders: Sequence[str] = FOLDERS) -> Iterator[Module]:
    """The Python files below the folders of `root`, parsed."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            yield Module.parse(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))


def main() -> int:
    """1 where a rule is broken, 0 otherwise; prints one line per finding."""
    findings = check(modules(ROOT))
    for finding in findings:
        print(finding)
    print(f"house rules: {len(findings)} broken" if findings else "house rules: kept", file=sys.stderr)
    return 1 if findings else 0
