"""The process from which Spark forks its Python workers, with the libraries imported that tasks need.

Spark names this module (`spark.python.daemon.module`) and runs it wherever its tasks run; nothing else imports it.
Spark lets idle workers go after a minute, and each new one would otherwise spend seconds on the same imports.
"""

import pyspark.worker  # noqa: F401 - what every worker imports first
from pyspark.daemon import manager

import headway.lake.spark  # noqa: F401 - what every task is a function of

if __name__ == "__main__":
    manager()
