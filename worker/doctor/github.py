"""GitHub's side: the clock, the App with its key, what it may do, its webhook, its installations."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx
import msgspec
from githubkit import GitHub

from worker.doctor.line import Line, fail, warn, well
from worker.github.client import App, ask, open_github
from worker.github.errors import (
    ForbiddenError,
    GitHubError,
    GoneError,
    RateLimitedError,
    UnauthorizedError,
    UnavailableError,
)
from worker.github.proof import AppProof
from worker.manifest import EVENTS, WEBHOOK_PATH, permissions

MOST_SKEW = 30.0
RECENT = timedelta(hours=24)
T = TypeVar("T")
_CURES: Mapping[int, str] = {
    401: "The secret on the App's page and STET_WEBHOOK_SECRET differ: set both to the same.",
    404: f"The address on the App's page must end with {WEBHOOK_PATH}.",
    413: "A proxy refuses large bodies: let 25 MB pass.",
    415: "Set the webhook's content type to application/json on the App's page.",
    502: "The proxy in front does not reach the receiver: is it up, on that port?",
    503: "The receiver could not reach Redis; the lines above tell if it still cannot.",
    504: "The proxy in front got no answer: is the receiver up?",
}


class _Own(msgspec.Struct):
    id: int
    slug: str = ""
    html_url: str = ""
    permissions: dict[str, str] = {}
    events: list[str] = []


class _Hook(msgspec.Struct):
    url: str = ""
    content_type: str = ""
    insecure_ssl: str | int = "0"
    secret: str = ""


class _Delivery(msgspec.Struct):
    delivered_at: datetime
    status: str = ""
    status_code: int = 0
    event: str = ""


class _Account(msgspec.Struct):
    login: str = ""


class _Installation(msgspec.Struct):
    id: int
    account: _Account | None = None
    permissions: dict[str, str] = {}
    suspended_at: str | None = None


def github_lines(app: App, public_url: str | None) -> Iterator[Line]:
    """Everything that GitHub can tell with the App's key."""
    yield from _clock(app.api_url)
    with open_github(app, AppProof(app.id, app.private_key)) as github:
        try:
            own = _read(github, "app", _Own)
        except GitHubError as error:
            yield _no_app(app, error)
            return
        yield well("App", f"{own.slug} ({own.id}); the key is its own")
        yield from _permissions(own, may_commit=app.may_commit)
        yield from _asked(lambda: _events(own), "Events")
        yield from _asked(lambda: _hook(github, own, public_url), "Webhook")
        yield from _asked(lambda: _deliveries(github), "Deliveries")
        yield from _asked(lambda: _installations(github, own), "Installations")


def _asked(look: Any, subject: str) -> Iterator[Line]:
    """A question that GitHub refuses is a line too, and the others are asked all the same."""
    try:
        yield from look()
    except RateLimitedError as limit:
        yield warn(subject, f"not looked at: {limit}", "Ask again then.")
    except GitHubError as error:
        yield warn(subject, f"not looked at: {error}", "Ask again; GitHub may have a bad moment.")


def _read(github: GitHub[Any], path: str, kind: type[T], **params: int) -> T:
    answer = ask(github, "GET", path, params=params or None)
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except msgspec.MsgspecError:
        raise UnavailableError(f"GET {path}: an answer of an unknown form") from None


def _clock(api_url: str) -> Iterator[Line]:
    subject = "Clock"
    try:
        answer = httpx.get(
            f"{api_url}/rate_limit", timeout=10, headers={"User-Agent": "stet-review"}
        )
        theirs = parsedate_to_datetime(answer.headers["date"])
    except httpx.HTTPError as error:
        cure = "See that this machine may reach it, and that STET_GITHUB_API_URL names it."
        yield fail("GitHub", f"{api_url} does not answer ({type(error).__name__})", cure)
        return
    except (KeyError, ValueError):
        yield warn(
            subject, "GitHub did not tell the time", "See that no proxy changes its answers."
        )
        return
    skew = time.time() - theirs.timestamp()
    if abs(skew) > MOST_SKEW:
        cure = "Set it by NTP: GitHub refuses what is signed in the future or long ago."
        yield fail(subject, f"{skew:+.0f} s from GitHub's", cure)
    else:
        yield well(subject, f"within {max(abs(skew), 1):.0f} s of GitHub's")


def _no_app(app: App, error: GitHubError) -> Line:
    match error:
        case UnauthorizedError():
            cure = (
                "Make a new private key on the App's page, or set STET_APP_ID to the number there: "
                "the two do not belong together."
            )
        case GoneError() | ForbiddenError():
            cure = (
                "STET_GITHUB_API_URL is not the API, or the App is deleted: `stet setup` makes one."
            )
        case RateLimitedError():
            cure = "Wait, then ask again."
        case _:
            cure = "See that this machine may reach GitHub, and ask again."
    return fail("App", f"number {app.id}: {error}", cure)


def _rank(level: str) -> int:
    return ("", "read", "write", "admin").index(level) if level in {"read", "write", "admin"} else 0


def _permissions(own: _Own, *, may_commit: bool) -> Iterator[Line]:
    wanted = permissions(may_commit=may_commit)
    page = f"{own.html_url}: App settings, Permissions & events"
    short = [f"{n}: {w}" for n, w in wanted.items() if _rank(own.permissions.get(n, "")) < _rank(w)]
    more = [f"{n}: {h}" for n, h in own.permissions.items() if _rank(h) > _rank(wanted.get(n, ""))]
    if short:
        yield fail("Permissions", f"missing {', '.join(short)}", f"Grant them at {page}.")
    if more:
        cure = f"Take them away at {page}"
        hint = ", or set STET_AUTOFIX=true" if "contents: write" in more else ""
        yield warn("Permissions", f"more than Stet uses: {', '.join(more)}", f"{cure}{hint}.")
    if not short and not more:
        yield well("Permissions", ", ".join(f"{n}: {level}" for n, level in sorted(wanted.items())))


def _events(own: _Own) -> Iterator[Line]:
    missing = [each for each in EVENTS if each not in own.events]
    if missing:
        cure = f"Subscribe to them at {own.html_url}: App settings, Permissions & events."
        yield fail("Events", f"missing {', '.join(missing)}", cure)
    else:
        yield well("Events", f"all {len(EVENTS)}")


def _hook(github: GitHub[Any], own: _Own, public_url: str | None) -> Iterator[Line]:
    hook = _read(github, "app/hook/config", _Hook)
    page = f"{own.html_url}: App settings, General, Webhook"
    problems = []
    expected = f"{public_url}{WEBHOOK_PATH}" if public_url else None
    if not hook.url:
        problems.append(fail("Webhook", "has no address", f"Set one at {page}."))
    elif expected and hook.url != expected:
        cure = f"Set it to {expected} at {page}, or correct STET_PUBLIC_URL."
        problems.append(fail("Webhook", f"goes to {hook.url}", cure))
    elif not hook.url.endswith(WEBHOOK_PATH):
        problems.append(fail("Webhook", f"goes to {hook.url}", f"It must end with {WEBHOOK_PATH}."))
    if hook.content_type not in {"", "json"}:
        cure = f"Choose application/json at {page}."
        problems.append(fail("Webhook", f"sends {hook.content_type}", cure))
    if not hook.secret:
        cure = f"Set the secret of STET_WEBHOOK_SECRET at {page}."
        problems.append(fail("Webhook", "has no secret: every delivery is refused", cure))
    if str(hook.insecure_ssl) not in {"0", "None"}:
        cure = f"Enable SSL verification at {page}."
        problems.append(warn("Webhook", "does not verify the certificate", cure))
    yield from problems or [well("Webhook", f"{hook.url}, JSON, with a secret")]


def _deliveries(github: GitHub[Any]) -> Iterator[Line]:
    since = datetime.now(UTC) - RECENT
    told = _read(github, "app/hook/deliveries", list[_Delivery], per_page=100)
    recent = [each for each in told if each.delivered_at >= since]
    bad = [each for each in recent if not 200 <= each.status_code < 400]
    if not recent:
        cure = "Nothing may have happened; open a pull request and ask again."
        yield well("Deliveries", f"none in a day. {cure}")
    elif recent[0] in bad:
        newest = recent[0]
        text = f"the last one failed: {newest.event}, {newest.status or newest.status_code}"
        cure = _CURES.get(
            newest.status_code,
            "GitHub must reach STET_PUBLIC_URL from the internet within 10 s: see proxy and firewall.",
        )
        yield fail("Deliveries", f"{text}; {len(bad)} of {len(recent)} in a day", cure)
    elif bad:
        cure = "Workers ask GitHub for these again by themselves."
        yield warn("Deliveries", f"{len(bad)} of {len(recent)} failed in a day", cure)
    else:
        yield well("Deliveries", f"the last {len(recent)} in a day arrived")


def _installations(github: GitHub[Any], own: _Own) -> Iterator[Line]:
    told = _read(github, "app/installations", list[_Installation], per_page=100)
    if not told:
        cure = f"Install it on the repositories to review: {own.html_url}."
        yield fail("Installations", "the App is installed nowhere", cure)
        return
    for each in told:
        who = each.account.login if each.account else str(each.id)
        less = [
            n for n, w in own.permissions.items() if _rank(each.permissions.get(n, "")) < _rank(w)
        ]
        if each.suspended_at:
            cure = "Its owner can unsuspend it in the settings of the account."
            yield warn("Installations", f"{who}: suspended", cure)
        elif less:
            cure = "Its owner must accept the new permissions; GitHub has sent a mail."
            yield warn("Installations", f"{who}: not accepted: {', '.join(less)}", cure)
    yield well("Installations", f"{len(told)}{' or more' if len(told) == 100 else ''}")
