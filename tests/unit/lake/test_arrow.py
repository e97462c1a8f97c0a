"""Arrays are made without pandas, and data frames are still made where somebody asks for one."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys
from headway.lake.arrow import without_pandas
without_pandas()
import pyarrow as pa
table = pa.table({"n": [1, 2]})
print("pandas" in sys.modules)
print(table.to_pandas()["n"].sum(), pa.Table.from_pandas(table.to_pandas()).num_rows, "pandas" in sys.modules)
"""


def test_pandas_is_imported_for_data_frames_only() -> None:
    pytest.importorskip("pandas")
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["False", "3 2 True"]
