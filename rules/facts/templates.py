"""The tags of a project's templates, Django's and Jinja's, and how templates are called."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from rules.kit import Extractor, Project, Source

_ENDINGS = (".html", ".jinja", ".jinja2", ".j2", ".htm", ".txt", ".xml", ".djhtml", ".mjml")
_OPENING = re.compile(r"\{[#%{]")
_CLOSING = {"{#": "#}", "{%": "%}", "{{": "}}"}
_TRIMS = re.compile(r"\A[-+]|[-+]\Z")
_LONGEST = 600  # characters of a tag
_MOST = 4000  # tags of a template
_RAW = re.compile(r"\b(comment|verbatim|raw)\b")


class TagRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`{% text %}`, or `{{ text }}` where `shown`."""

    line: int
    text: str
    shown: bool


class TemplateRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    tags: tuple[TagRecord, ...]


def extract(source: Source) -> TemplateRecord | None:
    """The tags in their order; comments and verbatim blocks are left out."""
    found: list[TagRecord] = []
    line, at, closing = 1, 0, ""
    for start, kind, inside in _tokens(source.text):
        line += source.text.count("\n", at, start)
        at = start
        text = inside.strip()
        if closing:
            closing = "" if text == closing else closing
            continue
        raw = _RAW.match(text) if kind == "{%" else None
        if raw is not None:
            closing = f"end{raw[1]}"
        elif text and len(text) <= _LONGEST and len(found) < _MOST:
            found.append(TagRecord(line, " ".join(text.split()), kind == "{{"))
    return TemplateRecord(tuple(found)) if found else None


def _tokens(text: str) -> Iterator[tuple[int, str, str]]:
    """Where each tag starts, what opens it, and its text; that of a comment is empty."""
    at = 0
    never_closed: set[str] = set()
    while (opening := _OPENING.search(text, at)) is not None:
        kind = opening[0]
        end = -1 if kind in never_closed else text.find(_CLOSING[kind], opening.end())
        if end < 0:
            never_closed.add(kind)
            at = opening.start() + 1
            continue
        inside = "" if kind == "{#" else text[opening.end() : end]
        yield opening.start(), kind, _TRIMS.sub("", inside)
        at = end + 2


def is_template(path: str) -> bool:
    if not path.endswith(_ENDINGS) or "node_modules/" in path or "/static/" in path:
        return False
    return not path.endswith((".txt", ".xml")) or "template" in path


TEMPLATES = Extractor(
    name="templates",
    version=1,
    record=TemplateRecord,
    reads=is_template,
    extract=extract,
    wanted=lambda data: b"{%" in data or b"{{" in data,
)


@dataclass(frozen=True)
class Templates:
    """Every template by its path, and the paths by the ends that a name may be."""

    by_path: Mapping[str, TemplateRecord]
    _by_name: Mapping[str, tuple[str, ...]]

    @classmethod
    def gather(cls, project: Project) -> Templates:
        records = project.records(TEMPLATES)
        names: dict[str, list[str]] = defaultdict(list)
        for path in sorted(records, key=lambda each: (each.count("/"), each)):
            names[path.rpartition("/")[2]].append(path)
        return cls(records, {name: tuple(paths) for name, paths in names.items()})

    def find(self, name: str) -> str:
        """The path of a template by the name that code gives it; empty if there is none."""
        name = name.rpartition(":")[2].lstrip("/")
        fitting = [
            each
            for each in self._by_name.get(name.rpartition("/")[2], ())
            if f"/{each}".endswith(f"/{name}")
        ]
        inside = [each for each in fitting if f"templates/{name}" in each]
        return next(iter(inside or fitting), "")
