"""What Stet does as the App itself, not as one of its installations."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from worker.github.client import App, ask, open_github
from worker.github.errors import (
    ForbiddenError,
    GoneError,
    InstallationGoneError,
    RefusedError,
    UnavailableError,
)
from worker.github.proof import AppProof
from worker.github.tokens import PERMISSIONS, Token, Tokens
from worker.request import PullRequestKey

if TYPE_CHECKING:
    from redis import Redis

    from worker.settings import WorkerSettings


def app_of(settings: WorkerSettings) -> App:
    """Who Stet is on GitHub."""
    return App(
        settings.app_id,
        settings.private_key.get_secret_value(),
        settings.github_api_url,
        may_commit=settings.autofix,
    )


class _Minted(msgspec.Struct):
    token: str
    expires_at: datetime
    permissions: dict[str, str] = {}


def mint(app: App, key: PullRequestKey) -> Token:
    """Ask GitHub for a token of one repository. InstallationGoneError: the App is not there."""
    if app.may_commit:
        try:
            return _mint(app, key, PERMISSIONS | {"contents": "write"})
        except RefusedError:
            # This installation has not accepted that the App writes code: it reviews all the same.
            pass
    return _mint(app, key, PERMISSIONS)


def _mint(app: App, key: PullRequestKey, permissions: dict[str, str]) -> Token:
    auth = AppProof(app.id, app.private_key)
    path = f"app/installations/{key.installation}/access_tokens"
    body = {"repository_ids": [key.repository_id], "permissions": permissions}
    try:
        with open_github(app, auth) as github:
            answer = ask(github, "POST", path, json=body)
    except (GoneError, ForbiddenError) as error:
        raise InstallationGoneError(str(error)) from None
    except RefusedError as error:
        if permissions != PERMISSIONS:
            raise
        raise GoneError(f"not a repository of the installation: {error}") from None
    try:
        minted = msgspec.json.decode(answer.body, type=_Minted)
    except msgspec.MsgspecError:
        raise UnavailableError("POST access_tokens: no token in the answer") from None
    return Token(minted.token, minted.permissions, minted.expires_at.timestamp())


def tokens_of(app: App, redis: Redis | None) -> Tokens:
    """The tokens of all installations of this App; `redis` must not decode responses."""
    return Tokens(lambda key: mint(app, key), app_id=app.id, secret=app.private_key, redis=redis)
