"""What Stet knows of a pull request besides what GitHub tells: dismissals, pauses, its comments.

One writer: whoever holds the turn. Losing it costs little: `worker.recall` puts it together
again from the commands that people gave and Stet acknowledged.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Self, TypeVar

import msgspec
from redis.exceptions import RedisError

from worker.pull_request import OwnComment
from worker.request import PullRequestKey

if TYPE_CHECKING:
    from redis import Redis

log = logging.getLogger(__name__)

KEPT_SECONDS = 180 * 24 * 3600
ROLE_SECONDS = 300
MOST_ENTRIES = 2000
"""Dismissed findings and comments that are remembered of one pull request, each."""

T = TypeVar("T")
Kind = Literal["ignore", "fp", "deleted", "gone"]
Ending = Literal["committed", "silenced", "off"]
"""How a finding went away if its code was not simply repaired: by a suggestion of ours that
somebody committed, by a comment in the code, or because its rule is not on any more."""


@dataclass(frozen=True, slots=True)
class Dismissal:
    """Somebody does not want to hear of it again.

    `gone`: the comment went away and nobody knows by whom. `clears`: it counts no more for the
    verdict either, because somebody with write access said so.
    """

    kind: Kind
    by: str = ""
    reason: str = ""
    clears: bool = False
    code: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """One finding that a comment speaks about."""

    fingerprint: str
    path: str
    code: str


@dataclass(frozen=True)
class Ledger:
    """The memory of one pull request.

    `findings` by fingerprint and path, `rules` by code. `said` is what our comments speak about,
    fingerprint and path to code; `fixed` the same of what went away again, and `endings` how, where
    that is not by a repair. `notes` are answers that are edited on repeat, name to id. `counted`
    is what was told of it when it was closed.
    """

    paused_by: str = ""
    findings: Mapping[str, Dismissal] = field(default_factory=dict)
    rules: Mapping[str, Dismissal] = field(default_factory=dict)
    said: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    endings: Mapping[str, Ending] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)
    counted: Mapping[str, int] = field(default_factory=dict)

    def dismissal(self, code: str, fingerprint: str, paths: Iterable[str]) -> Dismissal | None:
        """Why a finding is not said; `paths` are all names that its file had."""
        for path in paths:
            found = self.findings.get(_name(fingerprint, path))
            if found is not None:
                return found
        return self.rules.get(code)

    def dismiss(self, places: Iterable[Place], why: Dismissal) -> Self:
        added = {_name(e.fingerprint, e.path): replace(why, code=e.code) for e in places}
        return replace(self, findings=_newest({**self.findings, **added}))

    def forgive(self, places: Iterable[Place]) -> Self:
        """Take dismissals back."""
        names = {_name(each.fingerprint, each.path) for each in places}
        left = {name: why for name, why in self.findings.items() if name not in names}
        return replace(self, findings=left)

    def dismiss_rule(self, code: str, why: Dismissal) -> Self:
        return replace(self, rules={**self.rules, code: why})

    def forgive_rule(self, code: str) -> Self:
        """Take back everything that was dismissed of a rule."""
        rules = {each: why for each, why in self.rules.items() if each != code}
        findings = {name: why for name, why in self.findings.items() if why.code != code}
        return replace(self, rules=rules, findings=findings)

    def seen(self, comments: Iterable[OwnComment], deleted_by: Dismissal | None = None) -> Self:
        """The ledger after a look at our comments that stand on GitHub.

        What we have said and what is not there was deleted by somebody. An event may tell by
        whom; if none does, it is not said again either.
        """
        standing = said_in(comments)
        lost = {name: code for name, code in self.said.items() if name not in standing}
        why = deleted_by or Dismissal("gone")
        gone = {n: replace(why, code=c) for n, c in lost.items() if n not in self.findings}
        return replace(self, said=standing, findings=_newest({**self.findings, **gone}))

    def saying(self, places: Iterable[Place]) -> Self:
        """After these were posted."""
        added = {_name(each.fingerprint, each.path): each.code for each in places}
        fixed = {name: code for name, code in self.fixed.items() if name not in added}
        endings = {name: how for name, how in self.endings.items() if name not in added}
        return replace(self, said={**self.said, **added}, fixed=fixed, endings=endings)

    def mending(self, comments: Iterable[OwnComment], how: Ending | None = None) -> Self:
        """After the findings of these went away."""
        gone = said_in(comments)
        endings = {name: each for name, each in self.endings.items() if name not in gone}
        if how is not None:
            endings |= dict.fromkeys(gone, how)
        fixed = _newest({**self.fixed, **gone})
        return replace(self, fixed=fixed, endings=_newest(endings))

    def unsaying(self, comments: Iterable[OwnComment]) -> Self:
        """Before we delete these ourselves."""
        gone = said_in(comments)
        return replace(self, said={n: c for n, c in self.said.items() if n not in gone})


def said_in(comments: Iterable[OwnComment]) -> dict[str, str]:
    """What these comments speak about: fingerprint and path to code."""
    places = (place for comment in comments for place in places_of(comment))
    return {_name(each.fingerprint, each.path): each.code for each in places}


def places_of(comment: OwnComment) -> tuple[Place, ...]:
    """Everything that a comment of ours speaks about."""
    return tuple(
        Place(each.fingerprint, each.path or comment.path, each.code) for each in comment.markers
    )


class Ledgers:
    """The ledgers of all pull requests, in Redis. `redis` must not decode responses."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def read(self, key: PullRequestKey) -> Ledger | None:
        """None where nothing is known: it is new, or Redis has lost it."""
        found = self._redis.get(_key(key))
        if found is None:
            return None
        try:
            return msgspec.json.decode(found, type=Ledger)
        except msgspec.MsgspecError:
            log.warning("%s: its ledger cannot be read and is put together anew", key)
            return None

    def write(self, key: PullRequestKey, ledger: Ledger) -> None:
        """Raises RedisError: what people decided must not be forgotten in silence."""
        self._redis.set(_key(key), msgspec.json.encode(ledger), ex=KEPT_SECONDS)

    def role(self, key: PullRequestKey, login: str) -> str | None:
        """The role of somebody in the repository, as GitHub told it lately."""
        try:
            kept = self._redis.get(_role_key(key, login))
        except RedisError as error:
            log.warning("a role cannot be looked up: %s", type(error).__name__)
            return None
        return kept.decode() if isinstance(kept, bytes) else None

    def keep_role(self, key: PullRequestKey, login: str, role: str) -> None:
        """For a few minutes: whoever loses it may use it that long."""
        try:
            self._redis.set(_role_key(key, login), role, ex=ROLE_SECONDS)
        except RedisError as error:
            log.warning("a role cannot be kept: %s", type(error).__name__)

    def allows(self, name: str, most: int, seconds: int) -> bool:
        """Whether something may happen once more: at most `most` times in so many seconds."""
        key = f"{{stet}}:rate:{name}"
        try:
            with self._redis.pipeline() as pipe:
                pipe.set(key, 0, ex=seconds, nx=True)
                pipe.incr(key)
                count = pipe.execute()[1]
        except RedisError as error:
            log.warning("a rate cannot be counted: %s", type(error).__name__)
            return True
        return int(count) <= most


def _newest(entries: dict[str, T]) -> dict[str, T]:
    return dict(list(entries.items())[-MOST_ENTRIES:])


def _name(fingerprint: str, path: str) -> str:
    return f"{fingerprint} {path}"


def _role_key(key: PullRequestKey, login: str) -> str:
    return f"{{stet}}:role:{key.installation}:{key.repository_id}:{login.lower()}"


def _key(key: PullRequestKey) -> str:
    return f"{{stet}}:ledger:{key.installation}:{key.repository_id}:{key.number}"
