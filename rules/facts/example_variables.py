"""Environment variables that a project writes down: in example files, and anywhere in its docs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from rules.kit import Extractor, Project, Source

_EXAMPLE = re.compile(
    r"(^|/)(\.?env[._-]?(example|sample|template|dist|defaults?|tpl)\w*|(example|sample|template|default)s?[._-]env"
    r"|\.env\.\w+[._-](example|sample|template|dist)|[\w-]+\.env[._-](example|sample|template|dist)"
    r"|env\.\w*(example|sample|template)\w*|\.env\.(docker|compose)[._-]?\w*)$"
)
_DOCUMENT = re.compile(
    r"(^|/)(README|INSTALL|CONTRIBUTING|DEPLOY\w*|SELF.?HOST\w*)[^/]*$|(^|/)docs?/.+\.(md|mdx|rst|txt)$"
    r"|(^|/)(docker-)?compose[^/]*\.ya?ml$|(^|/)app\.json$|(^|/)Dockerfile[^/]*$"
    r"|(^|/)(charts?|helm|k8s|kubernetes|deploy\w*|infra\w*|terraform)/.+\.(ya?ml|tf|env|md|json)$"
)
_ASSIGNED = re.compile(r"(?m)^[ \t]*(?:#[ \t]*)?(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=")
_MENTIONED = re.compile(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b")


class Variables(msgspec.Struct, frozen=True):
    """The names that a file writes down; `is_example` for one that is copied and filled in."""

    names: tuple[str, ...]
    is_example: bool


def _reads(path: str) -> bool:
    return bool(_EXAMPLE.search(path) or _DOCUMENT.search(path))


def _extract(source: Source) -> Variables | None:
    # Which of both it is, its path tells; the bytes alone show both kinds of names.
    assigned = set(_ASSIGNED.findall(source.text))
    names = assigned | set(_MENTIONED.findall(source.text))
    return Variables(tuple(sorted(names)), bool(assigned)) if names else None


VARIABLES = Extractor(
    name="example_variables",
    version=1,
    record=Variables,
    reads=_reads,
    extract=_extract,
    wanted=lambda data: len(data) < 300_000 and b"_" in data,
)


@dataclass(frozen=True)
class ExampleVariables:
    """`examples` are the names by example file; `anywhere` those in any document."""

    examples: Mapping[str, frozenset[str]]
    anywhere: frozenset[str]

    @classmethod
    def gather(cls, project: Project) -> ExampleVariables:
        records = project.records(VARIABLES)
        examples = {
            path: frozenset(each.names)
            for path, each in records.items()
            if _EXAMPLE.search(path) and each.is_example
        }
        return cls(examples, frozenset(name for each in records.values() for name in each.names))

    def example_for(self, path: str) -> str | None:
        """The example file that belongs to a source file: of the nearest folder above it."""
        folder = path.rpartition("/")[0]
        while True:
            beside = sorted(each for each in self.examples if each.rpartition("/")[0] == folder)
            if beside:
                return beside[0]
            if not folder:
                return None
            folder = folder.rpartition("/")[0]
