"""How many examples the dear properties get: enough to see a break before each commit, many more where a night is free.

`HEADWAY_TEST_DEPTH=deep HYPOTHESIS_PROFILE=dev make test` tries ten times as many, others at each run.
"""

import os
from typing import Final

DEEPER: Final = 10 if os.environ.get("HEADWAY_TEST_DEPTH") == "deep" else 1


def examples(few: int) -> int:
    """So many examples, or ten times as many in a deep run."""
    return few * DEEPER
