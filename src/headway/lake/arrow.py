"""Arrow in processes of our own."""

import sys
from importlib.abc import MetaPathFinder
from typing import Any


class _NoPandas(MetaPathFinder):
    """Finds no pandas."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> None:
        """Nothing; pandas is not even looked for elsewhere."""
        del path, target
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname, name=fullname)


def without_pandas() -> None:
    """Keeps pyarrow from importing pandas until something asks it for a data frame.

    With the first array that it makes of anything, pyarrow imports pandas where that is installed, to know its frames
    when it meets them: 0.2 s and some 50 MiB for a process that has none. Call this at the start of a process of our
    own, never in somebody's notebook.
    """
    if "pandas" in sys.modules:
        return
    import pyarrow as pa

    absent = _NoPandas()
    sys.meta_path.insert(0, absent)
    try:
        pa.scalar(0)
    finally:
        sys.meta_path.remove(absent)
