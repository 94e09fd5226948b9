"""What a person may do to a pull request; the buttons follow it, and so do the answers."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.access import has_role
from sandbox.entities import PullRequest, User
from sandbox.pages.frame import Visit
from sandbox.refusal import Refused, not_found
from sandbox.state import State


@dataclass(frozen=True)
class Rights:
    user: User
    role: str  # "none" for a stranger
    comment: bool
    triage: bool  # close, reopen
    resolve: bool
    write: bool  # run checks again, merge
    commit: bool  # to the head branch

    def require(self, name: str) -> User:
        """The person, if that right is theirs."""
        if not getattr(self, name):
            raise Refused(403, f"{self.user.login} ({self.role}) may not do that here.")
        return self.user


def rights_of(state: State, user: User, pull: PullRequest) -> Rights:
    role = state.role_of(user, pull.repository)
    author = user is pull.user
    write = has_role(role, "write")
    return Rights(
        user=user,
        role=role or "none",
        comment=author or role is not None or not pull.repository.private,
        triage=author or has_role(role, "triage"),
        resolve=author or write,
        write=write,
        commit=_may_commit(state, user, pull),
    )


def _may_commit(state: State, user: User, pull: PullRequest) -> bool:
    head = pull.head_repository
    if head is None:
        return False
    if has_role(state.role_of(user, head), "write"):
        return True
    by_leave = pull.maintainer_can_modify and has_role(
        state.role_of(user, pull.repository), "write"
    )
    return by_leave or (head is pull.repository and user is pull.user)


def pull_of(visit: Visit) -> PullRequest:
    """The pull request in the path; called with the lock held."""
    path = visit.request.path_params
    repository = visit.state.repository(path["owner"], path["repo"])
    if repository is None:
        raise not_found()
    found = visit.state.pull_requests.get((repository.id, visit.number("number")))
    if found is None:
        raise not_found()
    return found


def actor_on(visit: Visit, pull: PullRequest) -> Rights:
    """Whoever was chosen, else the pull request's author."""
    author = pull.user if pull.user.type == "User" else None
    user = visit.actor(author)
    if user is None:
        raise Refused(422, "There is no person yet who could act.")
    return rights_of(visit.state, user, pull)
