"""What the path of a file says about its purpose."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import PurePosixPath

_TEST = re.compile(
    r"(^|/)(tests?|testing|testutils?|e2e|specs?|\.semgrep)/|(^|/)(test_[^/]*|[^/]*_tests?|tests?|conftest)\.py$"
)
_MIGRATION = re.compile(r"(^|/)(migrations|alembic|versions)/[^/]+\.py$")
_SCRIPT = re.compile(
    r"(^|/)(scripts?|bin|tools?|examples?|docs?|benchmarks?|bench|demos?|samples?|playground|notebooks?)/"
    r"|(^|/)management/commands/|(^|/)(manage|setup|noxfile|tasks|fabfile|gulpfile|cli|__main__)\.py$"
    r"|(^|/)cli/"
)
_GENERATED = re.compile(
    r"(_pb2|_pb2_grpc|\.generated|_generated)\.pyi?$|(^|/)(vendor|vendored|third_party)/"
)


@lru_cache(maxsize=8192)
def is_test(path: str) -> bool:
    """Tests and what only tests use."""
    return bool(_TEST.search(path))


@lru_cache(maxsize=8192)
def is_migration(path: str) -> bool:
    """A Django or Alembic migration."""
    return bool(_MIGRATION.search(path))


@lru_cache(maxsize=8192)
def is_script(path: str) -> bool:
    """Run by a person at a terminal: commands, scripts, examples."""
    return bool(_SCRIPT.search(path))


def is_generated(path: str) -> bool:
    """Written by a program or by somebody else."""
    return bool(_GENERATED.search(path))


def is_python(path: str) -> bool:
    return path.endswith((".py", ".pyi"))


def is_module(path: str) -> bool:
    """A Python file that runs: no stub. Extractors that share this test are asked at once."""
    return path.endswith(".py")


def name_of(path: str) -> str:
    """The last part of a path."""
    return PurePosixPath(path).name
