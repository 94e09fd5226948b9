"""What Prometheus may ask. A registry of its own, so that two apps in a process do not mix."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from worker.asked import Asked
from worker.outcomes import FATES, Record
from worker.tempo import Tempo
from worker.turns import Counts

CONTENT_TYPE = CONTENT_TYPE_LATEST


class _Reviews(Collector):
    """What the workers count in Redis together; nothing while that is away."""

    tempo: Tempo | None = None
    asked: Asked = Asked()

    def collect(self) -> Iterator[Metric]:
        yield from self._of_github()
        if self.tempo is None:
            return
        ended = CounterMetricFamily("stet_reviews", "Reviews by outcome.", labels=["outcome"])
        for outcome, number in self.tempo.outcomes.items():
            ended.add_metric([outcome], number)
        yield ended
        took = HistogramMetricFamily("stet_review_seconds", "How long reviews took.")
        buckets = [(end, float(number)) for end, number in self.tempo.buckets]
        took.add_metric([], buckets, self.tempo.seconds)
        yield took

    def _of_github(self) -> Iterator[Metric]:
        answers = CounterMetricFamily(
            "stet_github_requests", "Requests to GitHub by status.", labels=["status"]
        )
        for status, number in self.asked.answers.items():
            answers.add_metric([status], number)
        yield answers
        remaining = GaugeMetricFamily(
            "stet_github_remaining", "Requests left in this hour.", labels=["installation"]
        )
        for installation, number in self.asked.remaining.items():
            remaining.add_metric([installation], number)
        yield remaining


class Metrics:
    """Counters of this process and, when asked, the state of the queue."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        deliveries = Counter(
            "stet_webhooks",
            "Deliveries by event and result.",
            ["event", "result"],
            registry=self._registry,
        )
        self.delivery = functools.cache(deliveries.labels)
        self._redis_up = self._gauge("stet_redis_up", "1 when the queue takes work.")
        self._queue = {
            "ready": self._gauge("stet_queue_ready", "Pull requests that wait for a worker."),
            "running": self._gauge("stet_leases", "Pull requests a worker holds."),
            "later": self._gauge("stet_queue_later", "Pull requests put back for a while."),
            "installations": self._gauge("stet_tenants_waiting", "Installations that wait."),
            "oldest_seconds": self._gauge("stet_queue_oldest_seconds", "Longest wait now."),
            "failures": self._gauge("stet_dlq", "Pull requests given up."),
            "expired": self._gauge("stet_lease_expired_total", "Turns of workers that died."),
            "fenced": self._gauge("stet_fenced_total", "Steps refused to a stale worker."),
            "redelivered": self._gauge("stet_redelivered_total", "Events asked for again."),
            "reconciled": self._gauge("stet_reconciled_total", "Reviews that nobody told of."),
            "checks_open": self._gauge("stet_checks_open", "Check runs in progress."),
            "checks_oldest_seconds": self._gauge(
                "stet_checks_open_oldest_seconds", "The check run that is open for longest."
            ),
        }
        self._findings = Gauge(
            "stet_findings_ended_total",
            "Findings of closed pull requests by what became of them.",
            ["rule", "outcome"],
            registry=self._registry,
        )
        self._precision = Gauge(
            "stet_rule_precision",
            "Of a rule's findings on which somebody acted, the share that was repaired.",
            ["rule"],
            registry=self._registry,
        )

        self._reviews = _Reviews()
        self._registry.register(self._reviews)

    def _gauge(self, name: str, documentation: str) -> Gauge:
        return Gauge(name, documentation, registry=self._registry)

    def render(
        self,
        counts: Counts | None,
        outcomes: Mapping[str, Record] = MappingProxyType({}),
        tempo: Tempo | None = None,
        asked: Asked | None = None,
        *,
        takes_work: bool,
    ) -> bytes:
        """The text Prometheus reads; `counts` is None when the queue is away.

        `outcomes` by the code of the rule: they say what people do with its findings.
        """
        self._reviews.tempo = tempo
        self._reviews.asked = asked or Asked()
        self._redis_up.set(takes_work)
        for code, record in outcomes.items():
            for fate in FATES:
                self._findings.labels(code, fate).set(getattr(record, fate))
            if record.precision is not None:
                self._precision.labels(code).set(record.precision)
        for field, gauge in self._queue.items():
            gauge.set(float("nan") if counts is None else getattr(counts, field))
        return generate_latest(self._registry)
