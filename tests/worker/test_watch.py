"""What an operator's Sentry and collector are told, and what they are not."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from desk import RATES_BAD, Desk
from odd_server import Asked, OddServer, Told, odd_server
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from service import Processes, free_port, wait_until_ready
from starlette.types import Receive, Scope, Send

from bot.observed import ReportedErrors
from sandbox import faults
from worker.error_reports import ErrorReports
from worker.github.errors import RefusedError
from worker.logs import Scrubber
from worker.settings import ProcessSettings, SettingsError, load

CANARY = "canary-in-a-coal-mine-4711"


def well(_: Asked) -> Told:
    return Told()


def spans_of(collector: OddServer) -> list[Span]:
    found = []
    for asked in collector.asked:
        assert (asked.method, asked.path) == ("POST", "/v1/traces")
        request = ExportTraceServiceRequest.FromString(asked.body)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                found += scope.spans
    return found


def facts_of(span: Span) -> dict[str, str | int | float]:
    facts: dict[str, str | int | float] = {}
    for each in span.attributes:
        kind = each.value.WhichOneof("value")
        assert kind in {"string_value", "int_value", "double_value"}
        facts[each.key] = getattr(each.value, kind)
    return facts


def test_a_delivery_and_its_review_are_one_story_of_names_and_numbers(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with odd_server(well) as collector:
        monkeypatch.setenv("STET_OTLP_ENDPOINT", collector.url)
        receiver = Processes(dict(os.environ), tmp_path / "receiver.log")
        url = f"http://127.0.0.1:{free_port()}"
        try:
            receiver.start("bot.cli", "--port", url.rpartition(":")[2])
            wait_until_ready(url)
            desk.github.set_webhook(f"{url}/webhooks/github")
            desk.open({"shop/rates.py": RATES_BAD})
            desk.github.wait_until_delivered(30)
            desk.turn()
        finally:
            receiver.stop()
        spans = spans_of(collector)
        sent = b"".join(asked.body for asked in collector.asked)

    (review,) = [each for each in spans if each.name == "review"]
    (delivery,) = [
        each for each in spans if each.name == "delivery" and each.span_id == review.parent_span_id
    ]
    parts = [each for each in spans if each.parent_span_id == review.span_id]
    facts = facts_of(review)
    assert len({each.trace_id for each in (delivery, review, *parts)}) == 1
    assert facts["stet.delivery"] == facts_of(delivery)["stet.delivery"]
    assert facts_of(delivery)["github.event"] == "pull_request"
    assert (facts["stet.pull_request"], facts["stet.outcome"]) == ("acme/shop#1", "success")
    assert (facts["stet.findings"], facts["stet.comments"]) == (1, 1)
    assert [each.name for each in parts] == ["fetch", "rules", "say"]
    moments = [review.start_time_unix_nano]
    moments += [moment for p in parts for moment in (p.start_time_unix_nano, p.end_time_unix_nano)]
    assert [*moments, review.end_time_unix_nano] == sorted([*moments, review.end_time_unix_nano])
    for kept_back in ("requests.get", "rates.example.org", "ghs_", desk.github.webhook_secret):
        assert kept_back.encode() not in sent


def test_a_review_that_fails_tells_the_kind_of_error_and_nothing_else(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    desk.github.faults.add(faults.answer(422, CANARY), method="GET", path=r"/compare/")
    with odd_server(well) as collector:
        monkeypatch.setenv("STET_OTLP_ENDPOINT", collector.url)
        with pytest.raises(RefusedError):
            desk.review()
        (span,) = spans_of(collector)

    assert span.status.code == Status.STATUS_CODE_ERROR
    assert facts_of(span)["error.type"] == "RefusedError"
    assert (span.events, span.status.message) == ([], "")
    assert CANARY.encode() not in collector.asked[0].body


def test_a_collector_that_is_away_costs_no_review(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STET_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    desk.open({"shop/rates.py": RATES_BAD})

    desk.review()

    assert len(desk.reviews()) == 1
    assert desk.turns.waiting() == []


def dsn_of(server: OddServer) -> str:
    return server.url.replace("://", "://a-public-key@") + "/42"


def events_of(sentry: OddServer) -> list[dict[str, Any]]:
    """Each line of an envelope is JSON; those of events have an id and a level."""
    lines = [json.loads(line) for each in unpacked(sentry) for line in each.splitlines() if line]
    return [line for line in lines if "level" in line]


def unpacked(sentry: OddServer) -> list[bytes]:
    return [
        gzip.decompress(asked.body) if "content-encoding" in asked.headers else asked.body
        for asked in sentry.asked
    ]


def test_sentry_learns_where_and_of_which_kind_an_error_was_and_no_words(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer of GitHub stands in the error's text and in the variables of several frames."""
    desk.open({"shop/rates.py": RATES_BAD})
    desk.github.faults.add(faults.answer(422, CANARY), method="GET", path=r"/compare/")
    with odd_server(well) as sentry:
        monkeypatch.setenv("STET_SENTRY_DSN", dsn_of(sentry))
        with pytest.raises(RefusedError, match=CANARY):
            desk.review()
        (event,) = events_of(sentry)
        sent = b"".join(unpacked(sentry))

    (error,) = [e for e in event["exception"]["values"] if e["type"] == "RefusedError"]
    frames = error["stacktrace"]["frames"]
    assert {"take_turn", "fetch_change"} <= {each["function"] for each in frames}
    assert all(each.keys() <= {*SHOWN} for each in frames)
    assert event["tags"] == {"part": "worker", "pull_request": "acme/shop#1"}
    assert not event.keys() & {"request", "user", "breadcrumbs", "extra", "contexts", "modules"}
    assert CANARY.encode() not in sent
    assert b"raise " not in sent


SHOWN = ("filename", "function", "module", "lineno", "in_app")


def test_an_error_of_the_receiver_is_told_and_goes_on() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        signature = CANARY
        raise LookupError(signature, scope["headers"])

    async def nothing(*_: object) -> Any:
        return {}

    headers = [(b"x-hub-signature-256", CANARY.encode())]
    with odd_server(well) as sentry:
        with closing(ErrorReports(dsn_of(sentry), Scrubber())) as reports:
            app = ReportedErrors(broken, reports)
            with pytest.raises(LookupError):
                asyncio.run(app({"type": "http", "headers": headers}, nothing, nothing))
        (event,) = events_of(sentry)
        sent = b"".join(unpacked(sentry))

    assert event["exception"]["values"][0]["type"] == "LookupError"
    assert CANARY.encode() not in sent


def test_known_secrets_are_taken_out_of_names_too() -> None:
    with odd_server(well) as sentry:
        with closing(ErrorReports(dsn_of(sentry), Scrubber([CANARY]))) as reports:
            reports.tell(LookupError(), {"pull_request": f"acme/{CANARY}#1"})
        (event,) = events_of(sentry)

    assert event["tags"] == {"pull_request": "acme/***#1"}


@pytest.mark.parametrize(
    ("missing", "variable", "value", "extra"),
    [
        ("sentry_sdk", "STET_SENTRY_DSN", "https://key@sentry.example.org/1", "sentry"),
        ("opentelemetry.sdk", "STET_OTLP_ENDPOINT", "http://127.0.0.1:4318", "otel"),
        ("opentelemetry.exporter", "STET_OTLP_ENDPOINT", "http://127.0.0.1:4318", "otel"),
    ],
)
def test_a_missing_library_is_named_with_the_extra_that_brings_it(
    missing: str, variable: str, value: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [each for each in sys.modules if each.startswith(missing)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.setenv(variable, value)

    assert problem_of(variable).startswith(
        f"{variable} cannot be used: its library is missing; "
        f"run: pip install 'stet-review[server,{extra}]'."
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("STET_SENTRY_DSN", "https://sentry.example.org/1"),
        ("STET_SENTRY_DSN", "https://key@sentry.example.org/project"),
        ("STET_SENTRY_DSN", "http://key@sentry.example.org/1"),
        ("STET_OTLP_ENDPOINT", "http://collector.example.org:4318"),
        ("STET_OTLP_ENDPOINT", "collector:4317"),
    ],
)
def test_nothing_is_sent_in_plain_text_or_nowhere(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)

    assert "cannot be used" in problem_of(variable)


def problem_of(variable: str) -> str:
    with pytest.raises(SettingsError) as refused:
        load(ProcessSettings)
    return next(each for each in refused.value.problems if each.startswith(variable))


def test_whoever_wants_neither_does_not_load_them() -> None:
    code = (
        "import sys, worker.jobs, bot.observed; "
        "print({'sentry_sdk', 'opentelemetry.exporter', 'google.protobuf'} & {*sys.modules})"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == "set()"
