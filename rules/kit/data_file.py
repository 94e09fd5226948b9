"""The subject `DataFile`: a file of configuration, read in its language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from rules.kit import json_values, line_values, requirement_values, toml_values, yaml_values
from rules.kit.subjects import ReadSubject, TextFile
from rules.kit.values import BrokenFileError, Key, Path, Value

_LARGEST = 1_000_000  # characters
_LARGEST_YAML = 262_144
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("json", re.compile(r"(\.json|(^|/)Pipfile\.lock)$")),
    ("toml", re.compile(r"(\.toml|(^|/)(Pipfile|poetry\.lock|uv\.lock|pdm\.lock|Cargo\.lock))$")),
    ("yaml", re.compile(r"\.ya?ml$")),
    ("requirements", re.compile(
        r"(requirements?|constraints?)[^/]{0,200}\.(txt|in|pip)$|(^|/)requirements/[^/]+\.(txt|in|pip)$"
    )),
    ("unit", re.compile(r"\.(service|timer|socket|target)$")),
    ("ini", re.compile(r"\.(ini|cfg)$|(^|/)supervisor[^/]*\.conf$|(^|/)\.(flake8|pylintrc|coveragerc|bandit|editorconfig)$|(^|/)pylintrc$")),
    ("procfile", re.compile(r"(^|/)Procfile(\.\w+)?$")),
    ("env", re.compile(r"(^|/)\.env([._-][\w.-]+)?$|\.env(\.[\w-]+)?$|(^|/)\.flaskenv$")),
)  # fmt: skip
_READERS: Mapping[str, Callable[[str], Value]] = {
    "json": json_values.read,
    "toml": toml_values.read,
    "requirements": requirement_values.read,
    "unit": line_values.read_unit,
    "ini": line_values.read_ini,
    "procfile": line_values.read_procfile,
    "env": line_values.read_env,
}


def kind_of(path: str) -> str:
    """The language of a data file by its path, empty for files of another sort."""
    return next((kind for kind, form in _KINDS if form.search(path)), "")


@dataclass(frozen=True, eq=False)
class DataFile(ReadSubject):
    """A file of data. A rule on data files names its paths in `files=`.

    `kind` is json, toml, yaml, requirements, unit, ini, procfile or env. Only YAML may hold
    several `documents`.
    """

    path: str
    text: str
    kind: str
    documents: tuple[Value, ...]

    @classmethod
    def parse(cls, path: str, text: str) -> Self:
        """Read a file by the language of its path. Raises BrokenFileError."""
        kind = kind_of(path)
        if not kind:
            raise BrokenFileError("its language is not known")
        if len(text) > (_LARGEST_YAML if kind == "yaml" else _LARGEST):
            raise BrokenFileError("it is too large")
        text = text.removeprefix("\ufeff")
        read = yaml_values.read(text) if kind == "yaml" else (_READERS[kind](text),)
        return cls(path, text, kind, read)

    @classmethod
    def read_from(cls, file: TextFile) -> Self | None:
        try:
            return cls.parse(file.path, file.text)
        except BrokenFileError:
            return None

    @property
    def data(self) -> Any:
        """The plain values of the first document."""
        return self.documents[0].data if self.documents else None

    def get(self, *path: Key) -> Value | None:
        """The value at a path: `file.get("services", "db", "image")`; of the first document that has it."""
        found = (each.get(*path) for each in self.documents)
        return next((each for each in found if each is not None), None)

    def walk(self) -> Iterator[tuple[Path, Value]]:
        """Every value with its path, in the order of the file."""
        for each in self.documents:
            yield from each.walk()
