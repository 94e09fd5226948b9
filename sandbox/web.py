"""The stand-in as a web application: the API, the archives and the pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox import pages
from sandbox.call import Handler
from sandbox.gateway import Gateway
from sandbox.rest import apps, checks, git_data, issues, pulls, repos, reviews
from sandbox.state import State

METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]


def handlers() -> Mapping[str, Handler]:
    """The operations that the stand-in does, by GitHub's name."""
    areas = (apps, checks, git_data, issues, pulls, repos, reviews)
    return {name: handler for area in areas for name, handler in area.HANDLERS.items()}


def application(state: State, gateway: Gateway) -> Starlette:
    routes: list[BaseRoute] = [
        Route("/api/graphql", gateway.graphql, methods=["POST"]),
        Route("/api/v3/graphql", gateway.graphql, methods=["POST"]),
        Route("/api/v3", gateway.rest, methods=METHODS),
        Route("/api/v3{path:path}", gateway.rest, methods=METHODS),
        Route("/_codeload/{owner}/{repo}/{kind}/{sha}", _archives(state), methods=["GET"]),
        *pages.routes(state, lambda: gateway.exchanges),
    ]
    return Starlette(routes=routes)


def _archives(state: State) -> Callable[[Request], Response]:
    def archive(request: Request) -> Response:
        ticket = state.tickets.get(request.query_params.get("token", ""))
        owner, name = request.path_params["owner"], request.path_params["repo"]
        sha, kind = request.path_params["sha"], request.path_params["kind"]
        with state.lock:
            one = state.repository(owner, name)
            valid = one and ticket and ticket[:2] == (one.id, sha)
            if not one or not ticket or not valid or ticket[2] < state.clock.now():
                return JSONResponse({"message": "Not Found"}, 404)
            form = "zip" if kind == "legacy.zip" else "tar.gz"
            content = one.git.archive(sha, f"{one.owner.login}-{one.name}-{sha[:7]}", form)
        media = "application/zip" if form == "zip" else "application/x-gzip"
        return Response(content, media_type=media)

    return archive
