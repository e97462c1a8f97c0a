"""The reference pages say what the code says."""

import ast
import re
from pathlib import Path

from headway.domain.records import KINDS
from headway.domain.vocabulary import ACTIVITY_TYPES, ROLES, VERBS
from scripts.error_page import PAGE, errors, page

ROOT = Path(__file__).resolve().parents[2]
GLOSSARY = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
DECISIONS = ROOT / "docs/decisions"

HOUSE_WORDS = (
    "learner, course run, enrolment, statement, assessment, attempt, score, risk, as-of time, feature view, cohort, "
    "label, proxy label, prediction, reason, rule, task, caseload, snapshot"
)


def entries() -> list[str]:
    """The words that the glossary explains: the first cell of each row of its tables."""
    return re.findall(r"^\| \*\*(.+?)\*\*", GLOSSARY, re.MULTILINE)


def test_the_error_page_is_the_error_tree() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m scripts.error_page"


def test_every_error_says_what_it_means() -> None:
    for error in errors():
        assert f"| `{error.__name__}` |" in page()
        assert "|  |" not in page()


def test_no_error_is_defined_outside_the_tree() -> None:
    known = {error.__name__ for error in errors()} | {"Exception", "ValueError", "RuntimeError"}
    for path in (ROOT / "src/headway").rglob("*.py"):
        if path.relative_to(ROOT).as_posix() == "src/headway/domain/errors.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            bases = {ast.unparse(base) for base in node.bases} if isinstance(node, ast.ClassDef) else set()
            assert not bases & known, f"{path.relative_to(ROOT)} defines an error; errors stand in domain/errors.py"


def test_the_glossary_explains_the_house_words_once() -> None:
    words = entries()
    assert set(HOUSE_WORDS.split(", ")) <= set(words)
    assert len(words) == len(set(words))


def test_the_glossary_names_every_record_kind() -> None:
    named = set(re.findall(r"^\| `(\w+)` \|", GLOSSARY, re.MULTILINE))
    assert set(KINDS) <= named


def test_the_glossary_names_every_verb_type_and_role() -> None:
    named = set(re.findall(r"`(\w+)`", GLOSSARY))
    assert {*VERBS, *ACTIVITY_TYPES, *ROLES} <= named


def test_the_index_lists_every_decision() -> None:
    index = (DECISIONS / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"\((\d{4}-[\w-]+\.md)\)", index)
    pages = sorted(path.name for path in DECISIONS.glob("[0-9]*.md"))
    assert listed == pages
    assert [int(name[:4]) for name in pages] == list(range(1, len(pages) + 1))


def test_every_decision_has_its_parts() -> None:
    for path in DECISIONS.glob("[0-9]*.md"):
        headings = re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences", "Check"], path.name


def test_links_between_pages_lead_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    for path in pages:
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.relative_to(ROOT)} links to {target}"


def test_checks_named_in_the_decisions_exist() -> None:
    for path in DECISIONS.glob("[0-9]*.md"):
        for named in re.findall(r"`((?:tests|scripts|src)/[\w/.]+)`", path.read_text(encoding="utf-8")):
            assert (ROOT / named).exists(), f"{path.name} names {named}"
