"""Which database servers a project speaks to, as its settings and requirements tell."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rules.kit import Extractor, Project, Source
from rules.kit.paths import is_test

_READ = re.compile(
    r"(^|/)(settings?|config|database|db|session|base|common|production|prod|env)(_\w+)?\.py$"
    r"|(^|/)(settings|config)/[^/]+\.py$|(^|/)[^/]*requirements?[^/]*\.(txt|in)$"
    r"|(^|/)requirements/[^/]+\.(txt|in)$|(^|/)(pyproject\.toml|Pipfile|setup\.(py|cfg)|alembic\.ini)$"
    r"|(^|/)(docker-)?compose[^/]*\.ya?ml$|(^|/)\.env[^/]*$"
)
_KINDS = (
    ("postgres", re.compile(
        r"backends\.(postgresql|postgis)|postgres(ql)?(\+\w+)?://|PostgresDsn"
        r"|(?m:^[^\w\n]*)psycopg|[\"']psycopg|asyncpg"
    )),
    ("mysql", re.compile(r"backends\.mysql|mysql(\+\w+)?://|mariadb(\+\w+)?://|mysqlclient|PyMySQL|aiomysql")),
    ("sqlite", re.compile(r"sqlite(\+\w+)?:///")),
    ("oracle", re.compile(r"backends\.oracle|oracle(\+\w+)?://|mssql(\+\w+)?://")),
)  # fmt: skip


def _extract(source: Source) -> tuple[str, ...] | None:
    return tuple(name for name, form in _KINDS if form.search(source.text)) or None


_MARKS = (b"postg", b"psycopg", b"Postgres", b"mysql", b"MySQL", b"mariadb", b"oracle", b"mssql")

KINDS: Extractor[tuple[str, ...]] = Extractor(
    name="database_kinds",
    version=1,
    record=tuple[str, ...],
    reads=lambda path: bool(_READ.search(path)),
    extract=_extract,
    wanted=lambda data: (
        any(each in data for each in _MARKS) or b"asyncpg" in data or b"sqlite" in data
    ),
)


@dataclass(frozen=True)
class DatabaseKind:
    """The servers that the project names outside its tests."""

    kinds: frozenset[str]

    @classmethod
    def gather(cls, project: Project) -> DatabaseKind:
        records = project.records(KINDS)
        return cls(
            frozenset(kind for path, each in records.items() if not is_test(path) for kind in each)
        )

    @property
    def is_postgres(self) -> bool:
        """Whether the project runs on PostgreSQL and on no other server."""
        return self.kinds == {"postgres"}
