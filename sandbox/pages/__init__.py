"""The stand-in's pages, laid out as GitHub lays out its own, so that people know their way."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from sandbox.exchange import Exchange
from sandbox.pages import acts, frame, manifest, records, views
from sandbox.pages.frame import FOLDER, Read, Visit
from sandbox.refusal import not_found
from sandbox.state import State

PULL = "/{owner}/{repo}/pull/{number}"
RUN = "/{owner}/{repo}/runs/{run}"


def routes(state: State, exchanges: Callable[[], list[Exchange]]) -> list[BaseRoute]:
    """All pages and what their forms ask for. They come last: the last one takes what is left."""
    pages: Mapping[str, Read] = {
        "/": views.home(exchanges),
        "/deliveries": records.deliveries,
        "/deliveries/{delivery}": records.delivery,
        "/exchanges": records.exchange_list(exchanges),
        "/exchanges/{exchange}": records.exchange(exchanges),
        "/{owner}/{repo}": views.repository,
        "/{owner}/{repo}/pulls": views.repository,
        PULL: views.conversation,
        f"{PULL}/commits": views.commits,
        f"{PULL}/checks": views.checks,
        f"{PULL}/files": views.files,
        RUN: views.run,
        "/{owner}/{repo}/commit/{sha}": views.commit,
        "/{owner}/{repo}/blob/{sha}/{path:path}": views.blob,
    }
    forms: Mapping[str, Read] = {
        "/act-as": frame.act_as,
        "/settings/apps/create": manifest.create,
        "/deliveries/{delivery}/redeliver": acts.redeliver,
        f"{PULL}/comment": acts.comment,
        f"{PULL}/change": acts.change,
        f"{PULL}/threads/{{thread}}/reply": acts.reply,
        f"{PULL}/threads/{{thread}}/resolve": acts.resolve,
        f"{PULL}/comments/{{comment}}/suggestions/{{suggestion}}": acts.apply_suggestion,
        f"{PULL}/comments/{{comment}}/delete": acts.delete_comment,
        f"{RUN}/rerequest": acts.rerequest,
        f"{RUN}/action": acts.request_action,
    }
    return [
        Mount("/_static", StaticFiles(directory=FOLDER / "static")),
        Route("/settings/apps/new", manifest.opening(state), methods=["POST"]),
        Route(
            "/organizations/{organization}/settings/apps/new",
            manifest.opening(state),
            methods=["POST"],
        ),
        *(Route(path, frame.writing(state, do), methods=["POST"]) for path, do in forms.items()),
        *(Route(path, frame.reading(state, do), methods=["GET"]) for path, do in pages.items()),
        Route("/{rest:path}", frame.reading(state, _nothing), methods=["GET"]),
    ]


def _nothing(_visit: Visit) -> Response:
    raise not_found()
