"""All that is generated, and where it goes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from rules.engine.docs.checklist_page import checklist_tables
from rules.engine.docs.command_reference import command_sections
from rules.engine.docs.editor_schema import editor_schema
from rules.engine.docs.rule_pages import rule_pages
from rules.engine.docs.settings_reference import settings_tables

# Pages that people write, each with a stretch that is generated.
PARTS: Mapping[str, Callable[[], str]] = {
    "checklist.md": checklist_tables,
    "commands.md": command_sections,
    "configuration.md": settings_tables,
}
_STRETCH = re.compile(
    r"(?P<begin><!-- generated: make docs -->\n).*(?P<end><!-- end of generated -->)", re.DOTALL
)


class MarkError(ValueError):
    """A page that does not say where its generated part begins and ends."""


def generated(docs: Path) -> dict[Path, str]:
    """Each generated file below `docs` with what must stand in it.

    Raises MarkError, and OSError if a page with a generated part cannot be read.
    """
    files = {docs / path: text for path, text in rule_pages()}
    files[docs / "stet.schema.json"] = editor_schema()
    for name, write in PARTS.items():
        files[docs / name] = _filled(docs / name, write())
    return files


def _filled(path: Path, text: str) -> str:
    page = path.read_text("utf-8")
    filled, count = _STRETCH.subn(lambda mark: f"{mark['begin']}\n{text}\n{mark['end']}", page)
    if count != 1:
        raise MarkError(f"{path}: needs one generated stretch between its two marks")
    return filled


def differences(docs: Path) -> Iterator[tuple[Path, str | None]]:
    """The files that must change: what they must hold, or None for one that must go."""
    wanted = generated(docs)
    for path, text in wanted.items():
        if not path.is_file() or path.read_text("utf-8") != text:
            yield path, text
    for path in sorted((docs / "rules").rglob("*.md")):
        if path not in wanted:
            yield path, None


def write(docs: Path) -> int:
    """Bring every generated file up to date; returns how many changed."""
    found = list(differences(docs))
    for path, text in found:
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    return len(found)
