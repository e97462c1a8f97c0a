"""Every call of LightGBM names one thread; see `headway.models.boosting.THREADS` for what happens where they differ."""

from collections.abc import Callable
from typing import Any

import lightgbm
import pytest

from headway.models.boosting import THREADS
from headway.models.forecast import FORECASTS
from headway.models.mastery.tracer import TRACERS
from headway.models.model import MODELS
from tests.contract import test_forecasts, test_models
from tests.support.answers import mixed


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int | None]]:
    """Each call of LightGBM that computes, and the number of threads that it named."""
    calls: list[tuple[str, int | None]] = []

    def watched(of: Any, name: str, threads: Callable[..., Any]) -> None:
        does = getattr(of, name)

        def call(*given: Any, **options: Any) -> Any:
            calls.append((name, threads(*given, **options)))
            return does(*given, **options)

        monkeypatch.setattr(of, name, call)

    watched(lightgbm.Dataset, "__init__", lambda *_, params=None, **__: (params or {}).get("num_threads"))
    watched(lightgbm, "train", lambda params, *_, **__: params.get("num_threads"))
    watched(lightgbm.Booster, "predict", lambda *_, num_threads=None, **__: num_threads)
    return calls


@pytest.mark.parametrize("name", MODELS.names())
def test_a_model(name: str, named: list[tuple[str, int | None]]) -> None:
    fitted = test_models.fit(MODELS.get(name))
    fitted.risk(test_models.FRESH)
    fitted.contributions(test_models.FRESH)
    assert {threads for _, threads in named} <= {THREADS}
    assert {call for call, _ in named} == {"__init__", "train", "predict"} or name not in ("boosting", "average")


@pytest.mark.parametrize("name", FORECASTS.names())
def test_a_forecast(name: str, named: list[tuple[str, int | None]]) -> None:
    fitted = test_forecasts.fit(FORECASTS.get(name))
    fitted.value(test_forecasts.FRESH)
    fitted.contributions(test_forecasts.FRESH)
    assert {threads for _, threads in named} <= {THREADS}
    assert named or name != "boosting"


def test_boosted_tracing(named: list[tuple[str, int | None]]) -> None:
    TRACERS.get("boosted").fit(mixed(seed=1), seed=4).predict(mixed(seed=2))
    assert {threads for _, threads in named} == {THREADS}
