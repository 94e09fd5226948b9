"""What became of each finding in the end, and which rules a repository does not want to hear.

Counted when a pull request closes, for each repository and rule. A rule that people keep
dismissing is told in the check run alone, visibly, until the configuration keeps it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast, get_args

from worker import weeks
from worker.ledger import Ledger, places_of
from worker.pull_request import PullRequest
from worker.request import PullRequestKey

if TYPE_CHECKING:
    from redis import Redis

Fate = Literal["fixed", "committed", "shipped", "dismissed", "mistaken", "unmerged"]
FATES: tuple[Fate, ...] = get_args(Fate)
LEAST_OUTCOMES = 5
MOST_DISMISSED = 0.6
KEPT_SECONDS = 400 * 24 * 3600
TOTALS = "{stet}:outcomes"
"""Where the counts of all repositories together stand: rules and numbers, no names of anybody."""


@dataclass(frozen=True, slots=True)
class Record:
    """How a rule fared: how many findings met which fate.

    `committed` were repaired with a click on our suggestion, `dismissed` are unwanted and may be
    right, `mistaken` are wrong. What was `shipped` was merged as it stood.
    """

    fixed: int = 0
    committed: int = 0
    shipped: int = 0
    dismissed: int = 0
    mistaken: int = 0
    unmerged: int = 0

    @property
    def judged(self) -> int:
        """Findings that somebody acted on, or merged with open eyes."""
        return self.accepted + self.shipped + self.unwanted

    @property
    def accepted(self) -> int:
        return self.fixed + self.committed

    @property
    def unwanted(self) -> int:
        return self.dismissed + self.mistaken

    @property
    def precision(self) -> float | None:
        """Of the findings on which somebody acted, the share that was repaired; None of none."""
        acted = self.accepted + self.unwanted
        return self.accepted / acted if acted else None

    @property
    def is_demoted(self) -> bool:
        """Whether people dismiss it too often for it to be worth a mail."""
        return self.judged >= LEAST_OUTCOMES and self.unwanted >= MOST_DISMISSED * self.judged


def tally(pull_request: PullRequest, ledger: Ledger, *, is_merged: bool) -> Counter[str]:
    """The fates of everything that was said, as `CODE:fate`. Each finding is counted once."""
    fates: dict[tuple[str, str], tuple[str, Fate]] = {}
    for name, code in ledger.fixed.items():
        fingerprint, _, path = name.partition(" ")
        fates[fingerprint, path] = (code, "fixed")
    for comment in pull_request.said:
        fate: Fate = "shipped" if is_merged else "unmerged"
        if comment.is_struck or (comment.is_resolved and not comment.resolved_by):
            fate = "fixed"
        elif comment.is_resolved:
            fate = "dismissed"
        for place in places_of(comment):
            fates[place.fingerprint, place.path] = (place.code, fate)
    for name, how in ledger.endings.items():
        fingerprint, _, path = name.partition(" ")
        code, _fate = fates.pop((fingerprint, path), ("", "fixed"))
        if how != "off" and code:
            fates[fingerprint, path] = (code, "dismissed" if how == "silenced" else "committed")
    for name, why in ledger.findings.items():
        fingerprint, _, path = name.partition(" ")
        if why.code:
            fates[fingerprint, path] = (why.code, "mistaken" if why.kind == "fp" else "dismissed")
    return Counter(f"{code}:{fate}" for code, fate in fates.values())


def records_of(counts: Mapping[str, int]) -> dict[str, Record]:
    """Records by code from counts by `CODE:fate`; what is no such name is left out."""
    by_code: dict[str, dict[str, int]] = {}
    for name, number in counts.items():
        code, _, fate = name.partition(":")
        if fate in FATES:
            by_code.setdefault(code, {})[fate] = max(0, number)
    return {code: Record(**fates) for code, fates in sorted(by_code.items())}


class Outcomes:
    """The counts of each repository and of all together, in Redis, which must not decode."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def add(self, key: PullRequestKey, counted: Mapping[str, int]) -> None:
        """Add to the counts of a repository; a number may be negative."""
        changes = {name: number for name, number in counted.items() if number}
        if not changes:
            return
        with self._redis.pipeline() as pipe:
            for name, number in changes.items():
                pipe.hincrby(_key(key), name, number)
                pipe.hincrby(TOTALS, name, number)
            pipe.expire(_key(key), KEPT_SECONDS)
            weeks.add(pipe, changes)
            pipe.execute()

    def of(self, key: PullRequestKey) -> dict[str, Record]:
        """How each rule fared in a repository, by code."""
        counts = cast("dict[bytes, bytes]", self._redis.hgetall(_key(key)))
        return records_of({name.decode(): int(number) for name, number in counts.items()})


def demoted(records: Mapping[str, Record], kept: Collection[str]) -> dict[str, Record]:
    """The rules that are told in the check run alone; the configuration may keep some."""
    return {c: record for c, record in records.items() if record.is_demoted and c not in kept}


def _key(key: PullRequestKey) -> str:
    return f"{{stet}}:outcomes:{key.installation}:{key.repository_id}"
