"""What SQLAlchemy's queries and sessions do, as far as it matters what they load and when."""

# A case for each kind of node or name reads best in one place; a call has five parts.

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from rules.flow.orm import querying
from rules.flow.orm.schema import Related
from rules.flow.orm.values import (
    Class,
    Constant,
    Function,
    Mapped,
    Method,
    OneOf,
    Outside,
    Place,
    Query,
    Read,
    Row,
    Sequence,
    Thing,
    Value,
)

if TYPE_CHECKING:
    from rules.flow.orm.evaluator import Evaluator, Frame

LOADERS = frozenset(
    {"joinedload", "selectinload", "subqueryload", "contains_eager", "immediateload"}
    | {"joinedload_all", "subqueryload_all", "defaultload"}
)
# What these join has a name of its own, which the rows of `contains_eager` never have.
_HIDDEN_JOINS = frozenset({"loader.joinedload", "loader.selectinload", "loader.subqueryload"})
_OWN_JOIN = "loader.contains_eager"
_REFUSALS = frozenset({"noload", "raiseload"})
_NARROWING = frozenset(
    """filter filter_by where join outerjoin order_by group_by having distinct with_for_update
    select_from add_columns execution_options yield_per reset_joinpoint enable_assertions
    populate_existing correlate params from_self prefix_with with_only_columns except_
    select_entity_from autoflush with_hint union union_all returning""".split()  # noqa: SIM905 - a table
)
_ONE = frozenset(
    {"one", "one_or_none", "first", "scalar", "scalar_one", "scalar_one_or_none", "get"}
)
_SAME = frozenset({"scalars", "unique", "execute", "stream_scalars", "stream", "partitions"})


def start(ev: Evaluator, args: list[Value], place: Place) -> Value:
    """`session.query(Book)`, `select(Book)`: rows where one mapped class is asked for alone."""
    entities = tuple(
        each.name if isinstance(each, Class) and ev.schema.is_alchemy(each.name) else ""
        for each in args
    )
    first = next(filter(None, entities), "")
    if not first:
        return None
    several = len(args) > 1
    return Query(first, place, alchemy=True, plain=several, entities=entities if several else ())


def parts(ev: Evaluator, query: Query) -> Value:
    """A row of a query for several: those of mapped classes, each of which the session knows."""
    found: list[Value] = []
    for model in query.entities:
        if not model:
            found.append(None)
            continue
        there = {
            name
            for name, each in ev.schema.alchemy(model).items()
            if each.relation.target in query.entities and not each.relation.many
        }
        own = replace(query, model=model, plain=False, entities=(), select=query.select | there)
        found.append(Row(model, own, each=True))
    return Sequence(tuple(found))


def follow(ev: Evaluator, row: Row, found: Related, place: Place, frame: Frame) -> Value:
    relation = found.relation
    if found.lazy not in ("dynamic", "write_only"):
        how = "raise" if found.raises else "always" if found.always else "load"
        frame.note(Read(row, relation.name, how, place, place, frame.loops))
    if not relation.target:
        return None
    if found.lazy in ("dynamic", "write_only"):
        return Query(
            relation.target, place, via=row, relation=relation.name, narrowed=True, alchemy=True
        )
    if not relation.many:
        return row.along(relation.name, relation.target)
    del ev
    return Query(
        relation.target, place, via=row, relation=relation.name, is_list=True, alchemy=True
    )


def call(
    ev: Evaluator,
    query: Query,
    name: str,
    args: list[Value],
    keywords: dict[str, Value],
    place: Place,
    frame: Frame,
) -> Value:
    """A method of a `Query`, a `Select`, or of a result of one."""
    after = replace(query, place=querying.later(query.place, place), is_manager=False)
    if query.is_list:
        return _fetched(query, name)
    if name == "options":
        return _with_options(after, args)
    if name in _NARROWING:
        return replace(after, select=after.select | _held(ev, query, args, keywords))
    if name in ("limit", "offset", "slice"):
        one = name == "limit" and args[:1] == [Constant(1)]
        return replace(after, sliced=True, single=query.single or one)
    if name in ("with_entities", "with_only_columns"):
        return replace(after, plain=True, entities=())
    if name in ("all", "fetchall"):
        querying.note_run(query, "all", place, frame, args)
        return replace(query, is_list=True)
    if name in _SAME or name == "__iter__":
        return query
    if name in _ONE:
        querying.note_run(query, name, place, frame, args)
        return Row(query.model, query) if not query.plain else None
    if name in ("count", "exists"):
        querying.note_run(query, name, place, frame, args)
        return None
    if name in ("update", "delete"):
        querying.note_run(query, name, place, frame, args, writes=True)
    if name == "paginate":
        return Thing("pagination", (("items", replace(query, is_list=True)),))
    if name in ("subquery", "scalar_subquery", "alias", "cte", "exists", "as_scalar"):
        return None
    del ev
    return None


def equal(left: Value, right: Value) -> Value:
    """`Book.author == author`: a condition that says which row stands at the other end."""
    if isinstance(left, Method) and isinstance(left.of, Class) and isinstance(right, Row):
        return Thing("equal", (("name", Constant(left.name)),))
    return None


def _held(
    ev: Evaluator, query: Query, args: list[Value], keywords: dict[str, Value]
) -> frozenset[str]:
    """Relations to a row that the caller holds: the session finds it without a query."""
    names = {key for key, value in keywords.items() if isinstance(value, Row)}
    for each in args:
        name = each.get("name") if isinstance(each, Thing) and each.cls == "equal" else None
        if isinstance(name, Constant) and isinstance(name.value, str):
            names.add(name.value)
    related = {name: ev.schema.related(query.model, name) for name in names}
    return frozenset(
        name
        for name, found in related.items()
        if found is not None and not found.relation.many and not found.raises
    )


def _fetched(query: Query, name: str) -> Value:
    """A method of a result, or of the list from one: nothing more is asked."""
    if name in _ONE:
        return Row(query.model, query) if not query.plain else None
    return query if name in ("all", "fetchall", "copy", "tuples", "mappings", *_SAME) else None


def executed(value: Value, name: str, place: Place, frame: Frame) -> Value:
    """`session.scalars(statement)` and its like."""
    if not isinstance(value, Query):
        return None
    querying.note_run(value, name, place, frame)
    if name in ("scalar", "get"):
        return Row(value.model, value)
    return replace(value, is_manager=False, is_list=True)


def option(ev: Evaluator, name: str, args: list[Value], place: Place) -> Value:
    """`joinedload(Book.author)`: a thing that remembers its path."""
    path = _path(ev, args)
    return Thing(f"loader.{name}", (("path", Constant("__".join(path))),), place=place)


def option_method(ev: Evaluator, thing: Thing, name: str, args: list[Value], place: Place) -> Value:
    thing = replace(thing, place=place)
    known = thing.get("path")
    text = known.value if isinstance(known, Constant) and isinstance(known.value, str) else ""
    if name in LOADERS or name.endswith("load"):
        further = _path(ev, args)
        return thing.with_attribute("path", Constant("__".join([text, *further]).strip("_")))
    if name == "options":
        paths = [text]
        for each in args:
            inner = each.get("path") if isinstance(each, Thing) else None
            if isinstance(each, Thing) and each.cls == _OWN_JOIN and thing.cls in _HIDDEN_JOINS:
                continue
            if isinstance(inner, Constant) and isinstance(inner.value, str):
                paths.append(f"{text}__{inner.value}")
            else:
                paths.append("?")
        return thing.with_attribute("more", Sequence(tuple(Constant(p) for p in paths)))
    return thing


def _path(ev: Evaluator, args: Iterable[Value]) -> list[str]:
    del ev
    found = []
    for each in args:
        if isinstance(each, Method):
            found.append(each.name)
        elif isinstance(each, Outside):
            found.append(each.name.rpartition(".")[2])
        elif isinstance(each, Constant) and isinstance(each.value, str):
            found.append(each.value.replace(".", "__"))
        elif isinstance(each, Function):
            found.append(each.name.rpartition(".")[2])
        elif isinstance(each, Thing) and each.cls == "column":
            name = each.get("name")
            found.append(str(name.value) if isinstance(name, Constant) else "?")
        else:
            found.append("?")
    return found


def _with_options(query: Query, args: list[Value]) -> Query:
    for each in args:
        parts = each.elements if isinstance(each, Sequence) else (each,)
        if isinstance(each, Sequence) and each.any is not None:
            parts = (*parts, None)
        for part in parts:
            query = _with_option(query, part)
            if isinstance(part, Thing) and part.place is not None:
                query = replace(query, loaders=_spanning(query.loaders, part.place))
    return query


def _spanning(first: Place | None, other: Place) -> Place:
    """From one option to another of the same list."""
    if first is None or first.path != other.path or other.line < first.line:
        return other
    return replace(first, end_line=other.end_line, end_column=other.end_column)


def _with_option(query: Query, value: Value) -> Query:
    if isinstance(value, OneOf | Mapped) or not isinstance(value, Thing):
        return replace(query, opaque=True)
    name = value.cls.removeprefix("loader.")
    if name == "load_only":
        columns = value.get("path")
        text = columns.value if isinstance(columns, Constant) else None
        named = frozenset(text.split("__")) if isinstance(text, str) else frozenset()
        return replace(query, columns=named | {"id"} if "?" not in named else None)
    if name in _REFUSALS:
        left_out = value.get("path")
        text = left_out.value if isinstance(left_out, Constant) else None
        names = frozenset({text}) if isinstance(text, str) and "?" not in text else frozenset()
        return replace(query, refused=query.refused | names)
    if name not in LOADERS:
        return query if value.cls.startswith("loader.") else replace(query, opaque=True)
    more = value.get("more")
    texts = more.elements if isinstance(more, Sequence) else (value.get("path"),)
    for each in texts:
        text = each.value if isinstance(each, Constant) and isinstance(each.value, str) else "?"
        if "?" in text:
            return replace(query, opaque=True)
        query = replace(query, select=query.select | {text})
    return query
