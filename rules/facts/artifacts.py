"""Files that programs make beside the source: where each kind lies, and the first of each folder.

A folder of a thousand such files is told of once, at the first of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from rules.kit import Project

TEST_DATA = re.compile(
    r"(^|/)(tests?|testing|[\w-]*fixtures?|test[_-]?(data|files|assets)|samples?|examples?|corpus"
    r"|cassettes|snapshots?|golden|e2e|specs?)/",
    re.IGNORECASE,
)
_FOLDERS = re.compile(
    r"(?:^|/)(?P<name>[\w.+-]{1,80}\.(?:egg-info|dist-info)|\.eggs|node_modules|bower_components"
    r"|build/(?:lib(?:\.[\w.-]{1,60})?|bdist\.[\w.-]{1,60}|temp\.[\w.-]{1,60})|pip-wheel-metadata"
    r"|(?:staticfiles|static_root|collected_static|collectstatic)/(?:admin|rest_framework)"
    r"|htmlcov|\.pytest_cache|\.mypy_cache|\.ruff_cache|\.pytype|\.hypothesis|\.tox|\.nox"
    r"|playwright-report|test-results|\.nyc_output|\.benchmarks|\.ipynb_checkpoints)/"
)
_UPLOADS = re.compile(r"(?:^|/)(?:uploads|user_uploads|uploaded_files|user_media)/")


@dataclass(frozen=True)
class ArtifactFolders:
    """The first file of every folder that a program made, by the path of the folder."""

    first: Mapping[str, str]

    @classmethod
    def gather(cls, project: Project) -> ArtifactFolders:
        first: dict[str, str] = {}
        for path in project.paths:
            folder = artifact_folder(path)
            if folder and path < first.get(folder, "\U0010ffff"):
                first[folder] = path
        return cls(first)

    def is_first(self, path: str) -> bool:
        """Whether the file is the one at which its folder is told of."""
        return self.first.get(artifact_folder(path)) == path


@lru_cache(maxsize=8192)
def artifact_folder(path: str) -> str:
    """The outermost folder around a file that a program made; empty for one in no such folder."""
    found = _FOLDERS.search(path)
    return path[: found.end() - 1] if found else ""


def uploads_folder(path: str) -> str:
    """The folder of uploads that a file lies in; empty for one in none."""
    found = _UPLOADS.search(path)
    return path[: found.end() - 1] if found else ""
