"""What all parts of the graph use: errors, pages of lists, accounts, what may be read."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from sandbox.auth import Identity
from sandbox.entities import Json, Repository, User
from sandbox.limits import Limits
from sandbox.shapes import accounts
from sandbox.state import State


class Failure(Exception):  # noqa: N818 - becomes an entry of `errors`
    """An error of one field, with GitHub's type."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def connection(
    items: Sequence[Any],
    shape: Callable[[Any], Json],
    *,
    first: int | None = None,
    last: int | None = None,
    after: str | None = None,
    before: str | None = None,
) -> Json:
    """A page of a list; cursors are positions. GitHub wants `first` or `last`, at most 100."""
    if first is None and last is None:
        text = "You must provide a `first` or `last` value to properly paginate the connection."
        raise Failure("MISSING_PAGINATION_BOUNDARIES", text)
    if not 1 <= (first or last or 0) <= 100:
        text = f"Requesting {first or last} records exceeds the `first` limit of 100 records."
        raise Failure("EXCESSIVE_PAGINATION", text)
    start = _position(after) if after else 0
    end = _position(before) - 1 if before else len(items)
    if first is not None:
        end = min(end, start + first)
    elif last is not None:
        start = max(start, end - last)
    nodes = [shape(item) for item in items[start:end]]
    return {
        "totalCount": len(items),
        "nodes": nodes,
        "edges": [
            {"cursor": _cursor(start + index + 1), "node": node} for index, node in enumerate(nodes)
        ],
        "pageInfo": {
            "hasNextPage": end < len(items),
            "hasPreviousPage": start > 0,
            "startCursor": _cursor(start + 1) if nodes else None,
            "endCursor": _cursor(end) if nodes else None,
        },
    }


@cache
def advisories() -> tuple[Json, ...]:
    """The entries of GitHub's database of advisories that the stand-in knows."""
    source = files("sandbox").joinpath("description/advisories.json")
    return tuple(json.loads(source.read_text("utf-8")))


def _cursor(position: int) -> str:
    return f"Y3Vyc29yOg{position}"


def _position(cursor: str) -> int:
    text = cursor.removeprefix("Y3Vyc29yOg")
    if not text.isdigit():
        raise Failure(
            "INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor."
        )
    return int(text)


class Graph:
    """The graph as one identity sees it."""

    def __init__(self, state: State, limits: Limits, identity: Identity) -> None:
        self._state = state
        self._limits = limits
        self._identity = identity

    def _reads(self, repository: Repository, *permissions: str) -> bool:
        identity = self._identity
        if identity.installation is None:
            return not repository.private or identity.role(self._state, repository) is not None
        if not identity.sees(repository):
            return not repository.private
        held = identity.token.permissions if identity.token else {}
        return not permissions or any(name in held for name in permissions)

    def _actor(self, one: User) -> Json:
        shape = accounts.user(self._state, one)
        return {
            "__typename": one.type,
            "id": shape["node_id"],
            "databaseId": one.id,
            # GraphQL names a bot without the [bot] that REST appends.
            "login": one.login.removesuffix("[bot]") if one.type == "Bot" else one.login,
            "name": one.name,
            "url": shape["html_url"],
            "avatarUrl": lambda **_given: shape["avatar_url"],
            "resourcePath": f"/{one.login}",
        }
