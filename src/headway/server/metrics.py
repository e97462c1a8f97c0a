"""The server's figures for Prometheus: how quick, how many, how far behind. No label names a person or a key."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from headway.intake.inbox import Inbox

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The figures of one server process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        names = ("method", "route", "status")
        self.seconds = Histogram(
            "headway_request_seconds",
            "Time from a request to its answer.",
            names,
            registry=self.registry,
            buckets=BUCKETS,
        )
        self.records = Counter(
            "headway_intake_records_total", "Records acknowledged.", ("source",), registry=self.registry
        )
        self.refused = Counter(
            "headway_intake_refused_total",
            "Requests with records that were refused.",
            ("code",),
            registry=self.registry,
        )
        self.open = Gauge("headway_requests_open", "Requests worked on.", registry=self.registry)
        self._queue = Gauge("headway_inbox_queue", "Records that wait for the disk.", registry=self.registry)
        self._waiting = Gauge(
            "headway_inbox_waiting", "Acknowledged records not yet in the lake.", registry=self.registry
        )
        self._lag = Gauge(
            "headway_inbox_lag_seconds", "Age of the oldest record not yet in the lake.", registry=self.registry
        )
        self._unindexed = Gauge(
            "headway_inbox_unindexed", "Records that questions do not find yet.", registry=self.registry
        )

    def text(self, inbox: Inbox, now_us: int) -> bytes:
        """The figures as Prometheus reads them."""
        backlog = inbox.backlog()
        self._queue.set(inbox.writer.rows)
        self._waiting.set(backlog.waiting)
        self._lag.set(0.0 if backlog.oldest_us is None else max(0, now_us - backlog.oldest_us) / 1_000_000)
        self._unindexed.set(backlog.last - backlog.indexed)
        return generate_latest(self.registry)
