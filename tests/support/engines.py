"""The engines that answer for a lake, as tests use them: one Spark application for the whole process."""

import shutil
from importlib.util import find_spec
from pathlib import Path

from headway.domain.records import KINDS
from headway.lake.lake import Lake
from headway.lake.spark_session import Cluster
from tests.presence import absent
from tests.support.histories import World


def needs_spark() -> None:
    """Ends the test where PySpark or Java is not there."""
    if find_spec("pyspark") is None:
        absent("no PySpark: pip install 'headway[spark]'")
    if shutil.which("java") is None:
        absent("no Java: install a Java 17 runtime, as in `apt-get install openjdk-17-jre-headless`")


def lake_on(engine: str, root: str | Path) -> Lake:
    """The lake under a root, read by an engine."""
    if engine == "spark":
        needs_spark()
    return Lake(root, memory_limit_mib=256, threads=1, spark=Cluster("local[2]") if engine == "spark" else None)


def land(world: World, lake: Lake) -> None:
    """Brings all records of a world into a lake."""
    for kind, table in world.tables.items():
        if table.num_rows:
            lake.append(kind, table.cast(KINDS[kind].schema).to_reader())
