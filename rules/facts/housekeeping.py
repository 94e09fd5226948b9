"""What a project does to get rid of what it no longer needs: sessions, exports, temporary files."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rules.facts.python_modules import Modules
from rules.kit import Extractor, Project, Source

_READ = re.compile(
    r"\.(py|sh|bash|ya?ml|toml|service|timer|tf)$|(^|/)[^/]{0,60}(cron[^/]{0,60}|Procfile|Makefile|README[^/]{0,9})$"
)
_SESSIONS = (
    "clearsessions",
    "clear_expired",
    "cleanup_expired_sessions",
    "qsessions",
    "user_sessions",
)
_CLEANS = re.compile(
    r"(?i)(clean|purge|prune|expire|evict|sweep|reap|rotate|delete_(old|stale|expired)|remove_(old|stale|expired))"
)
_NOT_FILES = re.compile(
    r"(?i)^_?(clean(ed)?|full_clean|clean_fields|clean_[a-z]{1,40}|expires?|expired|is_expired)$"
)


def _mentions(source: Source) -> bool | None:
    return True if any(each in source.text for each in _SESSIONS) else None


SESSIONS: Extractor[bool] = Extractor(
    name="sessions_cleared",
    version=1,
    record=bool,
    reads=lambda path: bool(_READ.search(path)),
    extract=_mentions,
    reads_tests=False,
    wanted=lambda data: b"sessions" in data or b"clear_expired" in data,
)


@dataclass(frozen=True)
class Housekeeping:
    """`sessions` says that something speaks of clearing sessions, `files` of clearing files.

    `cleaners` are the functions whose names say that they clean up.
    """

    sessions: bool
    cleaners: tuple[str, ...]

    @classmethod
    def gather(cls, project: Project) -> Housekeeping:
        modules: Modules = project.facts(Modules)
        cleaners = []
        for path, record in modules.by_path.items():
            stem = path.rpartition("/")[2].removesuffix(".py")
            names = [each.name for each in record.functions]
            names += [stem] if "/commands/" in path or "/tasks/" in path else []
            cleaners += [e for e in names if _CLEANS.search(e) and not _NOT_FILES.search(e)]
        return cls(bool(project.records(SESSIONS)), tuple(sorted(cleaners)))
