"""The organisation's own configuration: `stet.toml` in its `.github` repository."""

from __future__ import annotations

import base64
import binascii
import logging
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec
from githubkit import TokenAuthStrategy
from redis.exceptions import RedisError

from rules.engine.layers import ORG_FILE
from worker.github.client import App, ask, open_github
from worker.github.errors import GitHubError, RateLimitedError, UnavailableError
from worker.github.proof import AppProof
from worker.request import PullRequestKey

if TYPE_CHECKING:
    from redis import Redis

log = logging.getLogger(__name__)

KEPT_SECONDS = 600
_REPOSITORY = ".github"
_PERMISSIONS = {"contents": "read", "metadata": "read"}


class _Minted(msgspec.Struct):
    token: str


class _Content(msgspec.Struct):
    content: str = ""
    encoding: str = ""


def organisation_file(app: App, key: PullRequestKey, redis: Redis) -> bytes | None:
    """What holds for all repositories of an installation; None where there is no such file.

    Kept for ten minutes. The App has to be installed on `.github` too: where it is not, or
    GitHub does not answer, nothing holds.
    """
    name = f"{{stet}}:organisation:{app.id}:{key.installation}"
    try:
        kept = redis.get(name)
        if isinstance(kept, bytes):
            return kept.removeprefix(b"+") if kept else None
        found = _read(app, key)
        redis.set(name, b"" if found is None else b"+" + found, ex=KEPT_SECONDS)
    except RedisError as error:
        log.warning("the organisation's file cannot be kept: %s", type(error).__name__)
        return None
    return found


def _read(app: App, key: PullRequestKey) -> bytes | None:
    body = {"repositories": [_REPOSITORY], "permissions": _PERMISSIONS}
    mint = f"app/installations/{key.installation}/access_tokens"
    path = f"repos/{quote(key.owner, safe='')}/{_REPOSITORY}/contents/{ORG_FILE}"
    try:
        with open_github(app, AppProof(app.id, app.private_key)) as github:
            minted = msgspec.json.decode(ask(github, "POST", mint, json=body).body, type=_Minted)
        with open_github(app, TokenAuthStrategy(minted.token)) as github:
            answer = msgspec.json.decode(ask(github, "GET", path).body, type=_Content)
        return base64.b64decode(answer.content) if answer.encoding == "base64" else None
    except (RateLimitedError, UnavailableError):
        raise
    except (GitHubError, msgspec.MsgspecError, binascii.Error) as error:
        log.info("installation %d has no file for all: %s", key.installation, error)
        return None
