"""Deliveries and exchanges: what was said between the stand-in and its clients."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from sandbox.exchange import Exchange
from sandbox.pages.frame import Visit
from sandbox.refusal import not_found

Exchanges = Callable[[], list[Exchange]]
MOST_ROWS = 200
MOST_BODY = 64 * 1024
_SECRET = re.compile(r"token|pem|.*secret")


def deliveries(visit: Visit) -> Response:
    log = visit.state.deliveries.log[::-1]
    wrong = [one for one in log if one.violations]
    return visit.page(
        "deliveries.html", deliveries=log[:MOST_ROWS], rest=len(log[MOST_ROWS:]), wrong=wrong
    )


def delivery(visit: Visit) -> Response:
    one = visit.state.deliveries.find(visit.number("delivery"))
    if one is None:
        raise not_found()
    return visit.page(
        "delivery.html",
        delivery=one,
        headers=list(one.request_headers.items()),
        payload=pretty(json.dumps(one.payload).encode()),
        answer=pretty((one.response_body or "").encode("utf-8", "replace")),
    )


def exchange_list(exchanges: Exchanges) -> Callable[[Visit], Response]:
    def show(visit: Visit) -> Response:
        numbered = list(enumerate(exchanges()))[::-1]
        wrong = [pair for pair in numbered if pair[1].violations]
        good = [pair for pair in numbered if not pair[1].violations]
        return visit.page(
            "exchanges.html", wrong=wrong, good=good[:MOST_ROWS], rest=len(good[MOST_ROWS:])
        )

    return show


def exchange(exchanges: Exchanges) -> Callable[[Visit], Response]:
    def show(visit: Visit) -> Response:
        every, number = exchanges(), visit.number("exchange")
        if number >= len(every):
            raise not_found()
        one = every[number]
        return visit.page(
            "exchange.html",
            number=number,
            exchange=one,
            asked=pretty(one.request_body),
            answered=pretty(one.response_body),
        )

    return show


def pretty(body: bytes) -> str:
    """JSON laid out and without secrets; anything else as text."""
    try:
        text = json.dumps(_without_secrets(json.loads(body)), indent=2, ensure_ascii=False)
    except ValueError:
        text = body.decode("utf-8", "replace")
    if len(text) > MOST_BODY:
        return text[:MOST_BODY] + f"\n… {len(text) - MOST_BODY} more characters"
    return text


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: "(not shown)"
            if isinstance(inner, str) and _SECRET.fullmatch(str(name))
            else _without_secrets(inner)
            for name, inner in value.items()
        }
    return [_without_secrets(one) for one in value] if isinstance(value, list) else value
