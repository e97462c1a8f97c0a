"""The process from which Spark forks its Python workers, with the libraries imported that running totals need.

Spark names this module (`spark.python.daemon.module`) and runs it wherever its tasks run; nothing else imports it.
Spark lets idle workers go after a minute, and each new one would otherwise spend seconds on the same imports.
"""

import ibis  # noqa: F401 - the function that nearly all workers are sent imports it
import pandas  # noqa: F401 - PyArrow imports it for the first array that it makes, wherever it is installed
import pyspark.worker  # noqa: F401 - what every worker imports first
from pyspark.daemon import manager

if __name__ == "__main__":
    manager()
