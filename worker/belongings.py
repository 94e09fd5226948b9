"""What Redis keeps of an installation, so that it can be thrown away with it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, cast

from worker import asked
from worker.journal import Journal
from worker.open_checks import OpenChecks
from worker.turns import PREFIX

if TYPE_CHECKING:
    from redis import Redis

_LASTING = ("ledger", "outcomes", "verdicts", "facts", "review")
_AT_ONCE = 1000


def drop_credentials(redis: Redis, installation: int) -> None:
    """Forget tokens and open check runs: nothing can be written there any more."""
    checks = OpenChecks(redis)
    for check in checks.all():
        if check.key.installation == installation:
            checks.forget(check.key)
    _delete(redis, f"{{stet}}:token:*:{installation}:*")
    _delete(redis, f"{{stet}}:organisation:*:{installation}")


def drop_all(redis: Redis, installation: int) -> None:
    """Forget everything about an installation that was removed."""
    drop_credentials(redis, installation)
    for family in _LASTING:
        _delete(redis, f"{{stet}}:{family}:{installation}:*")
    Journal(redis).forget(installation)
    asked.forget(redis, installation)
    failures = f"{PREFIX}failures"
    for row in redis.lrange(failures, 0, -1):
        if json.loads(row)["pull"].startswith(f"{installation}:"):
            redis.lrem(failures, 1, row)  # type: ignore[arg-type]  # bytes go as well


def known_installations(redis: Redis) -> set[int]:
    """Those of which something lasting is kept."""
    found: set[int] = set()
    for family in _LASTING:
        for name in _names(redis, f"{{stet}}:{family}:*"):
            match = re.match(rf"\{{stet\}}:{family}:(\d+):", name)
            if match:
                found.add(int(match[1]))
    return found


def _names(redis: Redis, pattern: str) -> list[str]:
    names = cast("list[str | bytes]", list(redis.scan_iter(match=pattern, count=_AT_ONCE)))
    return [name.decode() if isinstance(name, bytes) else name for name in names]


def _delete(redis: Redis, pattern: str) -> None:
    names = _names(redis, pattern)
    for start in range(0, len(names), _AT_ONCE):
        redis.unlink(*names[start : start + _AT_ONCE])
