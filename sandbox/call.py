"""One REST request on its way through the stand-in, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

from sandbox.access import has_role, require_access
from sandbox.auth import Identity
from sandbox.contract import Operation
from sandbox.entities import Json, PullRequest, Repository, Role, User
from sandbox.limits import Limits
from sandbox.refusal import Refused, forbidden_to_app, not_found
from sandbox.state import State

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """Status and body: JSON, or bytes of the given media type, or nothing."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json; charset=utf-8"


@dataclass(frozen=True)
class Call:
    state: State
    identity: Identity
    limits: Limits
    operation: Operation
    address: str  # without the query
    parameters: Mapping[str, str]
    query: Mapping[str, str]
    body: Json
    headers: Mapping[str, str]

    def repository(self) -> Repository:
        """The repository in the path, if the caller may do there what it asks."""
        found = self.state.repository(self.parameters["owner"], self.parameters["repo"])
        if found is None:
            raise not_found()
        operation = self.operation
        require_access(self.state, self.identity, found, operation.id, operation.method)
        return found

    def number(self, name: str) -> int:
        text = self.parameters[name]
        if not text.isdigit():
            raise not_found()
        return int(text)

    def pull(self) -> PullRequest:
        name = "pull_number" if "pull_number" in self.parameters else "issue_number"
        found = self.state.pull_requests.get((self.repository().id, self.number(name)))
        if found is None:
            raise not_found()
        return found

    def actor(self) -> User:
        return self.identity.actor()

    def require_role(self, repository: Repository, role: Role) -> None:
        """For acts that only some people, and no App, may do."""
        if not has_role(self.identity.role(self.state, repository), role):
            raise Refused(403, f"Must have {role} rights to Repository.")

    def require_author(self, author: User, repository: Repository) -> None:
        """Words are changed by who wrote them, or by a person who may write to the repository."""
        if self.actor() is author:
            return
        if self.identity.app is not None:
            raise forbidden_to_app()
        self.require_role(repository, "write")

    def wants(self, media: str) -> bool:
        """Whether the Accept header asks for a form such as `diff` or `raw`."""
        accept = self.headers.get("accept", "")
        return f"application/vnd.github.{media}" in accept or (
            f"application/vnd.github.v3.{media}" in accept
        )

    def page(
        self,
        items: Sequence[T],
        shape: Callable[[T], Any],
        wrap: Callable[[list[Any]], Any] | None = None,
    ) -> Answer:
        """One page of a list with its Link header."""
        size = min(max(int(self.query.get("per_page", "30")), 1), 100)
        number = max(int(self.query.get("page", "1")), 1)
        last = max((len(items) + size - 1) // size, 1)
        shown = [shape(one) for one in items[(number - 1) * size : number * size]]
        links = []
        if number > 1:
            links += [("prev", min(number - 1, last)), ("first", 1)]
        if number < last:
            links = [("next", number + 1), ("last", last), *links]
        header = ", ".join(f'<{self._page_address(at)}>; rel="{rel}"' for rel, at in links)
        return Answer(200, wrap(shown) if wrap else shown, {"Link": header} if header else {})

    def _page_address(self, number: int) -> str:
        return f"{self.address}?{urlencode({**self.query, 'page': number})}"


Handler = Callable[[Call], Answer]
