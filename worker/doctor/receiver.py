"""The receiver, asked as GitHub asks it: over its public address, with a signed ping."""

from __future__ import annotations

import hmac
import json
import uuid
from collections.abc import Iterator

import httpx

from worker.doctor.line import Line, fail, warn, well
from worker.manifest import WEBHOOK_PATH

_SECONDS = 10.0


def receiver_lines(address: str, secret: str) -> Iterator[Line]:
    """`address` without a slash at its end; `secret` is the newest webhook secret."""
    subject = "Receiver"
    body = json.dumps({"zen": "stet doctor", "hook_id": 0}).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "stet-doctor",
        "X-GitHub-Event": "ping",
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, "sha256").hexdigest(),
    }
    try:
        with httpx.Client(timeout=_SECONDS, follow_redirects=False) as client:
            ready = client.get(f"{address}/readyz")
            answer = client.post(f"{address}{WEBHOOK_PATH}", content=body, headers=headers)
    except httpx.HTTPError as error:
        cure = "Start it (`stet serve`), and see name, certificate, proxy and firewall in between."
        yield fail(subject, f"{address} does not answer ({type(error).__name__})", cure)
        return
    yield _judged(subject, address, answer)
    if ready.status_code == 503:
        yield fail(subject, "is not ready", f"{address}/readyz says why.")
    elif ready.status_code != 200:
        cure = "No harm for GitHub; probes of the platform must reach the receiver itself."
        yield warn(subject, f"{address}/readyz answers {ready.status_code}", cure)


def _judged(subject: str, address: str, answer: httpx.Response) -> Line:
    match answer.status_code:
        case 202:
            return well(subject, f"{address} takes what is signed with the secret")
        case 401:
            cure = "Start it again with the STET_WEBHOOK_SECRET that is set here."
            return fail(subject, "refuses the secret that is set here", cure)
        case 301 | 302 | 307 | 308:
            cure = "GitHub follows no redirect: name the address that it leads to."
            return fail(subject, f"{address} redirects", cure)
        case status:
            cure = f"See that the proxy passes {WEBHOOK_PATH} on as it is."
            return fail(subject, f"{address}{WEBHOOK_PATH} answers {status}", cure)
