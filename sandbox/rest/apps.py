"""The App about itself, its installations and its deliveries; who am I; limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.auth import installation_of, mint, require_app
from sandbox.call import Answer, Call, Handler
from sandbox.deliveries import NOT_SENT, Delivery
from sandbox.entities import App, Installation, Json
from sandbox.refusal import Refused, not_found
from sandbox.shapes import accounts, repositories


def get_app(call: Call) -> Answer:
    return Answer(body=accounts.own_app(call.state, require_app(call.identity)))


def get_by_slug(call: Call) -> Answer:
    slug = call.parameters["app_slug"]
    for one in call.state.apps.values():
        if one.slug == slug:
            return Answer(body=accounts.app(call.state, one))
    raise not_found()


def list_installations(call: Call) -> Answer:
    app = require_app(call.identity)
    every = call.state.installations.values()
    own = [one for one in every if one.app is app and not one.removed]
    return call.page(own, lambda one: accounts.installation(call.state, one))


def get_installation(call: Call) -> Answer:
    app = require_app(call.identity)
    one = installation_of(call.state, app, call.number("installation_id"))
    return Answer(body=accounts.installation(call.state, one))


def create_token(call: Call) -> Answer:
    state = call.state
    app = require_app(call.identity)
    installation = installation_of(state, app, call.number("installation_id"))
    token = mint(state, installation, call.body)
    body: Json = {
        "token": token.value,
        "expires_at": state.clock.stamp(token.expires_at),
        "permissions": token.permissions,
        "repository_selection": "all"
        if _selects_all(installation, token.repository_ids)
        else "selected",
    }
    if token.repository_ids is not None:
        chosen = [state.repositories[number] for number in sorted(token.repository_ids)]
        body["repositories"] = [repositories.repository(state, one) for one in chosen]
    return Answer(201, body)


def _selects_all(installation: Installation, chosen: set[int] | None) -> bool:
    return installation.repository_ids is None and chosen is None


def revoke_token(call: Call) -> Answer:
    if call.identity.installation is None or call.identity.token is None:
        raise Refused(403, "Resource not accessible by personal access token")
    del call.state.tokens[call.identity.token.value]
    return Answer(204)


def list_repositories(call: Call) -> Answer:
    if call.identity.installation is None:
        raise Refused(403, "Resource not accessible by personal access token")
    seen = [one for one in call.state.repositories.values() if call.identity.sees(one)]

    def wrap(items: list[Any]) -> Json:
        return {"total_count": len(seen), "repositories": items}

    return call.page(seen, lambda one: repositories.repository(call.state, one), wrap)


def _installation_where(call: Call, login: str, name: str | None) -> Answer:
    app = require_app(call.identity)
    for one in call.state.installations.values():
        if one.app is not app or one.removed or one.account.login.lower() != login.lower():
            continue
        if name is None:
            return Answer(body=accounts.installation(call.state, one))
        repository = call.state.repository(login, name)
        if repository and one.covers(repository):
            return Answer(body=accounts.installation(call.state, one))
    raise not_found()


def installation_of_repository(call: Call) -> Answer:
    return _installation_where(call, call.parameters["owner"], call.parameters["repo"])


def installation_of_user(call: Call) -> Answer:
    return _installation_where(call, call.parameters["username"], None)


def installation_of_organization(call: Call) -> Answer:
    return _installation_where(call, call.parameters["org"], None)


# Deliveries


def _attempted(call: Call, app: App) -> list[Delivery]:
    """Newest first. Without a webhook URL GitHub delivers nothing and lists nothing."""
    log = call.state.deliveries.log
    return [one for one in reversed(log) if one.app is app and one.status != NOT_SENT]


def delivery_item(one: Delivery) -> Json:
    return {
        "id": one.id,
        "guid": one.guid,
        "delivered_at": one.delivered_at,
        "redelivery": one.redelivery,
        "duration": one.duration,
        "status": one.status,
        "status_code": one.status_code,
        "event": one.event,
        "action": one.action,
        "installation_id": one.installation_id,
        "repository_id": one.repository_id,
        "throttled_at": None,
    }


def list_deliveries(call: Call) -> Answer:
    found = _attempted(call, require_app(call.identity))
    if wanted := call.query.get("status"):
        found = [one for one in found if (200 <= one.status_code < 400) == (wanted == "success")]
    cursor = call.query.get("cursor")
    if cursor is not None:
        if not cursor.removeprefix("v1_").isdigit():
            raise Refused(422, "Invalid cursor")
        found = [one for one in found if one.id <= int(cursor.removeprefix("v1_"))]
    size = min(max(int(call.query.get("per_page", "30")), 1), 100)
    headers = {}
    if len(found) > size:
        rest = f"{call.address}?per_page={size}&cursor=v1_{found[size].id}"
        headers["Link"] = f'<{rest}>; rel="next"'
    return Answer(200, [delivery_item(one) for one in found[:size]], headers)


def _delivery(call: Call) -> Delivery:
    app = require_app(call.identity)
    found = call.state.deliveries.find(call.number("delivery_id"))
    if found is None or found.app is not app:
        raise not_found()
    return found


def get_delivery(call: Call) -> Answer:
    one = _delivery(call)
    request = {"headers": dict(one.request_headers), "payload": one.payload}
    response = {"headers": dict(one.response_headers), "payload": one.response_body}
    more = {"url": one.url or "", "request": request, "response": response}
    return Answer(body=delivery_item(one) | more)


def redeliver(call: Call) -> Answer:
    call.state.deliveries.redeliver(_delivery(call))
    return Answer(202, {})


def hook_config(call: Call) -> Answer:
    app = require_app(call.identity)
    if url := call.body.get("url"):
        app.webhook_url = url
    if secret := call.body.get("secret"):
        app.webhook_secret = secret
    body = {"content_type": "json", "insecure_ssl": "0", "secret": "********"}
    return Answer(body=body | ({"url": app.webhook_url} if app.webhook_url else {}))


def convert_manifest(call: Call) -> Answer:
    """The last step of the manifest flow: the code buys the App's secrets once."""
    app = call.state.manifest_codes.pop(call.parameters["code"], None)
    if app is None:
        raise not_found()
    secrets = {
        "client_secret": f"secret-of-{app.client_id}",
        "webhook_secret": app.webhook_secret,
        "pem": app.private_key_pem,
    }
    return Answer(201, accounts.app(call.state, app) | secrets)


# People and limits


def get_user(call: Call) -> Answer:
    if call.identity.app is not None:
        raise Refused(403, "Resource not accessible by integration")
    return Answer(body=accounts.own_profile(call.state, call.actor()))


def get_by_username(call: Call) -> Answer:
    found = call.state.user(call.parameters["username"])
    if found is None:
        raise not_found()
    return Answer(body=accounts.profile(call.state, found))


def rate_limit(call: Call) -> Answer:
    overview = call.limits.overview(call.identity.meter)
    return Answer(body={"resources": overview, "rate": overview["core"]})


HANDLERS: Mapping[str, Handler] = {
    "apps/get-authenticated": get_app,
    "apps/get-by-slug": get_by_slug,
    "apps/list-installations": list_installations,
    "apps/get-installation": get_installation,
    "apps/create-installation-access-token": create_token,
    "apps/revoke-installation-access-token": revoke_token,
    "apps/list-repos-accessible-to-installation": list_repositories,
    "apps/get-repo-installation": installation_of_repository,
    "apps/get-user-installation": installation_of_user,
    "apps/get-org-installation": installation_of_organization,
    "apps/list-webhook-deliveries": list_deliveries,
    "apps/get-webhook-delivery": get_delivery,
    "apps/redeliver-webhook-delivery": redeliver,
    "apps/get-webhook-config-for-app": hook_config,
    "apps/update-webhook-config-for-app": hook_config,
    "apps/create-from-manifest": convert_manifest,
    "users/get-authenticated": get_user,
    "users/get-by-username": get_by_username,
    "rate-limit/get": rate_limit,
}
