"""Writes safe fixes to the files on disk that they were made for."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rules.engine.encodings import read_python, read_text
from rules.engine.finding import Finding, Report, TextEdit
from rules.engine.fix import apply

_ROUNDS = 8


@dataclass(frozen=True)
class Reviewed:
    """A report and the bytes it speaks of, by path."""

    report: Report
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class Repaired:
    """What is left to report, how many findings were cured, and what could not be written."""

    left: Reviewed
    fixed: int = 0
    notes: tuple[str, ...] = ()


def repair(
    reviewed: Reviewed, places: Mapping[str, Path], review_again: Callable[[], Reviewed]
) -> Repaired:
    """Write safe fixes until there are none, reviewing again after each round.

    A file that is not what was reviewed any more is left alone. One that cannot be read with
    all its fixes made gets its old bytes back, and then one fix at a time.
    """
    fixed = 0
    notes: dict[str, str] = {}
    one_by_one: set[str] = set()
    for _ in range(_ROUNDS):
        written: dict[str, tuple[bytes, int]] = {}
        for path, findings in _fixable(reviewed.report).items():
            if path in notes or path not in places or path not in reviewed.files:
                continue
            before = reviewed.files[path]
            after, cured = _mended(path, before, findings[:1] if path in one_by_one else findings)
            problem = _write(places[path], before, after) if after != before else ""
            if problem:
                notes[path] = f"{path} is left as it is: {problem}"
            elif after != before:
                written[path] = (before, cured)
        if not written:
            break
        seen = {each.path for each in reviewed.report.skipped}
        reviewed = review_again()
        broken = {each.path for each in reviewed.report.skipped} & set(written) - seen
        for path in broken:
            _write(places[path], reviewed.files.get(path, b""), written[path][0])
            if path in one_by_one:
                notes[path] = f"{path} is left as it is: with its fix it cannot be read"
            one_by_one.add(path)
        fixed += sum(cured for path, (_, cured) in written.items() if path not in broken)
        if broken:
            reviewed = review_again()
    return Repaired(reviewed, fixed, tuple(notes.values()))


def _fixable(report: Report) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for each in report.findings:
        if each.fix is not None and each.fix.safe:
            found.setdefault(each.path, []).append(each)
    return found


def _mended(path: str, data: bytes, findings: Iterable[Finding]) -> tuple[bytes, int]:
    """The file with these fixes made, without those that overlap earlier ones; how many."""
    source = read_python(data) if path.endswith((".py", ".pyi")) else read_text(data)
    if source is None:
        return data, 0
    cured, mended = 0, data
    chosen: dict[TextEdit, None] = {}
    for each in findings:
        tried = chosen | dict.fromkeys(each.fix.edits if each.fix is not None else ())
        text = apply(source.text, tried)
        encoded = source.encode(text) if text is not None else None
        if encoded is not None:
            chosen, mended, cured = tried, encoded, cured + 1
    return mended, cured


def _write(place: Path, before: bytes, after: bytes) -> str:
    """Put `after` in the place of `before`, wholly or not at all; why not, in words."""
    try:
        if place.read_bytes() != before:
            return "it changed meanwhile"
        _replace(place, after)
    except OSError as problem:
        return problem.strerror or "it cannot be written"
    return ""


def _replace(place: Path, data: bytes) -> None:
    """Raises OSError."""
    handle, name = tempfile.mkstemp(dir=place.parent)
    new = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        shutil.copymode(place, new)
        new.replace(place)
    finally:
        new.unlink(missing_ok=True)
