"""Users, Apps and installations as GitHub writes them."""

from __future__ import annotations

from sandbox.entities import App, Installation, Json, User
from sandbox.state import State, node_id


def user(state: State, account: User) -> Json:
    api = f"{state.api_url}/users/{account.login}"
    web = state.url
    page = f"{web}/apps/{account.login.removesuffix('[bot]')}" if account.type == "Bot" else ""
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node_id("U", account.id),
        "avatar_url": f"{web}/avatars/u/{account.id}",
        "gravatar_id": "",
        "url": api,
        "html_url": page or f"{web}/{account.login}",
        "followers_url": f"{api}/followers",
        "following_url": f"{api}/following{{/other_user}}",
        "gists_url": f"{api}/gists{{/gist_id}}",
        "starred_url": f"{api}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{api}/subscriptions",
        "organizations_url": f"{api}/orgs",
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events{{/privacy}}",
        "received_events_url": f"{api}/received_events",
        "type": account.type,
        "site_admin": False,
        "user_view_type": "public",
    }


def profile(state: State, account: User) -> Json:
    """What `GET /user` and `GET /users/{username}` add to the short form."""
    return user(state, account) | {
        "name": account.name,
        "company": None,
        "blog": None,
        "location": None,
        "email": None,
        "hireable": None,
        "bio": None,
        "public_repos": 0,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": account.created_at,
        "updated_at": account.created_at,
    }


def own_profile(state: State, account: User) -> Json:
    return profile(state, account) | {
        "private_gists": 0,
        "total_private_repos": 0,
        "owned_private_repos": 0,
        "disk_usage": 0,
        "collaborators": 0,
        "two_factor_authentication": True,
        "user_view_type": "private",
    }


def app(state: State, one: App) -> Json:
    return {
        "id": one.id,
        "slug": one.slug,
        "client_id": one.client_id,
        "node_id": node_id("A", one.id),
        "owner": user(state, one.owner),
        "name": one.name,
        "description": None,
        "external_url": f"{state.url}/apps/{one.slug}",
        "html_url": f"{state.url}/apps/{one.slug}",
        "created_at": one.created_at,
        "updated_at": one.created_at,
        "permissions": dict(one.permissions),
        "events": list(one.events),
    }


def own_app(state: State, one: App) -> Json:
    """`GET /app`: the App about itself."""
    every = state.installations.values()
    installed = sum(1 for other in every if other.app is one and not other.removed)
    return app(state, one) | {"installations_count": installed}


def installation(state: State, one: Installation) -> Json:
    return {
        "id": one.id,
        "client_id": one.app.client_id,
        "account": user(state, one.account),
        "repository_selection": "all" if one.repository_ids is None else "selected",
        "access_tokens_url": f"{state.api_url}/app/installations/{one.id}/access_tokens",
        "repositories_url": f"{state.api_url}/installation/repositories",
        "html_url": f"{state.url}/settings/installations/{one.id}",
        "app_id": one.app.id,
        "app_slug": one.app.slug,
        "target_id": one.account.id,
        "target_type": one.account.type,
        "permissions": dict(one.permissions),
        "events": list(one.app.events),
        "created_at": one.created_at,
        "updated_at": one.updated_at,
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": user(state, one.suspended_by) if one.suspended_by else None,
        "suspended_at": one.suspended_at,
    }
