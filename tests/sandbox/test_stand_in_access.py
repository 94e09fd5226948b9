"""Who may do what: App tokens, installation tokens, permissions, life and death of both."""

from __future__ import annotations

import time
from typing import Any

import httpx
import jwt
import pytest
from shop import REPOSITORY, Shop


def app_token(shop: Shop, **claims: Any) -> str:
    now = int(time.time())
    payload = {"iat": now - 60, "exp": now + 300, "iss": str(shop.github.app_id), **claims}
    key = claims.pop("key", shop.github.private_key_pem)
    payload.pop("key", None)
    return jwt.encode(payload, key, algorithm="RS256")


def call(shop: Shop, method: str, path: str, token: str | None, **more: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    headers |= more.pop("headers", {})
    return httpx.request(
        method, shop.github.api_url + path, headers=headers, trust_env=False, **more
    )


def minted(shop: Shop, **wanted: Any) -> dict[str, Any]:
    path = f"/app/installations/{shop.installation}/access_tokens"
    answer = call(shop, "POST", path, app_token(shop), json=wanted)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


FILES = "/repos/acme/shop/pulls/1/files"
OTHER_KEY_IS_FOREIGN = "A JSON web token could not be decoded"


def test_an_app_proves_itself_with_its_id_or_its_client_id(shop: Shop) -> None:
    for issuer in (str(shop.github.app_id), shop.github.client_id):
        answer = call(shop, "GET", "/app", app_token(shop, iss=issuer))
        assert answer.json()["slug"] == "stet"


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"exp": 3600}, "too far in the future"),
        ({"exp": -60}, "Expiration time"),
        ({"iat": 120}, "Issued at"),
        ({"iss": "999"}, "Issuer"),
    ],
)
def test_a_token_of_the_app_that_is_off_is_refused(
    shop: Shop, claims: dict[str, Any], says: str
) -> None:
    now = int(time.time())
    moved = {name: now + off if isinstance(off, int) else off for name, off in claims.items()}
    answer = call(shop, "GET", "/app", app_token(shop, **moved))
    assert answer.status_code == 401
    assert says in answer.json()["message"]


def test_a_token_signed_with_another_key_is_refused(shop: Shop) -> None:
    other = shop.github.create_app("Other")
    answer = call(shop, "GET", "/app", app_token(shop, key=other.private_key_pem))
    assert (answer.status_code, answer.json()["message"]) == (401, OTHER_KEY_IS_FOREIGN)


def test_an_installation_token_opens_no_door_of_the_app(shop: Shop) -> None:
    assert call(shop, "GET", "/app", minted(shop)["token"]).status_code == 401


def test_an_installation_token_lives_one_hour(shop: Shop) -> None:
    body = minted(shop)
    assert body["expires_at"] == shop.github.clock.stamp(shop.github.clock.now() + 3600)
    assert call(shop, "GET", FILES, body["token"]).status_code == 200
    shop.github.clock.advance(3601)
    late = call(shop, "GET", FILES, body["token"])
    assert (late.status_code, late.json()["message"]) == (401, "Bad credentials")


def test_unknown_credentials_are_bad(shop: Shop) -> None:
    answer = call(shop, "GET", FILES, "ghs_nobody")
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")


def test_a_narrowed_token_does_not_do_more(shop: Shop) -> None:
    body = minted(shop, permissions={"contents": "read"}, repositories=["shop"])
    assert body["permissions"] == {"contents": "read", "metadata": "read"}
    assert body["repository_selection"] == "selected"
    tree = call(shop, "GET", "/repos/acme/shop/git/trees/main", body["token"])
    assert tree.status_code == 200
    files = call(shop, "GET", FILES, body["token"])
    assert files.status_code == 403
    assert files.json()["message"] == "Resource not accessible by integration"


def test_a_token_is_not_widened(shop: Shop) -> None:
    path = f"/app/installations/{shop.installation}/access_tokens"
    wider = call(shop, "POST", path, app_token(shop), json={"permissions": {"contents": "write"}})
    assert wider.status_code == 422
    elsewhere = call(shop, "POST", path, app_token(shop), json={"repositories": ["vault"]})
    assert elsewhere.status_code == 422


def test_a_repository_outside_the_installation_is_not_there(shop: Shop) -> None:
    shop.github.create_repository("acme/vault")
    token = minted(shop)["token"]
    assert call(shop, "GET", "/repos/acme/vault", token).status_code == 404


def test_a_public_repository_outside_the_installation_is_read_only(shop: Shop) -> None:
    shop.github.create_repository("acme/open", private=False)
    shop.github.commit("acme/open", "topic", {"a.py": "1\n"})
    number = shop.github.open_pull_request("acme/open", head="topic")
    token = minted(shop)["token"]
    assert call(shop, "GET", "/repos/acme/open", token).status_code == 200
    path = f"/repos/acme/open/issues/{number}/comments"
    assert call(shop, "POST", path, token, json={"body": "Hi"}).status_code == 403


def test_a_suspended_installation_is_told_so(shop: Shop) -> None:
    token = minted(shop)["token"]
    shop.github.suspend(shop.installation)
    answer = call(shop, "GET", FILES, token)
    assert answer.status_code == 403
    assert "suspended" in answer.json()["message"]
    path = f"/app/installations/{shop.installation}/access_tokens"
    assert call(shop, "POST", path, app_token(shop)).status_code == 403
    shop.github.unsuspend(shop.installation)
    assert call(shop, "GET", FILES, token).status_code == 200


def test_a_removed_installation_is_gone(shop: Shop) -> None:
    token = minted(shop)["token"]
    shop.github.uninstall(shop.installation)
    assert call(shop, "GET", FILES, token).status_code == 401
    path = f"/app/installations/{shop.installation}/access_tokens"
    assert call(shop, "POST", path, app_token(shop)).status_code == 404


def test_people_do_not_write_check_runs(shop: Shop) -> None:
    body = {"name": "Stet", "head_sha": shop.head}
    answer = call(shop, "POST", "/repos/acme/shop/check-runs", shop.token, json=body)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("role", "permission"),
    [
        ("read", "read"),
        ("triage", "read"),
        ("write", "write"),
        ("maintain", "write"),
        ("admin", "admin"),
    ],
)
def test_a_role_is_told_in_two_vocabularies(shop: Shop, role: str, permission: str) -> None:
    shop.github.set_permission(REPOSITORY, "bob", role)
    path = "/repos/acme/shop/collaborators/bob/permission"
    body = call(shop, "GET", path, minted(shop)["token"]).json()
    assert (body["permission"], body["role_name"]) == (permission, role)


def test_a_stranger_has_no_permission(shop: Shop) -> None:
    shop.github.create_user("eve")
    path = "/repos/acme/shop/collaborators/eve/permission"
    assert call(shop, "GET", path, minted(shop)["token"]).json()["permission"] == "none"


def test_an_unchanged_answer_is_304(shop: Shop) -> None:
    token = minted(shop)["token"]
    first = call(shop, "GET", FILES, token)
    second = call(shop, "GET", FILES, token, headers={"If-None-Match": first.headers["etag"]})
    assert (second.status_code, second.content) == (304, b"")
    shop.push("all new\n")
    third = call(shop, "GET", FILES, token, headers={"If-None-Match": first.headers["etag"]})
    assert third.status_code == 200


def test_requests_are_counted_and_end(shop: Shop) -> None:
    token = minted(shop)["token"]
    answer = call(shop, "GET", FILES, token)
    assert answer.headers["x-ratelimit-limit"] == "5000"
    assert int(answer.headers["x-ratelimit-remaining"]) == 4999
    overview = call(shop, "GET", "/rate_limit", token).json()
    assert overview["resources"]["core"]["remaining"] == 4999
