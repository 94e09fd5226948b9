"""Who asks: an App with its JWT, an installation or a person with a token, or nobody."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from sandbox.entities import App, Installation, Json, Repository, Role, Token, User
from sandbox.refusal import Refused, not_found
from sandbox.state import State

LIFE = 3600  # seconds an installation token lives
LONGEST_JWT = 600  # seconds a JWT may look ahead
TOLERANCE = 5  # seconds of clock skew that are forgiven


@dataclass(frozen=True)
class Identity:
    """Nobody when all fields are None. An App acts as its bot through an installation."""

    app: App | None = None
    installation: Installation | None = None
    user: User | None = None
    token: Token | None = None

    @property
    def name(self) -> str:
        if self.installation and self.app:
            return f"installation {self.installation.id} of {self.app.slug}"
        if self.app:
            return f"app {self.app.slug}"
        return self.user.login if self.user else "anonymous"

    @property
    def meter(self) -> str:
        """Whose rate limit is used."""
        if self.installation:
            return f"installation:{self.installation.id}"
        return self.name

    def actor(self) -> User:
        """The account that what is done now is attributed to."""
        if self.user is None:
            raise Refused(401, "Requires authentication")
        return self.user

    def sees(self, repository: Repository) -> bool:
        """Whether an installation token reaches a repository."""
        if self.installation is None or not self.installation.covers(repository):
            return False
        chosen = self.token.repository_ids if self.token else None
        return chosen is None or repository.id in chosen

    def role(self, state: State, repository: Repository) -> Role | None:
        return state.role_of(self.user, repository) if self.user and not self.app else None


def identify(state: State, headers: Mapping[str, str]) -> Identity:
    """The identity that the Authorization header proves, or 401."""
    given = headers.get("authorization", "")
    if not given:
        return Identity()
    scheme, _, credential = given.partition(" ")
    credential = credential.strip()
    if scheme.lower() not in ("bearer", "token") or not credential:
        raise Refused(401, "Bad credentials")
    if credential.count(".") == 2:
        return Identity(app=_app_of(state, credential))
    return _holder_of(state, credential)


def _holder_of(state: State, credential: str) -> Identity:
    token = state.tokens.get(credential)
    if token is None or (token.expires_at is not None and token.expires_at <= state.clock.now()):
        raise Refused(401, "Bad credentials")
    if token.installation is None:
        return Identity(user=token.user, token=token)
    installation = token.installation
    if installation.removed:
        raise Refused(401, "Bad credentials")
    if installation.suspended_at:
        raise Refused(403, "This installation has been suspended")
    return Identity(installation.app, installation, installation.app.bot, token)


def _app_of(state: State, encoded: str) -> App:
    try:
        header = jwt.get_unverified_header(encoded)
        unverified: Json = jwt.decode(encoded, options={"verify_signature": False})
    except jwt.PyJWTError as error:
        raise Refused(401, "A JSON web token could not be decoded") from error
    issuer = str(unverified.get("iss", ""))
    every = state.apps.values()
    app = next((one for one in every if issuer in (str(one.id), one.client_id)), None)
    if header.get("alg") != "RS256" or app is None:
        text = "'Issuer' claim ('iss') must be an Integer representing the App's ID"
        raise Refused(401, text if app is None else "A JSON web token could not be decoded")
    options: Any = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
    try:
        claims = jwt.decode(encoded, app.public_key_pem, algorithms=["RS256"], options=options)
    except jwt.PyJWTError as error:
        raise Refused(401, "A JSON web token could not be decoded") from error
    _check_times(claims, state.clock.now())
    return app


def _check_times(claims: Json, now: float) -> None:
    issued, expires = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int) or issued > now + TOLERANCE:
        text = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
        raise Refused(401, text)
    if not isinstance(expires, int) or expires <= now - TOLERANCE:
        text = "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"
        raise Refused(401, text)
    if expires > now + LONGEST_JWT + TOLERANCE:
        raise Refused(401, "'Expiration time' claim ('exp') is too far in the future")


def require_app(identity: Identity) -> App:
    """The App of a JWT; any other credential does not open an App's own doors."""
    if identity.app is None or identity.installation is not None:
        raise Refused(401, "A JSON web token could not be decoded")
    return identity.app


def mint(state: State, installation: Installation, given: Json) -> Token:
    """A token of an installation, narrowed to the repositories and permissions asked for."""
    if installation.suspended_at:
        raise Refused(403, "This installation has been suspended")
    token = Token(
        value="ghs_" + secrets.token_hex(18),
        user=None,
        installation=installation,
        expires_at=state.clock.now() + LIFE,
        permissions=_narrowed(installation, given.get("permissions")),
        repository_ids=_chosen(state, installation, given),
    )
    state.tokens[token.value] = token
    return token


def _narrowed(installation: Installation, asked: Mapping[str, str] | None) -> dict[str, str]:
    granted = installation.permissions
    if not asked:
        return dict(granted)
    for name, level in asked.items():
        if name not in granted or (level == "write" and granted[name] != "write"):
            text = "The permissions requested are not granted to this installation."
            raise Refused(422, text)
    return {"metadata": "read", **asked}


def _chosen(state: State, installation: Installation, given: Json) -> set[int] | None:
    names, ids = given.get("repositories"), given.get("repository_ids")
    if names is None and ids is None:
        return None
    reachable = {one.id: one for one in state.repositories.values() if installation.covers(one)}
    by_name = {one.name.lower(): one.id for one in reachable.values()}
    chosen = {by_name.get(name.lower(), -1) for name in names or ()} | set(ids or ())
    if not chosen <= reachable.keys():
        text = "There is at least one repository that does not exist or is not accessible to the parent installation."
        raise Refused(422, text)
    return chosen


def installation_of(state: State, app: App, number: int) -> Installation:
    one = state.installations.get(number)
    if one is None or one.app is not app or one.removed:
        raise not_found()
    return one
