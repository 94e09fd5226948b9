"""Which installation hears of what, and the frame around each event's own fields."""

from __future__ import annotations

from typing import Any

from sandbox.entities import App, Installation, Json, Repository, User
from sandbox.shapes import accounts, repositories
from sandbox.state import State, node_id

# Event -> permissions of which one is needed to be told.
NEEDS: dict[str, tuple[str, ...]] = {
    "pull_request": ("pull_requests",),
    "pull_request_review": ("pull_requests",),
    "pull_request_review_comment": ("pull_requests",),
    "pull_request_review_thread": ("pull_requests",),
    "issue_comment": ("issues", "pull_requests"),
    "check_run": ("checks",),
    "check_suite": ("checks",),
    "merge_group": ("merge_queues",),
    "push": ("contents",),
}


def emit(
    state: State,
    repository: Repository,
    event: str,
    action: str | None,
    sender: User,
    *,
    only: App | None = None,
    **fields: Any,
) -> None:
    """Tell every installation on the repository (or that of one App) what happened."""
    hearing = [
        one
        for one in state.installations_on(repository)
        if (only is None or one.app is only) and _hears(one, event, asked=only is not None)
    ]
    if not hearing:
        return
    payload: Json = {"action": action} if action else {}
    payload |= fields
    payload |= {
        "repository": repositories.repository(state, repository),
        "sender": accounts.user(state, sender),
    }
    if repository.owner.type == "Organization":
        payload["organization"] = organization(state, repository.owner)
    for one in hearing:
        state.deliveries.emit(
            one.app,
            event,
            action,
            payload | {"installation": {"id": one.id, "node_id": node_id("MDIzOkl", one.id)}},
            installation_id=one.id,
            repository_id=repository.id,
        )


def _hears(one: Installation, event: str, *, asked: bool) -> bool:
    allowed = any(name in one.permissions for name in NEEDS[event])
    return allowed and (asked or event in one.app.events)


def emit_installation(
    state: State,
    one: Installation,
    action: str,
    sender: User,
    event: str = "installation",
    **fields: Any,
) -> None:
    """Installation events reach the App always, subscribed or not."""
    payload: Json = {
        "action": action,
        "installation": accounts.installation(state, one),
        "sender": accounts.user(state, sender),
        **fields,
    }
    if one.account.type == "Organization":
        payload["organization"] = organization(state, one.account)
    state.deliveries.emit(
        one.app, event, action, payload, installation_id=one.id, repository_id=None
    )


def emit_ping(state: State, app: App) -> None:
    hook: Json = {
        "type": "App",
        "id": app.hook_id,
        "name": "web",
        "active": True,
        "events": list(app.events),
        "config": {
            "content_type": "json",
            "insecure_ssl": "0",
            "secret": "********",
            "url": app.webhook_url or state.url,
        },
        "updated_at": app.created_at,
        "created_at": app.created_at,
        "app_id": app.id,
        "deliveries_url": f"{state.api_url}/app/hook/deliveries",
    }
    payload: Json = {
        "zen": "Keep it logically awesome.",
        "hook_id": app.hook_id,
        "hook": hook,
    }
    state.deliveries.emit(app, "ping", None, payload, installation_id=None, repository_id=None)


def organization(state: State, account: User) -> Json:
    api = f"{state.api_url}/orgs/{account.login}"
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node_id("O", account.id),
        "url": api,
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events",
        "hooks_url": f"{api}/hooks",
        "issues_url": f"{api}/issues",
        "members_url": f"{api}/members{{/member}}",
        "public_members_url": f"{api}/public_members{{/member}}",
        "avatar_url": f"{state.url}/avatars/u/{account.id}",
        "description": None,
    }
