"""What every page has in common: the template frame, its headers, who acts, and what is refused."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sandbox.entities import User
from sandbox.git import GitError
from sandbox.pages import links
from sandbox.pages.markdown import rendered
from sandbox.pages.plain import spelled, visible
from sandbox.refusal import Refused
from sandbox.state import State

FOLDER = Path(__file__).parent.parent
COOKIE = "stand-in-acts-as"
MOST_FORM_BYTES = 1_000_000
HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    # Not "no-referrer": browsers would hide the origin of our own forms, too.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass(frozen=True)
class Visit:
    """One request for a page, and who the visitor chose to be."""

    state: State
    request: Request
    form: Mapping[str, str]

    def actor(self, default: User | None = None) -> User | None:
        """The person chosen in the page's head; at first `default` or the eldest account."""
        chosen = self.state.user(unquote(self.request.cookies.get(COOKIE, "")))
        if chosen and chosen.type == "User":
            return chosen
        people = people_of(self.state)
        return default or (people[0] if people else None)

    def number(self, name: str) -> int:
        text: str = self.request.path_params[name]
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise Refused(404, "Not Found")
        return int(text)

    def page(self, template: str, status: int = 200, /, **fields: Any) -> Response:
        """A template with the frame's fields; called without the state's lock."""
        address = self.request.url.path
        if self.request.url.query:
            address += f"?{self.request.url.query}"
        shared = {
            "people": people_of(self.state),
            "actor": self.actor(),
            "back": address,
            "problems": sum(1 for one in self.state.deliveries.log if one.violations),
        }
        html = _environment().get_template(template).render(shared | fields)
        return HTMLResponse(html.encode("utf-8", "replace"), status, HEADERS)

    def go_back(self, anchor: str = "") -> Response:
        """To the page that the form stood on."""
        address = self.form.get("back", "/")
        target = address.partition("#")[0] if links.is_local(address) else "/"
        return RedirectResponse(target + (f"#{anchor}" if anchor else ""), 303, HEADERS)


Read = Callable[[Visit], Response]


def people_of(state: State) -> list[User]:
    with state.lock:
        return [one for one in state.users.values() if one.type == "User"]


def reading(state: State, handler: Read) -> Callable[[Request], Response]:
    """A page: a plain function, which Starlette runs in a thread."""

    def respond(request: Request) -> Response:
        return _answer(Visit(state, request, {}), handler)

    return respond


def writing(state: State, handler: Read) -> Callable[[Request], Any]:
    """What a form asks for; only forms of our own pages may ask."""

    async def respond(request: Request) -> Response:
        size = request.headers.get("content-length", "")
        if not size.isdigit() or int(size) > MOST_FORM_BYTES:
            return Response("Too long", 413, HEADERS)
        pairs = parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
        visit = Visit(state, request, dict(pairs))
        return await run_in_threadpool(_answer_form, visit, handler)

    return respond


def _answer_form(visit: Visit, handler: Read) -> Response:
    """Browsers send the origin with every form; another page's form must do nothing."""
    headers = visit.request.headers
    origin = urlsplit(headers.get("origin", ""))
    if not origin.netloc or origin.netloc != headers.get("host"):
        return _refusal(visit, Refused(403, "This form was not sent from one of these pages."))
    return _answer(visit, handler)


def _answer(visit: Visit, handler: Read) -> Response:
    if not _is_own_host(visit):
        return Response("Unknown host", 421, HEADERS)
    try:
        return handler(visit)
    except Refused as refused:
        return _refusal(visit, refused)
    except GitError as error:
        return _refusal(visit, Refused(422, f"git refused: {error}"))


def _is_own_host(visit: Visit) -> bool:
    """A foreign name that was made to point here (DNS rebinding) must not read the pages."""
    host = visit.request.url.hostname or ""
    if host in ("localhost", urlsplit(visit.state.url).hostname):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _refusal(visit: Visit, refused: Refused) -> Response:
    details = [one if isinstance(one, str) else one.get("message", "") for one in refused.errors]
    return visit.page("refused.html", refused.status, refused=refused, details=details)


def act_as(visit: Visit) -> Response:
    """Choose whose hands the buttons are."""
    chosen = visit.state.user(visit.form.get("login", ""))
    if chosen is None or chosen.type != "User":
        raise Refused(422, "There is no such person.")
    response = visit.go_back()
    response.set_cookie(COOKIE, quote(chosen.login), httponly=True, samesite="strict")
    return response


# The environment


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        # Whatever else a template prints: titles, labels, options.
        finalize=lambda value: spelled(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "visible": visible,
        "body_pieces": lambda text: rendered(text).pieces,
        "comment_html": lambda text: rendered(text or "").plain_html(),
        "check_html": lambda text: rendered(text or "", breaks=False).plain_html(),
        "moment": moment,
        "counted": counted,
    }
    environment.globals |= {"links": links, "shade": shade}
    return environment


def counted(number: int, word: str) -> str:
    if number != 1:
        word = word.removesuffix("y") + "ies" if word.endswith("y") else word + "s"
    return f"{number} {word}"


def moment(stamp: str | None) -> Markup:
    """A time that people read and machines, too."""
    if not stamp:
        return Markup("")
    try:
        at = datetime.fromisoformat(stamp).astimezone(UTC)
    except ValueError:
        return visible(stamp)
    words = f"{at:%d %b %Y, %H:%M} UTC".lstrip("0")
    return Markup('<time datetime="{}">{}</time>').format(stamp, words)


def shade(login: str) -> int:
    """One of eight colours for an account's sign."""
    return sum(login.encode("utf-8", "replace")) % 8
