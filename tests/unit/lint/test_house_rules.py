"""Each house rule is shown a breach that it must report and a neighbour that it must leave alone."""

import pytest

from scripts.lint.clock import current_time
from scripts.lint.knowledge import as_of_cut
from scripts.lint.module import Finding, Module, Rule
from scripts.lint.purity import files, pickles, talk
from scripts.lint.run import ROOT, check, modules
from scripts.lint.shape import BROAD_EXCEPTS, broad_excepts, lengths, silencers

IN_SCORING = "src/headway/scoring/predict.py"


def found(rule: Rule, text: str, path: str = IN_SCORING) -> list[Finding]:
    return list(rule(Module.parse(path, text)))


@pytest.mark.parametrize(
    "text",
    [
        "from datetime import datetime, UTC\nat = datetime.now(UTC)",
        "import datetime as dt\nat = dt.datetime.utcnow()",
        "import datetime\non = datetime.date.today()",
        "from datetime import date\non = date.today()",
        "from time import time\nat = time()",
        "import time\nmaker = time.time_ns",
        "import ibis\nat = ibis.now()",
        "sql = 'SELECT * FROM tasks WHERE due_at < now()'",
        "sql = f'SELECT CURRENT_TIMESTAMP, {column}'",
        "from time import perf_counter\nstart = perf_counter()",
    ],
)
def test_asking_for_the_current_time_is_found(text: str) -> None:
    assert {finding.rule for finding in found(current_time, text)} == {"current-time"}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("src/headway/domain/time.py", "from datetime import datetime, UTC\nat = datetime.now(UTC)"),
        ("src/headway/cli/demo.py", "from time import perf_counter\nstart = perf_counter()"),
        ("src/headway/flow/app.py", "import time\nstart = time.monotonic()"),
        ("benchmarks/bench_import.py", "import time\nstart = time.time()"),
        (IN_SCORING, "def age(clock):\n    return clock.now()"),
        (IN_SCORING, "from datetime import time\nat = time(12)"),
        (IN_SCORING, 'def f():\n    """Never calls now()."""'),
    ],
)
def test_being_told_the_time_is_allowed(path: str, text: str) -> None:
    assert found(current_time, text, path) == []


@pytest.mark.parametrize(
    "text",
    [
        "known = [r for r in rows if r.recorded_at <= as_of]",
        "known = t.filter(t['recorded_at'] < cut)",
        "known = cut >= t.recorded_at.cast('timestamp')",
        "known = t.filter(t.recorded_at.between(a, b))",
        "import pyarrow.compute as pc\nmask = pc.less_equal(batch.column('recorded_at'), cut)",
        "sql = 'SELECT * FROM r WHERE recorded_at <= ?'",
        "sql = f'WHERE {alias}.recorded_at > {cut}'",
        "sql = 'JOIN r ON s.as_of >= r.\"recorded_at\"'",
        "sql = 'WHERE recorded_at BETWEEN ? AND ?'",
    ],
)
def test_an_as_of_cut_outside_its_owners_is_found(text: str) -> None:
    assert {finding.rule for finding in found(as_of_cut, text)} == {"as-of-cut"}
    assert found(as_of_cut, text, "src/headway/lake/read.py") == []
    assert found(as_of_cut, text, "src/headway/features/as_of.py") == []
    assert found(as_of_cut, text, "src/headway/features/known.py") != []


@pytest.mark.parametrize(
    "text",
    [
        "sql = 'SELECT day + INTERVAL 1 DAY AS recorded_at FROM days'",
        "sql = 'SELECT max_by(score, recorded_at) FROM results'",
        "sql = 'WHERE recorded_at IS NULL'",
        "recorded = columns['recorded_at'] == 'delivered'",
        "late = occurred_at > cut",
    ],
)
def test_making_or_carrying_recorded_at_is_allowed(text: str) -> None:
    assert found(as_of_cut, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "def load():\n    from joblib import load",
        "import cloudpickle as cp",
        "import numpy as np\nnp.load(f, allow_pickle=True)",
    ],
)
def test_a_pickle_is_found(text: str) -> None:
    assert [finding.rule for finding in found(pickles, text)] == ["pickle"]
    assert found(pickles, text, "src/headway/registry/artefact.py") == []


def test_numpy_told_to_refuse_pickles_is_allowed() -> None:
    assert found(pickles, "import numpy as np\nnp.load(f, allow_pickle=False)") == []


@pytest.mark.parametrize("place", ["features", "models", "evaluation", "explanation"])
def test_the_pure_middle_opens_no_file(place: str) -> None:
    text = "def read(path):\n    with open(path) as f:\n        return f.read()"
    assert [finding.line for finding in found(files, text, f"src/headway/{place}/x.py")] == [2]
    assert found(files, text, "src/headway/sources/x.py") == []


@pytest.mark.parametrize("text", ["print('scored')", "import sys\nsys.stderr.write('scored')"])
def test_talk_outside_the_command_line_is_found(text: str) -> None:
    assert [finding.rule for finding in found(talk, text)] == ["talk"]
    assert found(talk, text, "src/headway/cli/main.py") == []
    assert found(talk, text, "scripts/reference.py") == []


def test_lengths_stop_at_80_and_700_lines() -> None:
    fits = "def f():\n" + "    x = 1\n" * 79
    assert found(lengths, fits) == []
    assert [finding.rule for finding in found(lengths, fits + "    x = 1\n")] == ["function-length"]
    assert found(lengths, "x = 1\n" * 700) == []
    assert [finding.rule for finding in found(lengths, "x = 1\n" * 701)] == ["module-length"]


def test_a_broad_except_needs_its_reason_and_three_are_the_most() -> None:
    silent = "try:\n    f()\nexcept Exception:\n    raise"
    explained = "try:\n    f()\nexcept (ValueError, Exception):  # process edge: users get one line\n    raise"
    assert {finding.rule for finding in found(broad_excepts, silent)} == {"broad-except", "broad-except-reason"}
    assert {finding.rule for finding in found(broad_excepts, explained)} == {"broad-except"}
    assert found(broad_excepts, "try:\n    f()\nexcept ValueError:\n    raise") == []
    several = [Module.parse(f"src/headway/cli/edge{n}.py", explained) for n in range(BROAD_EXCEPTS + 1)]
    assert check(several[:-1]) == []
    assert len(check(several)) == BROAD_EXCEPTS + 1


@pytest.mark.parametrize(
    "comment",
    ["# type: ignore", "# type: ignore[arg-type]", "# noqa", "# noqa: S301", "# noqa: because it is needed here"],
)
def test_a_silenced_linter_needs_code_and_reason(comment: str) -> None:
    assert {finding.rule for finding in found(silencers, f"x = f()  {comment}")} == {"silencer"}


@pytest.mark.parametrize(
    "comment",
    [
        "# type: ignore[arg-type]  # the stub lacks the overload",
        "# noqa: S301 - behind the hash check above",
        "# noqa: S301, S403  # behind the hash check above",
        "# an ordinary comment",
    ],
)
def test_a_silenced_linter_that_says_why_is_allowed(comment: str) -> None:
    assert found(silencers, f"x = f()  {comment}") == []


def test_a_finding_says_where_and_which_rule() -> None:
    (finding,) = found(talk, "\nprint('scored')")
    assert str(finding).startswith(f"{IN_SCORING}:2: print outside cli/")
    assert str(finding).endswith("[talk]")


def test_the_runner_reads_the_package_itself() -> None:
    paths = {module.path for module in modules(ROOT, ["src/headway/domain"])}
    assert "src/headway/domain/time.py" in paths
    assert found(current_time, (ROOT / "src/headway/domain/time.py").read_text(), "src/headway/lake/now.py") != []
