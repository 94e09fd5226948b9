"""What the GitHub App asks for: permissions, events, and the manifest that GitHub makes it from.

`app.yml` says the same for people; a test holds the two together. Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

NAME = "Stet"
DESCRIPTION = "Reviews pull requests of Python backends against a code-review checklist."
WEBHOOK_PATH = "/webhooks/github"
PERMISSIONS: Mapping[str, str] = MappingProxyType(
    {
        "checks": "write",
        "contents": "read",
        "issues": "read",
        "merge_queues": "read",
        "metadata": "read",
        "pull_requests": "write",
    }
)
EVENTS = (
    "check_run",
    "check_suite",
    "issue_comment",
    "merge_group",
    "pull_request",
    "pull_request_review_comment",
    "pull_request_review_thread",
)


def web_url(api_url: str) -> str:
    """Where people meet the GitHub of an API; an Enterprise Server has its API below it."""
    parts = urlsplit(api_url)
    host = parts.netloc.removeprefix("api.") if parts.path in {"", "/"} else parts.netloc
    return f"{parts.scheme}://{host}"


def permissions(*, may_commit: bool) -> dict[str, str]:
    """Those of the review tier, or with `may_commit` those of the autofix tier."""
    return {**PERMISSIONS, **({"contents": "write"} if may_commit else {})}


def manifest(
    name: str, public_url: str, redirect_url: str, *, may_commit: bool = False
) -> dict[str, Any]:
    """The manifest of an App whose webhook is at `public_url`, without a slash at its end."""
    return {
        "name": name,
        "description": DESCRIPTION,
        "url": public_url,
        "hook_attributes": {"url": f"{public_url}{WEBHOOK_PATH}", "active": True},
        "redirect_url": redirect_url,
        "public": False,
        "default_permissions": permissions(may_commit=may_commit),
        "default_events": list(EVENTS),
    }
