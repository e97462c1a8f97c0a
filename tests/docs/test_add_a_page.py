"""A stranger follows docs/how-to/open-the-pages.md: a package with one page is installed, and the page is a page."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.test_add_a_feature import installed
from tests.support.command import environment
from tests.support.pages import pages_home

__all__ = ["pages_home"]

ROOT = Path(__file__).resolve().parents[2]
WHOLE = (ROOT / "docs" / "how-to" / "open-the-pages.md").read_text(encoding="utf-8")
TOLD = WHOLE[WHOLE.index("Add a page of your own") :]

VISITED = """
import json, sys
from pathlib import Path
from tests.support.pages import opened_pages

said = {}
with opened_pages(Path(sys.argv[1])) as pages:
    for name in ("", "adviser", "tutor", "learner", "elsewhere", "scientist"):
        answer = pages.client(name).get("/groups")
        said[name] = [answer.status_code, answer.text, dict(answer.headers)]
    said["refused"] = [row["subject"] for row in pages.audited("refuse")]
    said["nav"] = [pages.client(name).get("/help").text for name in ("adviser", "scientist")]
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said(pages_home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[object]]:
    """What everybody is answered who asks for the page."""
    folder = tmp_path_factory.mktemp("campus")
    package, home = folder / "campus-pages", folder / "home"
    shutil.copytree(pages_home, home)
    for name, language in (
        ("campus_pages/__init__.py", "python"),
        ("campus_pages/templates/groups.html", "html"),
        ("pyproject.toml", "toml"),
    ):
        assert f"`{name}`" in TOLD
        found = re.findall(rf"```{language}\n(.*?)```", TOLD, re.DOTALL)
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(found[0], encoding="utf-8")
    site = installed(package, folder / "site")
    done = subprocess.run(
        [sys.executable, "-c", VISITED, str(home)],
        env=environment(PYTHONPATH=f"{site}:{ROOT}"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(found, dict)
    return found


def test_a_strangers_page_is_shown_to_its_roles_in_their_scope(said: dict[str, list[object]]) -> None:
    for name, groups in (("adviser", ["G1", "G2", "G3", "G4"]), ("tutor", ["G1"])):
        status, text, headers = said[name]
        assert status == 200
        assert re.findall(r'<th scope="row">(\w+)</th><td>15</td>', str(text)) == groups
        assert '<nav aria-label="Main">' in str(text)
        assert isinstance(headers, dict)
        assert "default-src 'self'" in headers["content-security-policy"]


def test_and_to_nobody_else(said: dict[str, list[object]]) -> None:
    assert said[""][0] == 303
    assert [said[name][0] for name in ("learner", "scientist")] == [403, 403]
    assert said["refused"] == ["/groups", "/groups"]
    assert said["elsewhere"][0] == 404
    assert "G1" not in str(said["elsewhere"][1])


def test_it_stands_in_the_navigation_of_its_roles(said: dict[str, list[object]]) -> None:
    adviser, scientist = said["nav"]
    assert re.search(r'<a href="/groups[^"]*">Groups</a>', str(adviser))
    assert "/groups" not in str(scientist)
