"""A task is measured in a process of its own; what goes wrong there is said here; figures have one shape."""

import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from headway.benchmarks import child
from headway.benchmarks.benchmark import Outcome
from headway.benchmarks.growth import exponents
from headway.benchmarks.measure import Measured, in_turn, measured
from headway.benchmarks.online import percentiles
from headway.domain.errors import HeadwayError, UnknownName
from headway.domain.records import kind_of

SOME = Measured(2.0, 3.0, 100.4, {"rows": 5})


def test_a_task_answers_from_another_process() -> None:
    found = measured(statistics.mean, data=[1, 2, 6])
    assert found.answer == 3
    assert min(found.seconds, found.cpu_seconds, found.peak_mib) > 0


def test_an_error_of_headway_comes_through_as_what_it_is() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'statements'"):
        measured(kind_of, name="statement")


def test_a_process_that_dies_is_an_error() -> None:
    with pytest.raises(HeadwayError, match="code 3 before it answered"):
        measured(os._exit, status=3)


def test_libraries_are_told_how_many_threads_they_may_use() -> None:
    assert measured(os.getenv, 3, key="POLARS_MAX_THREADS").answer == "3"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells of other processes")
def test_memory_of_processes_that_a_task_leaves_running_counts() -> None:
    alone = child.used()["peak_mib"]
    hungry = "held = bytearray(80_000_000); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", hungry], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        together = child.used()["peak_mib"]
        other.communicate(b"\n")
    assert together > alone + 70


def test_tasks_take_turns_and_medians_are_told() -> None:
    said: list[str] = []
    times = iter([1.0, 10.0, 5.0, 30.0, 2.0, 20.0])

    def task(name: str) -> Measured:
        said.append(name)
        return Measured(next(times), 0.0, 0.0, len(said))

    found = in_turn({"a": lambda: task("a"), "b": lambda: task("b")}, 3)
    assert said == ["a", "b"] * 3
    assert (found["a"].seconds, found["b"].seconds, found["b"].answer) == (2.0, 20.0, 2)


def test_every_outcome_has_the_same_keys() -> None:
    bare, whole = Outcome(7).told("limit"), Outcome(7, SOME, {"pandas": SOME}, SOME, more={"rows": 5}).told("features")
    assert set(bare) == {"name", "n", "headway", "peers", "limit", "growth", "ratios"}
    assert (bare["headway"], bare["peers"], bare["limit"], bare["growth"]) == (None, {}, None, [])
    assert whole["peers"]["pandas"] == {"seconds": 2.0, "cpu_seconds": 3.0, "peak_mib": 100}
    assert whole["ratios"] == {"pandas": 1.0, "over_limit": 1.0}
    assert (whole["name"], whole["n"], whole["rows"]) == ("features", 7, 5)


def test_the_exponent_is_that_of_the_work_and_the_steepest_step_is_not_hidden_by_fixed_costs() -> None:
    def growth(fixed: float, power: float) -> list[dict[str, float]]:
        return [
            {"n": n, "seconds": fixed + n**power, "cpu_seconds": fixed + n**power, "peak_mib": 100.0}
            for n in (1.0, 3.0, 10.0, 30.0)
        ]

    found = exponents(growth(0, 1.2))
    assert (found["exponent_seconds"], found["exponent_peak_mib"]) == (1.2, 0.0)
    hidden = exponents(growth(50, 2.0))
    assert hidden["exponent_cpu_seconds"] < 1 < hidden["steepest_step_cpu_seconds"]


def test_the_slowest_hundredth_is_seen() -> None:
    found = percentiles([1.0] * 98 + [50.0, 60.0])
    assert (found["p50_ms"], found["slowest_ms"]) == (1.0, 60.0)
    assert found["p99_ms"] >= 50.0
