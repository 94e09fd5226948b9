"""What a template asks for by itself: queries that stand in it, once for each row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rules.facts.template_users import TemplateUsers
from rules.facts.templates import Templates
from rules.flow.orm.analysis import Found, Missing, Orm, Repeated
from rules.kit import Here, Related, Span, TextFile

ENDINGS = ("*.html", "*.jinja", "*.jinja2", "*.j2", "*.htm")
_REFERENCE = re.compile(r"(?:include|extends|from|import) +[\"']([^\"']+)[\"']")
_MAX_USERS = 12
_MAX_STEPS = 4


@dataclass(frozen=True)
class Shown:
    """A place of a template that runs a query for every row."""

    span: Span
    message: str
    related: tuple[Related, ...]
    doubt: bool


def in_template(file: TextFile, here: Here) -> Iterator[Shown]:
    """What is found in this template, by the views that fill it."""
    if "{%" not in file.text or "for " not in file.text:
        return
    orm: Orm = here.project.facts(Orm)
    seen: set[object] = set()
    for path in _users(file.path, here):
        for each in orm.of(path):
            made = _shown(each, file)
            if made is not None and (made.span.line, made.message) not in seen:
                seen.add((made.span.line, made.message))
                yield made


def _users(path: str, here: Here) -> list[str]:
    """The Python files that name this template, or one that brings it in."""
    templates: Templates = here.project.facts(Templates)
    users: TemplateUsers = here.project.facts(TemplateUsers)
    names = {path.rpartition("/")[2]}
    found: list[str] = []
    for _ in range(_MAX_STEPS):
        bringing = {
            other.rpartition("/")[2]
            for other, record in templates.by_path.items()
            for tag in record.tags
            if not tag.shown and _mentioned(tag.text) in names
        }
        if bringing <= names:
            break
        names |= bringing
    for name in sorted(names):
        found += users.by_name.get(name, ())
    return list(dict.fromkeys(found))[:_MAX_USERS]


def _mentioned(tag: str) -> str:
    found = _REFERENCE.match(tag)
    return found[1].rpartition("/")[2] if found is not None else ""


def _shown(found: Found, file: TextFile) -> Shown | None:
    if found.kind != "template":
        return None
    if isinstance(found, Repeated):
        return _query(found, file)
    return _relation(found, file)


def _query(found: Repeated, file: TextFile) -> Shown | None:
    ran = found.ran
    turn = found.turn
    counts = found.row is not None or (turn is not None and turn.rows is not None)
    if ran.at.path != file.path or ran.writes or not counts:
        return None
    model = ran.query.model.rpartition(".")[2]
    related = (Related(ran.place.path, ran.place.line, "the query"),)
    words = "a query in a method of the row" if ran.place.path != file.path else "a query"
    message = (
        f"{words[0].upper()}{words[1:]} for `{model}` is run on every turn of this loop"
        f"{f' ({ran.place.path}:{ran.place.line})' if ran.place.path != file.path else ''}. "
        "Fetch it with the rows in the view: `annotate`, or `Prefetch(..., to_attr=...)`."
    )
    return Shown(_line(file, ran.at.line), message, related, doubt=False)


def _relation(found: Missing, file: TextFile) -> Shown | None:
    if found.at.path != file.path:
        return None
    query = found.query
    if query is not None and query.place.path != file.path and found.how not in ("count", "exists"):
        return None  # the view is where that is said
    model = found.model.rpartition(".")[2]
    where = f" at {query.place.path}:{query.place.line}" if query is not None else ""
    related = (Related(found.place.path, found.place.line, "read here for each row"),)
    message = (
        f"`{found.relation}` is asked for on every turn of this loop: the query for `{model}`"
        f"{where} does not load `{found.path}`. Load it in the view."
    )
    return Shown(_line(file, found.at.line), message, related, found.doubt)


def _line(file: TextFile, line: int) -> Span:
    text = file.lines[line - 1] if line <= len(file.lines) else ""
    start = len(text) - len(text.lstrip()) + 1
    return Span(line, start, line, max(len(text.rstrip()), start) + 1)
