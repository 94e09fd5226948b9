"""The subjects of the rules on queries: relations that are not loaded, queries run again."""

from __future__ import annotations

import ast
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar

import libcst as cst

from rules.facts.bodies import BODIES
from rules.flow.orm.analysis import Found, Missing, Orm, Repeated
from rules.flow.orm.querying import PICKING
from rules.flow.orm.values import Place, Query, Turn
from rules.kit import Fix, Here, Related, Replace, Span, dotted, find, string
from rules.kit.paths import is_migration, is_test
from rules.kit.positions import positions_in
from rules.kit.subjects import DerivedSubject

_WORDS = frozenset(
    """objects queryset get_queryset graphene strawberry select query session list_display model filter all render
    serializers serializer_class scalars prefetch_related select_related template_name render_template
    renderer""".split()  # noqa: SIM905 - a table reads best so
)
_KINDS = ("template", "admin", "resolver")
_NAME = re.compile(r"[^\W\d]\w*")
_LONGEST = 60  # characters of code in a message
_ODD_JOB = re.compile(
    r"(^|/)(scripts?|bin|tools?|examples?|demos?|samples?)/"
    r"|(^|/)(random|sample|demo|dummy|fake|populate|seed)_?(data|db|database)?(_task)?(\.py$|/)"
)
_DEED = re.compile(  # what a function is called that does more than to look something up
    r"(^|\.)_*(create|add|void|cancel|send|process|handle|sync|update|delete|remove|assign|run|trigger"
    r"|refresh|import|migrate|transfer|grant|revoke|perform|execute|save|store|publish|notify|charge"
    r"|cleanup|stream|download|emit|enqueue|dispatch|submit|push|write|record|mark|start|stop|finish|retry"
    r"|register|upload|copy|move|apply|set|make|build|generate|do|close|reset|restore|archive)(_|$)"
)
_ADVICE: Mapping[str, str] = {
    "count": "one query with `func.count()` and `group_by`",
    "exists": "the set of keys that exist, with `in_()`",
}
_LOADED = frozenset({"join", "all"})  # ways of reading that loading the relation cures
_UNNAMED = frozenset({"iterate", "list", "len", "bool", "in", "any", "all", "sum", "[0]"})
_BULK: Mapping[str, str] = {
    "create": "bulk_create",
    "get_or_create": "bulk_create(..., ignore_conflicts=True)",
    "update_or_create": "bulk_create(..., update_conflicts=True)",
}
_SHOWN = 3  # paths that a message names


@dataclass(frozen=True, eq=False)
class Unloaded(DerivedSubject):
    """Relations that are read from each row of one query, which does not load them.

    `paths` are the deepest, as `select_related` would name them, in the order of reading; `first`
    says where the first is read, `where` which node to flag.
    """

    words: ClassVar[frozenset[str]] = _WORDS
    is_followed: ClassVar[bool] = True

    kind: str
    paths: tuple[str, ...]
    reads: tuple[Missing, ...]
    where: cst.CSTNode | Span
    line: int
    query: Place | None = None
    alchemy: bool = False
    raises: bool = False
    in_async: bool = False
    doubt: bool = False
    is_deed: bool = False
    joins: tuple[str, ...] = ()
    node: cst.BaseExpression | None = None

    @classmethod
    def lives_in(cls, path: str) -> bool:
        return not is_test(path) and not is_migration(path)

    @classmethod
    def found_in(cls, module: cst.Module, here: Here) -> Iterator[Unloaded]:
        orm = current(here.project.facts(Orm), module, here)
        found = [each for each in orm.of(here.path) if isinstance(each, Missing)]
        found += orm.refused_from(here.path)
        nested = here.text.splitlines() if "Serializer(" in here.text else []
        shown = orm.shown_from(here.path) if nested else ()
        found += (e for e in shown if _kind(e) == "serializer" and _is_nested(e, nested))
        places = _Places(module, here)
        seen = set()
        for group in _groups(found):
            for reads in _told_together(group, here.path):
                made = _unloaded(group, reads, here, places)
                paths = made.paths if made is not None and not made.is_asked_elsewhere(here) else ()
                if made is not None and (made.kind, made.line, paths) not in seen:
                    seen.add((made.kind, made.line, paths))
                    yield made

    @property
    def first(self) -> Missing:
        return self.reads[0]

    def is_asked_elsewhere(self, here: Here) -> bool:
        """Whether a serializer is told of a query in another file, one for all such."""
        return self.kind == "serializer" and self.query is not None and self.query.path != here.path

    @property
    def names(self) -> str:
        """The paths, in words: at most three of them."""
        shown = ", ".join(f"`{each}`" for each in self.paths[:_SHOWN])
        rest = len(self.paths) - _SHOWN
        return f"{shown} and {rest} more" if rest > 0 else shown

    @property
    def cure(self) -> str:
        """The call to add: `.select_related("author").prefetch_related("tags")`."""
        if self.alchemy:
            return self.options
        joined = [each for each in self.paths if each in self.joins]
        fetched = [each for each in self.paths if each not in self.joins]
        calls = [("select_related", joined), ("prefetch_related", fetched)]
        return "".join(
            f".{name}({', '.join(chr(34) + each + chr(34) for each in paths[:_SHOWN])})"
            for name, paths in calls
            if paths
        )

    @property
    def identity(self) -> str:
        """What stays the same while the query is edited in other ways."""
        return f"{self.model} {' '.join(self.paths)}"

    @property
    def fails(self) -> bool:
        """Whether reading is an error, not only slow."""
        return self.raises or (self.in_async and self.first.how == "load")

    @property
    def model(self) -> str:
        return self.first.model.rpartition(".")[2]

    def at_query(self, here: Here) -> str:
        """Where the query stands, as seen from what is flagged."""
        if self.query is None:
            return "that gave these rows"
        if self.query.path != here.path:
            return f"at {self.query.path}:{self.query.line}"
        return "in the same line" if self.query.line == self.line else f"in line {self.query.line}"

    def code(self, here: Here) -> str:
        """What is flagged, as it is written, if that is short."""
        return _written(self.where, here) or self.first.relation

    def told(self, here: Here) -> str:
        """The message where a loop in Python is flagged, or a query that one goes through elsewhere."""
        place = self.first.place
        if self.query is not None and self.query.line == self.line and place.path != here.path:
            return (
                f"The query on `{self.model}` in this line does not load {self.names}, which "
                f"{place.path}:{place.line} reads for each row: a query for every one. "
                f"Add `{self.cure}` to it."
            )
        is_here = here.path in {place.path, *(turn.place.path for turn in _own_loops(self.first))}
        where = "of this loop" if is_here else f"that {place.path}:{place.line} reads"
        return (
            f"`{self.code(here)}` runs a query for every row {where}: the query on "
            f"`{self.model}` {self.at_query(here)} does not load {self.names}. "
            f"Add `{self.cure}` to it."
        )

    @property
    def options(self) -> str:
        """What SQLAlchemy calls it: `options(joinedload(Book.author))`."""
        parts = self.first.path.split("__")
        loader = "joinedload" if self.first.path in self.joins else "selectinload"
        chain = f"{loader}({self.model}.{parts[0]})"
        more = "".join(f".{loader}(...{each})" for each in parts[1:])
        return f".options({chain}{more})"

    def related(self) -> tuple[Related, ...]:
        seen: dict[tuple[str, int], Related] = {}
        for each in self.reads[:_SHOWN]:
            place = each.place
            seen.setdefault(
                (place.path, place.line),
                Related(place.path, place.line, f"`{each.relation}` is read here for each row"),
            )
        return tuple(seen.values())

    def fix(self) -> Fix | None:
        """The query with what it lacks, where the query stands in this file."""
        if self.node is None or self.alchemy or self.first.query is None:
            return None
        return _loading(self.node, self.paths, frozenset(self.joins))


@dataclass(frozen=True, eq=False)
class Again(DerivedSubject):
    """A query that is run for every row or turn of a loop."""

    words: ClassVar[frozenset[str]] = _WORDS
    is_followed: ClassVar[bool] = True

    found: Repeated
    where: cst.CSTNode | Span
    kind: str
    line: int
    defeats: bool = False
    is_deed: bool = False
    is_odd_job: bool = False

    @property
    def what(self) -> str:
        return self.found.ran.what

    @property
    def model(self) -> str:
        return self.found.ran.query.model.rpartition(".")[2]

    @property
    def relation(self) -> str:
        return self.found.ran.query.relation

    @property
    def doubt(self) -> bool:
        """Whether the loop may be short, or does more to each row than to ask for something."""
        turn, ran = self.found.turn, self.found.ran
        known = self.found.row is not None or (turn is not None and turn.rows is not None)
        far = ran.at != ran.place
        if ran.writes:
            acts = turn.acts if turn is not None else 0
            return self.is_odd_job or acts > far or (far and not known)
        return self.is_odd_job or (far and (self.is_deed or not known))

    @property
    def advice(self) -> str:
        """What to ask once instead."""
        if self.found.ran.query.alchemy:
            return _ADVICE.get(self.what, "all rows with one `in_()` filter, kept in a dictionary")
        if self.what == "count":
            return "`annotate(Count(...))`, or one grouped query"
        if self.what in ("exists", "bool", "in"):
            return "`annotate(Exists(...))`, or the set of keys that exist"
        if self.found.ran.query.via is not None:
            return "`prefetch_related`, with a `Prefetch` where these rows are filtered"
        return "all rows with one `__in` filter, kept in a dictionary"

    @property
    def bulk(self) -> str:
        """The bulk operation for what is written."""
        if self.found.ran.query.alchemy:
            return "one `update()` statement says the same"
        if self.what == "delete":
            return "`.delete()` on the query says the same"
        if self.is_of_relation:
            return "write the rows of the `through` model at once, with `bulk_create` or `delete`"
        return f"collect the rows and call `{_BULK.get(self.what, 'bulk_update')}` once"

    @property
    def is_of_relation(self) -> bool:
        """Whether it changes which rows belong to one, not the rows."""
        return self.what in ("add", "set", "remove", "clear")

    def code(self, here: Here) -> str:
        return _written(self.where, here) or self.what

    def told(self, here: Here) -> str:
        """The message where it is run for what it gives."""
        written = _written(self.where, here)
        if not written and self.what not in _UNNAMED:
            written = self.what
        if here.path in {each.place.path for each in self.found.ran.loops}:
            subject = f"`{written}`" if written else "This"
            return (
                f"{subject} runs a query for `{self.model}` on every turn of this loop"
                f"{self.inside(here)}. Ask once before the loop: {self.advice}."
            )
        rows = f"the rows of `{written}`" if written else "these rows"
        return (
            f"For each of {rows} a query for `{self.model}` runs{self.inside(here)}. "
            f"Ask once for all of them: {self.advice}."
        )

    def inside(self, here: Here) -> str:
        """Where the query stands, if not in what is flagged."""
        place = self.found.ran.place
        if place.path == here.path:
            return "" if place.line == self.line else f" (in line {place.line})"
        return f" (at {place.path}:{place.line})"

    def is_special(self, here: Here) -> bool:
        """Whether rows of this model do more when they are written one by one."""
        orm: Orm = here.project.facts(Orm)
        return orm.writes_specially(self.found.ran)

    def related(self) -> tuple[Related, ...]:
        found = [Related(t.place.path, t.place.line, "the loop") for t in self.found.ran.loops[-1:]]
        place = self.found.ran.place
        return (*found, Related(place.path, place.line, "the query"))

    @classmethod
    def lives_in(cls, path: str) -> bool:
        return not is_test(path) and not is_migration(path)

    @classmethod
    def found_in(cls, module: cst.Module, here: Here) -> Iterator[Again]:
        found = [each for each in _of(module, here) if isinstance(each, Repeated)]
        places = _Places(module, here)
        seen: set[object] = set()
        for each in found:
            anchor = _anchor_of_run(each, here.path)
            key = (each.ran.query.place, each.ran.what.partition(" ")[0], each.entry)
            if anchor is None or anchor in seen or key in seen or _is_told_there(each, here.path):
                continue
            seen |= {anchor, key}
            node = places.node(anchor)
            deed = node is not None and _is_deed(node, here)
            yield cls(
                each,
                node or _span(anchor, places.lines),
                _kind_of_run(each),
                anchor.line,
                _defeats(each),
                is_deed=deed,
                is_odd_job=_is_odd_job(here.path, each.ran.loops),
            )


def _is_odd_job(path: str, loops: Sequence[Turn]) -> bool:
    """Whether it is run by hand, or by night and does so much for each row that it hardly matters."""
    command = "/management/commands/" in path and any(each.acts for each in loops)
    return command or bool(_ODD_JOB.search(path))


def _written(where: cst.CSTNode | Span, here: Here) -> str:
    """A piece of code on one line; of a long call what is called."""
    text = here.source(where) if isinstance(where, cst.CSTNode) else ""
    if isinstance(where, cst.Call) and (len(text) > _LONGEST or "\n" in text):
        text = f"{here.source(where.func)}(...)"
    return text if len(text) <= _LONGEST and "\n" not in text else ""


def _is_deed(node: cst.CSTNode, here: Here) -> bool:
    """Whether a call stands alone: it is made for what it does, not for what it gives."""
    above = here.parent(node)
    if isinstance(above, cst.Await):
        above = here.parent(above)
    called = dotted(node.func) if isinstance(node, cst.Call) else ""
    return isinstance(above, cst.Expr) or bool(_DEED.search(called))


def _is_told_there(found: Repeated, path: str) -> bool:
    """Whether both the loop and its query are in another file, where they are told of."""
    turn, ran = found.turn, found.ran
    if turn is None or found.kind != "python" or path in (ran.at.path, turn.place.path):
        return False
    return turn.rows is None or turn.rows.place.path != path


def _kind_of_run(found: Repeated) -> str:
    for turn in reversed(found.ran.loops):
        if turn.kind:
            return turn.kind
    return found.kind if found.kind in _KINDS else "python"


def _defeats(found: Repeated) -> bool:
    """Whether the rows asked for are those of a relation that is prefetched."""
    query = found.ran.query
    via = query.via
    if via is None or not query.relation or not isinstance(via.origin, Query):
        return False
    path = "__".join((*via.path, query.relation))
    return any(
        each == path or each.startswith(f"{path}__") for each in via.origin.prefetch
    ) and found.ran.what not in ("get", "create", "add")


def _anchor_of_run(found: Repeated, path: str) -> Place | None:
    ran, query = found.ran, found.row.origin if found.row is not None else None
    if _defeats(found) and ran.at != ran.place and isinstance(query, Query):
        return query.place if query.place.path == path else None
    for each in (ran.at, ran.place):
        if each.path == path:
            return each
    for turn in reversed(ran.loops):
        if turn.place.path == path:
            return turn.place
        if turn.rows is not None and turn.rows.place.path == path:
            return turn.rows.place
    place = query.place if isinstance(query, Query) else None
    return place if place is not None and place.path == path else None


def _of(module: cst.Module, here: Here) -> Sequence[Found]:
    orm: Orm = here.project.facts(Orm)
    return current(orm, module, here).of(here.path)


def current(orm: Orm, module: cst.Module, here: Here) -> Orm:
    """The analysis of the text at hand, which may be a patched one."""
    if orm.is_first(here.path, module):
        return orm
    record = here.project.record(BODIES, here.path)
    text = here.text
    known = zlib.decompress(record.packed).decode("utf-8", "surrogatepass") if record else ""
    if text == known:
        return orm
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return orm
    return orm.patched(here.path, tree)


@dataclass
class _Group:
    """The relations that one query lacks for one way of reading its rows."""

    kind: str
    place: Place | None
    reads: list[Missing] = field(default_factory=list)


def _kind(found: Missing) -> str:
    for turn in reversed(found.loops):
        if turn.kind:
            return turn.kind
    return found.kind if found.kind in _KINDS else "python"


def _is_nested(found: Missing, lines: Sequence[str]) -> bool:
    """Whether it is read where one serializer holds another."""
    line = found.place.line
    return 0 < line <= len(lines) and "Serializer(" in lines[line - 1]


def _groups(found: Iterable[Missing]) -> list[_Group]:
    groups: dict[object, _Group] = {}
    for each in found:
        kind = _kind(each)
        query = each.query.place if each.query is not None else None
        key = (kind, query or each.entry, each.model)
        groups.setdefault(key, _Group(kind, query)).reads.append(each)
    return list(groups.values())


def _told_together(group: _Group, path: str) -> list[list[Missing]]:
    """One finding for each of the deepest paths of a loop; one for all that a page shows."""
    sure = [each for each in group.reads if not each.doubt]
    firsts: dict[str, Missing] = {}
    for each in sure or group.reads:
        firsts.setdefault(each.path, each)
    deepest = [
        name for name in firsts if not any(other.startswith(f"{name}__") for other in firsts)
    ]
    reads = [_first_along(name, firsts) for name in deepest]
    rest = replace(group, reads=_others(group.reads, firsts))
    doubtful = _told_together(rest, path) if sure else []
    if not reads:
        return doubtful
    if group.kind != "python":
        return [reads, *doubtful]
    together: dict[object, list[Missing]] = {}
    for each in reads:
        is_alone = each.alchemy or each.how not in _LOADED
        anchor = _anchor(each, group, path, at_query=False)
        together.setdefault(each if is_alone else anchor, []).append(each)
    return [*together.values(), *doubtful]


def _others(reads: Sequence[Missing], told: Mapping[str, Missing]) -> list[Missing]:
    """What may be missing apart from what surely is, and what hangs on that."""
    return [
        each
        for each in reads
        if each.doubt and not any(f"{each.path}__".startswith(f"{name}__") for name in told)
    ]


def _first_along(path: str, firsts: Mapping[str, Missing]) -> Missing:
    """Where the way to `path` is first gone, with all of the path."""
    last = firsts[path]
    first = next(each for name, each in firsts.items() if f"{path}__".startswith(f"{name}__"))
    return replace(first, path=path, joins=last.joins)


def _unloaded(
    group: _Group, reads: Sequence[Missing], here: Here, places: _Places
) -> Unloaded | None:
    path, first = here.path, reads[0]
    shown = group.kind in ("serializer", "template")
    at_query = (shown or first.is_refused) and group.place is not None
    anchor = _anchor(first, group, path, at_query=at_query)
    if anchor is None or (group.kind == "python" and _is_passed_by(first, path, here)):
        return None
    in_file = group.place is not None and group.place.path == path
    node = places.node(group.place) if in_file and group.place is not None else None
    found = places.node(anchor)
    where = found or _span(anchor, places.lines)
    return Unloaded(
        group.kind,
        tuple(each.path for each in reads),
        tuple(reads),
        where,
        anchor.line,
        group.place,
        alchemy=first.alchemy,
        raises=any(each.how == "raise" for each in reads),
        in_async=any(each.query is not None and each.query.awaited for each in reads),
        doubt=any(each.doubt or _is_far(each, path) for each in reads)
        or _is_odd_job(path, first.loops),
        is_deed=found is not None and first.at != first.place and _is_deed(found, here),
        joins=tuple(each.path for each in reads if each.joins and _joins(each)),
        node=node if isinstance(node, cst.BaseExpression) else None,
    )


def _is_passed_by(read: Missing, path: str, here: Here) -> bool:
    """Whether a file only calls what reads rows in a loop of another file.

    Where that other file also asks for the rows it is told there. Where nobody asked for the row
    from which the loop starts, the loop is to change, not each of its callers.
    """
    query = read.query
    loops = {turn.place.path for turn in _own_loops(read)}
    if path in loops or path in (read.place.path, read.asked_in):
        return False
    if query is None:
        return not read.row.each
    orm: Orm = here.project.facts(Orm)
    near = dict.fromkeys((query.place.path, *sorted(loops)))
    return any(
        isinstance(each, Missing)
        and each.place == read.place
        and each.query is not None
        and each.query.place == query.place
        for other in near
        for each in orm.of(other)
    )


def _own_loops(read: Missing) -> Sequence[Turn]:
    """The loops over the rows of the query; where there is none, the innermost one."""
    own = [turn for turn in read.loops if turn.rows == read.query]
    return own or read.loops[-1:]


def _is_far(read: Missing, path: str) -> bool:
    """Whether a relation of a relation is read in another part of the project.

    The options that it lacks serve many; who reads so far away may have asked for more between.
    """
    options = read.options_at
    if options is None or options.path == path or "__" not in read.path or not read.is_refused:
        return False
    near = {_folder(read.asked_in), _folder(options.path)}
    return _folder(read.place.path) not in near


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _joins(read: Missing) -> bool:
    """Whether a join can load it: not what hangs on a prefetch."""
    query = read.query
    parts = read.path.split("__")
    return query is None or not any(
        "__".join(parts[:depth]) in query.prefetch for depth in range(1, len(parts))
    )


def _anchor(first: Missing, group: _Group, path: str, *, at_query: bool) -> Place | None:
    around = [turn.place for turn in first.loops if turn.rows is not None]
    own = [turn.place for turn in first.loops if turn.rows == first.query]
    candidates = [first.at, *(own or around[-1:])]
    options = first.options_at if first.is_refused else None
    if options is not None and options.path == path:
        return options
    if at_query and group.place is not None:
        candidates.insert(0, group.place)
    elif group.place is not None and (first.row.each or group.kind != "python"):
        candidates.append(group.place)  # of one row the loop itself is told, wherever it stands
    if group.kind == "serializer":
        candidates.append(first.place)
    return next((each for each in candidates if each.path == path), None)


class _Places:
    """Finds the nodes that stand at places of `ast`."""

    def __init__(self, module: cst.Module, here: Here) -> None:
        self._module = module
        self._here = here
        self._known: dict[str, dict[Span, cst.CSTNode]] = {}

    @cached_property
    def lines(self) -> list[str]:
        return self._here.text.splitlines()

    def node(self, place: Place) -> cst.CSTNode | None:
        if not place.end_line or place.path != self._here.path:
            return None
        span = _span(place, self.lines)
        start = self.lines[span.line - 1][span.column - 1 :] if span.line <= len(self.lines) else ""
        name = _NAME.match(start)
        first = name[0] if name is not None else ""
        if first not in self._known:
            self._known[first] = self._beginning_with(first)
        return self._known[first].get(span)

    def _beginning_with(self, name: str) -> dict[Span, cst.CSTNode]:
        """The nodes whose code begins with a name; all that may be meant if there is none."""
        nodes = [each for each in self._all if not name or _first_name(each) == name]
        spans = positions_in(self._here.text, self._module, nodes, self._here.scopes.parents)
        found: dict[Span, cst.CSTNode] = {}
        for each in nodes:
            found.setdefault(spans[id(each)], each)
        return found

    @cached_property
    def _all(self) -> list[cst.CSTNode]:
        return list(find(self._module, cst.Attribute, cst.Call, cst.Name, cst.Subscript))


def _first_name(node: cst.CSTNode) -> str:
    while isinstance(node, cst.Attribute | cst.Subscript | cst.Call):
        node = node.func if isinstance(node, cst.Call) else node.value
        if node.lpar:
            return ""
    return node.value if isinstance(node, cst.Name) else ""


def _span(place: Place, lines: Sequence[str]) -> Span:
    if not place.end_line:
        text = lines[place.line - 1] if place.line <= len(lines) else ""
        indent = len(text) - len(text.lstrip())
        return Span(place.line, indent + 1, place.line, max(len(text.rstrip()), indent) + 1)
    start = _column(lines, place.line, place.column)
    return Span(place.line, start, place.end_line, _column(lines, place.end_line, place.end_column))


def _column(lines: Sequence[str], line: int, offset: int) -> int:
    """A column in code points from one in bytes."""
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    return len(text.encode()[:offset].decode("utf-8", "ignore")) + 1


def _loading(node: cst.BaseExpression, paths: Sequence[str], joins: frozenset[str]) -> Fix | None:
    match node:
        case cst.Call(func=cst.Attribute(value=base, attr=cst.Name(name))) if (
            name.removeprefix("a") in PICKING
        ):
            return _loading(base, paths, joins)
        case cst.Call(func=cst.Name(name)) | cst.Call(func=cst.Attribute(attr=cst.Name(name))) if (
            name.endswith("_or_404")
        ):
            return _loading_of_class(node, paths, joins)
        case cst.Subscript():
            return None
    wanted = {
        "select_related": [each for each in paths if each in joins],
        "prefetch_related": [each for each in paths if each not in joins],
    }
    if len([each for each in wanted.values() if each]) == 1:
        method, names = next((m, n) for m, n in wanted.items() if n)
        existing = _eager_call(node, method)
        if existing is not None and len(names) == 1:
            return _extended(existing, names[0])
    inner = node
    match inner:
        case cst.Call(func=cst.Attribute(value=base, attr=cst.Name("all")), args=[]):
            inner = base
        case _:
            pass
    made: cst.BaseExpression = inner.with_changes(lpar=[], rpar=[])
    for method, names in wanted.items():
        if names:
            args = [cst.Arg(cst.SimpleString(f'"{each}"')) for each in names]
            made = cst.Call(cst.Attribute(made, cst.Name(method)), args)
    return Fix((Replace(node, made),))


def _loading_of_class(node: cst.Call, paths: Sequence[str], joins: frozenset[str]) -> Fix | None:
    """`get_object_or_404(Book, pk=pk)`, which takes a query as well."""
    match node.args:
        case [cst.Arg(value=cst.Name() as name), *_] if name.value[:1].isupper():
            query = cst.Attribute(name, cst.Name("objects"))
            fix = _loading(query, paths, joins)
            made = fix.edits[0] if fix is not None else None
            if isinstance(made, Replace):
                return Fix((Replace(name, made.new),))
    return None


def _extended(existing: cst.Call, name: str) -> Fix:
    quoted = cst.SimpleString(f'"{name}"')
    old = [each for each in existing.args if name.startswith(f"{string(each.value)}__")]
    if old:
        return Fix((Replace(old[0].value, quoted),))
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    *first, last = existing.args
    if isinstance(last.comma, cst.Comma):
        args = [*existing.args, cst.Arg(quoted, comma=last.comma)]
    else:
        args = [*first, last.with_changes(comma=comma), cst.Arg(quoted)]
    return Fix((Replace(existing, existing.with_changes(args=args, lpar=[], rpar=[])),))


def _eager_call(node: cst.BaseExpression, method: str) -> cst.Call | None:
    """The call of `method` in this chain that names its relations as plain strings."""
    at: cst.BaseExpression = node
    while isinstance(at, cst.Call) and isinstance(at.func, cst.Attribute):
        if at.func.attr.value == method and at.args:
            return at if all(string(each.value) for each in at.args) else None
        at = at.func.value
    return None
