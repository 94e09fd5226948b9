"""Other linters that the project runs, and which of their rules are on.

Read as data from their configuration: ruff, flake8, pylint, bandit. Nobody wants the same
sentence twice, so a rule of ours with an equivalent there stays silent.
"""

from __future__ import annotations

import configparser
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from rules.kit import Extractor, Project, Source

_RUFF_DEFAULT = ("E4", "E7", "E9", "F")
_FLAKE8_DEFAULT = ("E", "F", "W", "C90")
_FILES = re.compile(
    r"(^|/)(pyproject\.toml|\.?ruff\.toml|setup\.cfg|tox\.ini|\.flake8|\.?pylintrc|\.bandit"
    r"|bandit\.ya?ml)$"
)


class LinterRecord(msgspec.Struct, frozen=True, array_like=True):
    """One linter's rules. `per_file` maps a glob to what is off for it."""

    linter: str
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    per_file: dict[str, tuple[str, ...]]


class LintersRecord(msgspec.Struct, frozen=True, array_like=True):
    linters: tuple[LinterRecord, ...]


def _words(value: Any) -> tuple[str, ...]:
    """Codes of a list, or of one text with commas and lines."""
    if isinstance(value, str):
        return tuple(each for each in re.split(r"[\s,]+", re.sub(r"#.*", "", value)) if each)
    if isinstance(value, list):
        return tuple(each for each in value if isinstance(each, str))
    return ()


def _ruff(table: Mapping[str, Any]) -> LinterRecord:
    lint = table.get("lint")
    both = {**table, **(lint if isinstance(lint, dict) else {})}
    select = _words(both["select"]) if "select" in both else _RUFF_DEFAULT
    per_file: dict[str, tuple[str, ...]] = {}
    for key in ("per-file-ignores", "extend-per-file-ignores"):
        given = both.get(key)
        if isinstance(given, dict):
            for glob, codes in given.items():
                per_file[glob] = (*per_file.get(glob, ()), *_words(codes))
    return LinterRecord(
        "ruff",
        (*select, *_words(both.get("extend-select"))),
        (*_words(both.get("ignore")), *_words(both.get("extend-ignore"))),
        per_file,
    )


def _pylint(table: Mapping[str, Any]) -> LinterRecord:
    control = table.get("messages_control") or table.get("messages control") or table
    off = _words(control.get("disable")) if isinstance(control, dict) else ()
    return LinterRecord("pylint", ("ALL",), tuple(off), {})


def _bandit(table: Mapping[str, Any]) -> LinterRecord:
    chosen = _words(table.get("tests"))
    return LinterRecord("bandit", chosen or ("B",), _words(table.get("skips")), {})


def _flake8(table: Mapping[str, str]) -> LinterRecord:
    select = _words(table.get("select", "")) or _FLAKE8_DEFAULT
    per_file: dict[str, tuple[str, ...]] = {}
    for row in table.get("per-file-ignores", "").splitlines():
        glob, _, codes = row.partition(":")
        if codes:
            per_file[glob.strip()] = _words(codes)
    off = (*_words(table.get("ignore", "")), *_words(table.get("extend-ignore", "")))
    on = (*select, *_words(table.get("extend-select", "")))
    return LinterRecord("flake8", on, off, per_file)


def _of_toml(text: str) -> list[LinterRecord]:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return []
    tool = data.get("tool")
    if not isinstance(tool, dict):
        alone = {"lint", "select", "extend-select", "ignore", "line-length", "target-version"}
        return [_ruff(data)] if alone & set(data) else []
    readers = {"ruff": _ruff, "pylint": _pylint, "bandit": _bandit}
    return [read(tool[name]) for name, read in readers.items() if isinstance(tool.get(name), dict)]


def _of_ini(text: str) -> list[LinterRecord]:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(text)
    except (configparser.Error, AttributeError):  # the parser stumbles over a continued empty key
        return []
    found = []
    for section in parser.sections():
        table = {key: value or "" for key, value in parser.items(section)}
        if section == "flake8":
            found.append(_flake8(table))
        elif section.lower() in ("messages control", "pylint.messages_control"):
            found.append(_pylint(table))
        elif section == "bandit":
            found.append(_bandit(table))
    return found


def extract(source: Source) -> LintersRecord | None:
    """The linters that one file configures."""
    text = source.text
    found = _of_toml(text) or _of_ini(text)
    if not found and re.search(r"^(skips|tests|exclude_dirs):", text, re.MULTILINE):
        found = [LinterRecord("bandit", ("B",), tuple(re.findall(r"\bB\d{3}\b", text)), {})]
    return LintersRecord(tuple(found)) if found else None


LINTERS = Extractor(
    name="linters",
    version=1,
    record=LintersRecord,
    reads=lambda path: bool(_FILES.search(path)),
    extract=extract,
    wanted=lambda data: any(
        each in data for each in (b"ruff", b"flake8", b"pylint", b"MESSAGES", b"bandit", b"select",
                                  b"lint", b"skips", b"tests:")
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Linters:
    """Which rules of other linters hold for which files."""

    by_folder: Mapping[str, tuple[LinterRecord, ...]]

    @classmethod
    def gather(cls, project: Project) -> Linters:
        found: dict[str, list[LinterRecord]] = {}
        for path, record in project.records(LINTERS).items():
            found.setdefault(path.rpartition("/")[0], []).extend(record.linters)
        return cls({folder: tuple(records) for folder, records in found.items()})

    def covering(self, path: str, peers: Iterable[str]) -> str:
        """The first of the peers (`ruff:E722`) that is on for this file, or nothing."""
        wanted = [peer.partition(":") for peer in peers]
        if not wanted or not self.by_folder:
            return ""
        nearest: dict[str, tuple[LinterRecord, str]] = {}
        folder = path.rpartition("/")[0]
        while True:
            for record in self.by_folder.get(folder, ()):
                nearest.setdefault(record.linter, (record, folder))
            if not folder:
                break
            folder = folder.rpartition("/")[0]
        for linter, _, code in wanted:
            if linter in nearest and _is_on(*nearest[linter], code, path):
                return f"{linter} {code}"
        return ""


def _is_on(record: LinterRecord, folder: str, code: str, path: str) -> bool:
    """The most specific of select and ignore decides, as ruff and flake8 do."""
    inside = path[len(folder) + 1 :] if folder else path
    off = list(record.ignore)
    for glob, codes in record.per_file.items():
        name = inside.rpartition("/")[2]
        if fnmatchcase(inside, glob) or fnmatchcase(name, glob):
            off += codes
    return _closest(code, record.select) > _closest(code, off)


def _closest(code: str, prefixes: Iterable[str]) -> int:
    """The length of the longest prefix that means the code; 0 for ALL, -1 for none."""
    lengths = [len(each) for each in prefixes if code.startswith(each)]
    lengths += [0 for each in prefixes if each.upper() == "ALL"]
    return max(lengths, default=-1)
