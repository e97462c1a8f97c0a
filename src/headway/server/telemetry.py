"""OpenTelemetry, where it is asked for: a span and figures for each request, sent where the environment says.

Promises that no span tells an address: paths hold pseudonyms and queries hold what somebody searched for. Routes, times
and statuses are all that leaves. Statements at the door are told by `/metrics` alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from headway import __version__
from headway.domain.extensions import needs

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig

NONE: "Final[TelemetryConfig]" = {"tracing": False, "metrics": False, "logs": False}
_ADDRESSES: Final = ("url.path", "url.query", "client.address", "network.peer.address", "user_agent.original")


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What FastAPI is told, and how it ends.

    Attributes:
        config: for `FastAPI(telemetry=…)`.
        close: sends what is left.
    """

    config: "TelemetryConfig"
    close: Callable[[], None]


def telemetry(wanted: bool) -> Telemetry:
    """Spans and figures by OTLP over HTTP, where wanted; `OTEL_EXPORTER_OTLP_ENDPOINT` says where to.

    Raises:
        ConfigError: the extra `telemetry` is not installed.
    """
    if not wanted:
        return Telemetry(NONE, lambda: None)
    traces, export = needs("telemetry", "opentelemetry.sdk.trace"), needs("telemetry", "opentelemetry.sdk.trace.export")
    metrics = needs("telemetry", "opentelemetry.sdk.metrics")
    readers = needs("telemetry", "opentelemetry.sdk.metrics.export")
    http = "opentelemetry.exporter.otlp.proto.http"
    spans_out = needs("telemetry", f"{http}.trace_exporter").OTLPSpanExporter
    figures_out = needs("telemetry", f"{http}.metric_exporter").OTLPMetricExporter
    about = needs("telemetry", "opentelemetry.sdk.resources").Resource.create(
        {"service.name": "headway", "service.version": __version__}
    )
    tracer = traces.TracerProvider(resource=about)
    tracer.add_span_processor(_discreet(traces))
    tracer.add_span_processor(export.BatchSpanProcessor(spans_out()))
    meter = metrics.MeterProvider([readers.PeriodicExportingMetricReader(figures_out())], resource=about)

    def close() -> None:
        tracer.shutdown()
        meter.shutdown()

    config: TelemetryConfig = {
        "tracer_provider": tracer,
        "meter_provider": meter,
        "logs": False,  # they would carry what a request held
        "operation_spans": False,
    }
    return Telemetry(config, close)


def _discreet(traces: Any) -> Any:
    """A processor that takes addresses out of spans before anything is sent."""

    class Discreet(traces.SpanProcessor):  # type: ignore[misc] # the library is optional
        """Empties what says where a request went and who sent it."""

        def on_start(self, span: Any, **_: Any) -> None:
            """Empties a span's addresses."""
            for name in _ADDRESSES:
                if name in span.attributes:
                    span.set_attribute(name, "")

    return Discreet()
