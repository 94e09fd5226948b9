"""Tells an operator's collector, by OpenTelemetry, what was done when: names and numbers only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.context import Context

Fact = str | int | float

_SECONDS_TO_SEND = 2.0
_LONGEST_FACT = 200


@dataclass(frozen=True, slots=True)
class Span:
    """Something that was done, and its parts. Times in seconds since the epoch.

    `failed`: the kind of error that ended it; empty if none did.
    """

    name: str
    began: float
    ended: float
    facts: Mapping[str, Fact] = field(default_factory=dict)
    parts: tuple[Span, ...] = ()
    failed: str = ""


class Spans:
    """One collector, such as `http://127.0.0.1:4318`. Needs the extra `otel`.

    Spans go out together from a thread; `close` sends what is left, for two seconds at most.
    """

    def __init__(self, endpoint: str, service: str) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        about = {"service.name": service, "service.version": version("stet-review")}
        exporter = OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=_SECONDS_TO_SEND)
        self._provider = TracerProvider(resource=Resource.create(about), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("stet")

    def tell(self, span: Span, parent: str = "") -> str:
        """Send a span with its parts, below `parent` where that is given.

        Answers what a later span, of any process, takes as its parent: a `traceparent` of W3C.
        """
        from opentelemetry.context import Context
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        above = Context()
        if parent:
            given = {"traceparent": parent}
            above = TraceContextTextMapPropagator().extract(given, context=above)
        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier, context=self._put(span, above))
        return carrier.get("traceparent", "")

    def close(self) -> None:
        self._provider.shutdown()

    def _put(self, span: Span, above: Context) -> Context:
        from opentelemetry.trace import Status, StatusCode, set_span_in_context

        facts = {
            name: fact[:_LONGEST_FACT] if isinstance(fact, str) else fact
            for name, fact in span.facts.items()
        }
        if span.failed:
            facts["error.type"] = span.failed
        began = _nanoseconds(span.began)
        open_one = self._tracer.start_span(
            span.name, context=above, start_time=began, attributes=facts
        )
        if span.failed:
            open_one.set_status(Status(StatusCode.ERROR))
        inside = set_span_in_context(open_one, above)
        for part in span.parts:
            self._put(part, inside)
        open_one.end(_nanoseconds(span.ended))
        return inside


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)
