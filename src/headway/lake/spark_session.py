"""Sessions of Apache Spark for the lake: where it runs, what it may use, and what its errors mean.

Only this module imports PySpark, and only inside functions: headway works without it. There is one Spark application
per process; every reader gets a session of its own in it, with its own names and settings.
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

from headway.domain.errors import ConfigError, LakeError
from headway.domain.extensions import needs
from headway.lake.tables import first_line

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LEAST_HEAP_MIB: Final = 1024
"""With less, Spark itself does not work well."""

ARROW_ROWS: Final = 65_536
"""Rows of a batch on the way to and from Python."""

_ALWAYS: Final = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    # A number divided by zero is null, and so is a word read as a number.
    "spark.sql.ansi.enabled": "false",
    # Dollar signs in words are just that.
    "spark.sql.variable.substitute": "false",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    "spark.sql.analyzer.failAmbiguousSelfJoin": "false",
}
"""What values depend on; options of the user's do not change it."""

_UNLESS_GIVEN: Final = {
    "spark.app.name": "headway",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.maxResultSize": "0",  # feature tables are returned to this process
    "spark.redaction.regex": "(?i)secret|password|token|access[.]?key|account[.]?key|credential|sas",
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(ARROW_ROWS),
    # Workers are forked with our imports done.
    "spark.python.daemon.module": "headway.lake.spark_daemon",
    # What does not fit in memory goes to the disk by way of this; Spark's tuning guide prefers Kryo to Java's own.
    "spark.serializer": "org.apache.spark.serializer.KryoSerializer",
}

_JAVA_FOR_FEW: Final = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Java's own compiler at its quickest: over few records the thorough one takes longer than all that it makes faster."""

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
        memory_mib: the heap of this process's Spark where the options do not say.
        storage: the options of the lake's object store.
    """

    master: str = "local[2]"
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    memory_mib: int = LEAST_HEAP_MIB
    storage: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def local(self) -> bool:
        """Whether all of it runs on this machine."""
        return self.master.startswith("local")


def session(cluster: Cluster, storage: Mapping[str, str], *, few: bool = False) -> "SparkSession":
    """A session of its own in this process's Spark application, which is started where none is running.

    An application that is running already (a notebook's, `spark-submit`'s) is used as it is, whatever the master says.

    Args:
        cluster: where to run.
        storage: Hadoop's options for the lake's store.
        few: whether few records are read; decides how Java is started for a local master.

    Raises:
        ConfigError: PySpark or Java is missing, or the master cannot be reached.
    """
    _unwarned()
    with _starting:
        made = _application(cluster, few).newSession()
    for name, value in {**_UNLESS_GIVEN, **cluster.options, **_ALWAYS}.items():
        if made.conf.isModifiable(name):
            made.conf.set(name, value)
    for name, value in storage.items():
        made.conf.set(name, value)
    return made


def _application(cluster: Cluster, few: bool) -> "SparkSession":
    sql = needs("spark", "pyspark.sql")
    needs("spark", "pandas")
    running: SparkSession | None = sql.SparkSession.getActiveSession()
    if running is not None:
        return running
    builder = sql.SparkSession.builder.master(cluster.master)
    for name, value in _to_start_with(cluster, few).items():
        builder = builder.config(name, value)
    python = cluster.options.get("spark.pyspark.python", sys.executable if cluster.local else None)
    if python is not None:
        # Outside spark-submit PySpark looks for the workers' Python here and nowhere else.
        os.environ.setdefault("PYSPARK_PYTHON", python)
    failures: tuple[type[Exception], ...] = (*_errors(), OSError)
    try:
        started: SparkSession = builder.getOrCreate()
    except failures as wrong:
        raise ConfigError(
            f"Spark cannot start on {cluster.master}: {first_line(wrong)}. It needs Java 17 or newer (set JAVA_HOME) "
            "and a master that can be reached. See docs/how-to/spark.md."
        ) from wrong
    return started


def _to_start_with(cluster: Cluster, few: bool) -> dict[str, str]:
    folder = Path(tempfile.mkdtemp(prefix="headway-spark-"))  # mode 700
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "log4j2.properties").write_text(_QUIET, encoding="utf-8")
    given = cluster.options.get("spark.driver.extraJavaOptions", _JAVA_FOR_FEW if few and cluster.local else "")
    quiet = f"-Dlog4j2.configurationFile={(folder / 'log4j2.properties').as_uri()}"
    own = {
        "spark.driver.memory": f"{max(LEAST_HEAP_MIB, cluster.memory_mib)}m",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
    }
    if cluster.local:
        # What Spark puts on the disk may hold learners' rows.
        own["spark.local.dir"] = str(folder)
        # A folder here is listed in a millisecond; Spark would rather start tasks for it.
        own["spark.sql.sources.parallelPartitionDiscovery.threshold"] = "100000"
        own |= {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
    told = own | _UNLESS_GIVEN | dict(cluster.options) | _ALWAYS
    return told | {"spark.driver.extraJavaOptions": f"{quiet} {given}".strip()}


def _unwarned() -> None:
    """Keeps PySpark from warning of newer versions of pandas, which it wants to be there and never uses for us."""
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)


def _errors() -> tuple[type[Exception], ...]:
    """What PySpark raises."""
    return needs("spark", "pyspark.errors").PySparkException, needs("spark", "py4j.protocol").Py4JError


@contextmanager
def spark_errors() -> Iterator[None]:
    """Turns Spark's errors about files, memory and stores into errors with a fix; others stay as they are."""
    _unwarned()
    try:
        yield
    except _errors() as wrong:
        text = str(wrong)
        if "No FileSystem for scheme" in text or "ClassNotFoundException: Class org.apache.hadoop.fs" in text:
            raise ConfigError(
                f"Spark cannot read this store: {first_line(wrong)}. Name the store's package in engine.spark, "
                "`spark.jars.packages`. See docs/how-to/spark.md."
            ) from wrong
        if "OutOfMemoryError" in text or "Java heap space" in text or "ExecutorLostFailure" in text:
            raise LakeError(
                "Spark ran out of memory. Raise spark.executor.memory (on `local`: engine.memory_limit_mib), or "
                "spark.sql.shuffle.partitions, so that each task holds less."
            ) from wrong
        if "FileNotFoundException" in text or "FILE_NOT_EXIST" in text or "PATH_NOT_FOUND" in text:
            raise LakeError(
                f"A file of the lake cannot be read: {first_line(wrong)}. "
                "If something was erased or compacted meanwhile, try again; otherwise run `headway lake verify`."
            ) from wrong
        raise
