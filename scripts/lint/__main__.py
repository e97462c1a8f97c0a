"""`python -m scripts.lint`."""

import sys

from scripts.lint.run import main

sys.exit(main())
