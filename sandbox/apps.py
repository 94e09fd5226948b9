"""Registering a GitHub App with the stand-in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.entities import App
from sandbox.state import State

DEFAULT_PERMISSIONS: Mapping[str, str] = MappingProxyType(
    {
        "checks": "write",
        "contents": "read",
        "issues": "read",
        "merge_queues": "read",
        "metadata": "read",
        "pull_requests": "write",
    }
)
DEFAULT_EVENTS = (
    "check_run",
    "check_suite",
    "issue_comment",
    "merge_group",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_review_thread",
)


def make_app(
    state: State,
    name: str,
    *,
    webhook_url: str | None,
    webhook_secret: str,
    permissions: Mapping[str, str] = DEFAULT_PERMISSIONS,
    events: Iterable[str] = DEFAULT_EVENTS,
) -> App:
    """Register an App with a fresh private key and a bot account of its own."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    number = state.new_id("app")
    app = App(
        id=number,
        slug=slug,
        name=name,
        client_id=f"Iv23li{number:014d}",
        owner=state.make_user("app-owner", "Organization"),
        bot=state.make_user(f"{slug}[bot]", "Bot"),
        private_key_pem=key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        ).decode(),
        public_key_pem=key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode(),
        webhook_url=webhook_url,
        webhook_secret=webhook_secret,
        permissions=dict(permissions),
        events=tuple(events),
        hook_id=state.new_id("hook"),
        created_at=state.now(),
    )
    state.apps[app.id] = app
    return app
