"""An App from a manifest: the page that another site's form opens, and the button on it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox.apps import make_app
from sandbox.entities import Json
from sandbox.pages.frame import HEADERS, MOST_FORM_BYTES, Visit
from sandbox.refusal import Refused
from sandbox.state import State

_KINDS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "url": str,
    "hook_attributes": dict,
    "redirect_url": str,
    "callback_urls": list,
    "setup_url": str,
    "description": str,
    "public": bool,
    "default_events": list,
    "default_permissions": dict,
    "request_oauth_on_install": bool,
    "setup_on_update": bool,
}


def opening(state: State) -> Callable[[Request], Any]:
    """The form comes from another site, so nothing is made yet: a person has to confirm."""

    async def respond(request: Request) -> Response:
        size = request.headers.get("content-length", "")
        if not size.isdigit() or int(size) > MOST_FORM_BYTES:
            return Response("Too long", 413, HEADERS)
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        return await run_in_threadpool(_offer, Visit(state, request, form))

    return respond


def _offer(visit: Visit) -> Response:
    try:
        given = _checked(visit.form.get("manifest", ""))
    except Refused as refused:
        return visit.page("refused.html", refused.status, refused=refused, details=[])
    page = visit.page(
        "manifest.html",
        given=given,
        manifest=json.dumps(given),
        state=visit.request.query_params.get("state", ""),
    )
    # The answer to our form leads to the site that asked, which browsers count as a form's target.
    back = urlsplit(given["redirect_url"])
    own = f"form-action 'self' {back.scheme}://{back.netloc}"
    policy = HEADERS["content-security-policy"].replace("form-action 'self'", own)
    page.headers["content-security-policy"] = policy
    return page


def _checked(text: str) -> Json:
    """The manifest, held to GitHub's description of it."""
    try:
        given = json.loads(text)
    except ValueError:
        raise Refused(422, "The manifest is not JSON") from None
    if not isinstance(given, dict) or not isinstance(given.get("url"), str):
        raise Refused(422, 'Invalid GitHub App configuration: "url" wasn\'t supplied.')
    for name, value in given.items():
        if not isinstance(value, _KINDS.get(name, ())):
            raise Refused(422, f"Invalid GitHub App configuration: {name}")
    if not urlsplit(given.get("redirect_url", "")).netloc:
        raise Refused(422, "Invalid GitHub App configuration: redirect_url")
    if "hook_attributes" in given and not given["hook_attributes"].get("url"):
        raise Refused(422, "Invalid GitHub App configuration: hook_attributes needs a url")
    return given


def create(visit: Visit) -> Response:
    """Make the App, and lead back with a code that buys its secrets once."""
    given = _checked(visit.form.get("manifest", ""))
    name = visit.form.get("name", "").strip() or "Unnamed"
    state = visit.state
    with state.lock:
        if any(one.name.lower() == name.lower() for one in state.apps.values()):
            raise Refused(422, "Name is already taken")
        app = make_app(
            state,
            name,
            webhook_url=given.get("hook_attributes", {}).get("url"),
            webhook_secret=secrets.token_hex(20),
            permissions=given.get("default_permissions", {}),
            events=given.get("default_events", ()),
        )
        code = secrets.token_hex(20)
        state.manifest_codes[code] = app
    query = {"code": code} | ({"state": s} if (s := visit.form.get("state", "")) else {})
    return RedirectResponse(f"{given['redirect_url']}?{urlencode(query)}", 303, HEADERS)
