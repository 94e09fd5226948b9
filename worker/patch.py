"""Every fix of a review as one patch for `git apply`. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import unified_diff

from rules.engine.finding import Finding, TextEdit
from rules.engine.fix import apply

_NO_NEWLINE = "\\ No newline at end of file"


@dataclass(frozen=True, slots=True)
class Patched:
    """A file as it is, and as the fixes of some rules make it; `mode` as git writes it."""

    path: str
    before: str
    after: str
    mode: str = "100644"
    codes: tuple[str, ...] = ()


def patched(findings: Iterable[Finding], files: Mapping[str, bytes]) -> tuple[Patched, ...]:
    """The files with the fixes applied, in the order of their paths.

    Fixes that touch what an earlier one changes are left out, and files that are not UTF-8: a
    patch of those would not apply.
    """
    wanted: defaultdict[str, list[tuple[str, tuple[TextEdit, ...]]]] = defaultdict(list)
    for finding in findings:
        paths = {edit.path for edit in finding.fix.edits} if finding.fix else set()
        if finding.fix and paths == {finding.path}:
            wanted[finding.path].append((finding.code, finding.fix.edits))
    found = []
    for path, fixes in sorted(wanted.items()):
        try:
            text = files.get(path, b"").decode()
        except UnicodeDecodeError:
            continue
        after, codes = _applied(text, fixes)
        if after != text:
            found.append(Patched(path, text, after, codes=codes))
    return tuple(found)


def as_diff(files: Iterable[Patched]) -> str:
    """A unified diff as git reads it."""
    return "".join(_diff(each) for each in files)


def _diff(file: Patched) -> str:
    before, after = _lines(file.before), _lines(file.after)
    rows = unified_diff(before, after, f"a/{file.path}", f"b/{file.path}")
    return "".join(row if row.endswith("\n") else f"{row}\n{_NO_NEWLINE}\n" for row in rows)


def _lines(text: str) -> list[str]:
    """Split at line feeds only, as git does."""
    parts = text.split("\n")
    return [f"{each}\n" for each in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _applied(
    text: str, fixes: Iterable[tuple[str, tuple[TextEdit, ...]]]
) -> tuple[str, tuple[str, ...]]:
    taken: tuple[TextEdit, ...] = ()
    after, codes = text, set()
    for code, edits in fixes:
        wanted = (*taken, *(each for each in edits if each not in taken))  # one import for two
        tried = apply(text, wanted)
        if tried is not None:
            taken, after = wanted, tried
            codes.add(code)
    return after, tuple(sorted(codes))
