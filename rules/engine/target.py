"""What a project runs on: its Python, which fixes must not outrun, and its frameworks."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rules.engine.config import Config
from rules.engine.finding import VerifiedFix
from rules.facts.project_declaration import ProjectDeclaration, version_of
from rules.kit import Project

# What the text of a fix may bring, and the version that it came with.
_NEWS: Mapping[tuple[int, int], re.Pattern[str]] = {
    (3, 8): re.compile(r":=|\bcached_property\b|\bTypedDict\b|\bfrom typing import Final\b"),
    (3, 9): re.compile(
        r"\bto_thread\b|\.removeprefix\(|\.removesuffix\(|\bzoneinfo\b|\bZoneInfo\b"
        r"|\busedforsecurity\b|\btyping\.Annotated\b|\bfrom typing import Annotated\b"
    ),
    (3, 10): re.compile(
        r"\| None\b|\bzip\([^)]{0,200}\bstrict=|\bpairwise\b|^[ \t]{0,80}match [^=\n]{1,80}:$",
        re.MULTILINE,
    ),
    (3, 11): re.compile(
        r"\bdatetime\.UTC\b|\bfrom datetime import UTC\b|\bTaskGroup\b|\basyncio\.timeout\b"
        r"|\bexcept\*|\bExceptionGroup\b|\bStrEnum\b|\btomllib\b|\bfile_digest\b"
    ),
    (3, 12): re.compile(r"\bitertools\.batched\b|\bfrom itertools import batched\b"),
}
_LATER = re.compile(r"(?m)^from __future__ import [^\n]{0,80}\bannotations\b")


def target_of(config: Config, project: Project) -> tuple[int, int] | None:
    """The oldest Python that the project runs on: as configured, else as it declares itself."""
    if config.python:
        return version_of(config.python)
    found: ProjectDeclaration = project.facts(ProjectDeclaration)
    return found.python


def frameworks_of(config: Config, project: Project) -> tuple[str, ...]:
    """The frameworks that the project uses: as configured, else those in its dependencies."""
    found: ProjectDeclaration = project.facts(ProjectDeclaration)
    return config.frameworks or found.frameworks


def runs_on(target: tuple[int, int] | None, fix: VerifiedFix, text: str) -> bool:
    """Whether what a fix writes is known to this Python. `text` is the file before it."""
    if target is None:
        return True
    added = "\n".join(each.text for each in fix.edits)
    if _LATER.search(text):
        added = added.replace("| None", "")  # annotations are not evaluated there
    return not any(version > target and news.search(added) for version, news in _NEWS.items())
