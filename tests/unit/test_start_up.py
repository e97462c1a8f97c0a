"""The command line starts without loading what takes seconds to import."""

import subprocess
import sys

HEAVY = ("sklearn", "scipy", "lightgbm", "mlflow", "deltalake", "duckdb", "ibis", "pyarrow", "pydantic", "sqlalchemy")


def test_the_command_line_loads_no_heavy_library() -> None:
    code = f"import sys, headway.cli.main; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
