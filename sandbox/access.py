"""Who may call what: permissions of Apps, roles of people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sandbox.auth import Identity
from sandbox.entities import ROLES, Repository, Role
from sandbox.refusal import Refused, forbidden_to_app, not_found
from sandbox.state import State

Level = Literal["read", "write"]


@dataclass(frozen=True)
class Need:
    """One of the permissions at that level for an App; that role for a person."""

    permissions: tuple[str, ...]
    level: Level
    role: Role


COMMENTS = ("issues", "pull_requests")

# By the first part of the operation's id, with what each operation asks beyond it.
AREAS: dict[str, tuple[str, ...]] = {
    "pulls": ("pull_requests",),
    "issues": COMMENTS,
    "reactions": COMMENTS,
    "checks": ("checks",),
    "git": ("contents",),
    "repos": ("contents",),
    "apps": ("metadata",),
}
SPECIAL: dict[str, Need] = {
    "repos/get": Need(("metadata",), "read", "read"),
    "repos/list-languages": Need(("metadata",), "read", "read"),
    "repos/list-collaborators": Need(("metadata",), "read", "write"),
    "repos/get-collaborator-permission-level": Need(("metadata",), "read", "read"),
    "repos/get-combined-status-for-ref": Need(("statuses",), "read", "read"),
    "repos/create-commit-status": Need(("statuses",), "write", "write"),
    "issues/add-labels": Need(COMMENTS, "write", "triage"),
    "issues/remove-label": Need(COMMENTS, "write", "triage"),
    "issues/create-label": Need(COMMENTS, "write", "write"),
    "pulls/merge": Need(("contents",), "write", "write"),
    "pulls/create": Need(("pull_requests",), "write", "read"),
    "pulls/request-reviewers": Need(("pull_requests",), "write", "triage"),
    "checks/rerequest-run": Need(("checks",), "write", "write"),
    "checks/rerequest-suite": Need(("checks",), "write", "write"),
}
ONLY_APPS = frozenset({"checks/create", "checks/update", "checks/create-suite"})


def need_of(operation: str, method: str) -> Need:
    if operation in SPECIAL:
        return SPECIAL[operation]
    area = operation.partition("/")[0]
    level: Level = "read" if method == "GET" else "write"
    writes_code = area in ("git", "repos") and level == "write"
    return Need(AREAS.get(area, ("metadata",)), level, "write" if writes_code else "read")


def has_role(role: Role | None, least: Role) -> bool:
    return role is not None and ROLES.index(role) >= ROLES.index(least)


def require_access(
    state: State, identity: Identity, repository: Repository, operation: str, method: str
) -> None:
    """404 for what may not be seen, 403 for what may be seen and not done."""
    need = need_of(operation, method)
    if identity.installation is not None:
        _require_permission(identity, repository, need)
        return
    role = identity.role(state, repository)
    if role is None and repository.private:
        raise not_found()
    if operation in ONLY_APPS:
        raise Refused(403, "You must authenticate via a GitHub App.")
    if need.level == "write" and identity.user is None:
        raise Refused(401, "Requires authentication")
    if need.level == "read" and need.role == "read" and not repository.private:
        return
    if need.role == "read" and not repository.private:
        return  # anyone may comment on what is public
    if not has_role(role, need.role):
        raise Refused(403, "Must have admin rights to Repository.")


def _require_permission(identity: Identity, repository: Repository, need: Need) -> None:
    reachable = identity.sees(repository)
    if not reachable and repository.private:
        raise not_found()
    if not reachable and need.level == "write":
        raise forbidden_to_app()
    if not reachable:
        return
    held = identity.token.permissions if identity.token else {}
    enough = ("write",) if need.level == "write" else ("read", "write")
    if not any(held.get(name) in enough for name in need.permissions):
        raise forbidden_to_app()
