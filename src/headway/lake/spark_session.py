"""Apache Spark for the lake: where it runs, what it may use, and what its errors mean.

Only this module imports PySpark, and only inside functions: headway works without it. There is one Spark application
per process.
"""

import atexit
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

from headway.domain.errors import ConfigError, OutOfMemory
from headway.domain.extensions import needs
from headway.lake.tables import first_line

if TYPE_CHECKING:
    from pyspark import SparkContext

HEAP: Final = "1g"
"""Java's memory here: it plans, and hands on what tasks send."""

_UNLESS_GIVEN: Final = {
    "spark.app.name": "headway",
    "spark.driver.memory": HEAP,
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.maxResultSize": "0",  # feature tables are returned to this process
    "spark.redaction.regex": "(?i)secret|password|token|access[.]?key|account[.]?key|credential|sas",
    # Workers are forked with our imports done.
    "spark.python.daemon.module": "headway.lake.spark_daemon",
}

_JAVA: Final = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Java's own compiler at its quickest: here it has nothing to do that a thorough one would make faster."""

_QUIET: Final = """\
rootLogger.level = fatal
logger.repl.name = org.apache.spark.api.python.PythonGatewayServer
logger.repl.level = fatal
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex
"""
"""Spark's log, unless the options say `spark.log.level`: whatever stops us is raised as well."""

_starting: Final = Lock()


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where Spark runs, and what it may use.

    Attributes:
        master: a master URL: `local[2]`, `spark://HOST:7077`, `yarn`, `k8s://https://HOST:6443`.
        options: Spark's own configuration, such as `spark.executor.memory`.
        storage: the options of the lake's object store.
    """

    master: str = "local[2]"
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    storage: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def local(self) -> bool:
        """Whether all of it runs on this machine."""
        return self.master.startswith("local")


def context_of(cluster: Cluster) -> "SparkContext":
    """This process's Spark application, which is started where none is running.

    One that is running already (a notebook's, `spark-submit`'s) is used as it is, whatever the master says.

    Raises:
        ConfigError: PySpark or Java is missing, or the master cannot be reached.
    """
    # It wants pandas to be there, and warns of newer versions, but never uses it for us.
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    spark = needs("spark", "pyspark")
    with _starting:
        running: SparkContext | None = spark.SparkContext._active_spark_context
        if running is not None:
            return running
        conf = spark.SparkConf().setMaster(cluster.master).setAll(_to_start_with(cluster).items())
        python = cluster.options.get("spark.pyspark.python", sys.executable if cluster.local else None)
        if python is not None:
            # Outside spark-submit PySpark looks for the workers' Python here and nowhere else.
            os.environ.setdefault("PYSPARK_PYTHON", python)
        failures: tuple[type[Exception], ...] = (*_errors(), OSError)
        try:
            started: SparkContext = spark.SparkContext.getOrCreate(conf)
        except failures as wrong:
            raise ConfigError(
                f"Spark cannot start on {cluster.master}: {first_line(wrong)}. It needs Java 17 or newer (set "
                "JAVA_HOME) and a master that can be reached. See docs/how-to/spark.md."
            ) from wrong
    return started


def _to_start_with(cluster: Cluster) -> dict[str, str]:
    folder = Path(tempfile.mkdtemp(prefix="headway-spark-"))  # mode 700
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "log4j2.properties").write_text(_QUIET, encoding="utf-8")
    own = {}
    if cluster.local:
        # What is put on the disk may hold learners' rows.
        own["spark.local.dir"] = str(folder)
        own |= {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
    given = cluster.options.get("spark.driver.extraJavaOptions", _JAVA if cluster.local else "")
    quiet = f"-Dlog4j2.configurationFile={(folder / 'log4j2.properties').as_uri()}"
    told = own | _UNLESS_GIVEN | dict(cluster.options)
    return told | {"spark.driver.extraJavaOptions": f"{quiet} {given}".strip()}


def _errors() -> tuple[type[Exception], ...]:
    """What PySpark raises."""
    return needs("spark", "pyspark.errors").PySparkException, needs("spark", "py4j.protocol").Py4JError


_LOST: Final = ("OutOfMemoryError", "Java heap space", "ExecutorLostFailure", "Python worker exited unexpectedly")
"""How it looks where a task was given more than there was memory for, and somebody ended it."""


@contextmanager
def spark_errors() -> Iterator[None]:
    """Turns Spark's errors about memory into `OutOfMemory` with a fix; others stay as they are."""
    try:
        yield
    except _errors() as wrong:
        text = str(wrong)
        if any(sign in text for sign in _LOST):
            raise OutOfMemory(
                "Tasks of Spark were ended, most likely for want of memory. Raise spark.executor.memoryOverhead, or "
                "give executors fewer cores; see docs/how-to/spark.md."
            ) from wrong
        raise
