"""The command line starts without loading what takes seconds to import."""

import subprocess
import sys
from pathlib import Path

from headway.flow import open_app

HEAVY = ("sklearn", "scipy", "lightgbm", "mlflow", "deltalake", "duckdb", "ibis", "pyarrow", "pydantic", "sqlalchemy")


def test_the_command_line_loads_no_heavy_library() -> None:
    code = f"import sys, headway.cli.main; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_a_home_may_be_named_as_text(tmp_path: Path) -> None:
    with open_app(str(tmp_path)) as app:
        assert app.settings.home == tmp_path
