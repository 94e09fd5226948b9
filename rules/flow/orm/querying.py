"""What Django's query sets and managers do, as far as it matters what they load and when."""

# A case for each kind of node or name reads best in one place; a call has five parts.

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from rules.facts.django_models import DEFAULT_MANAGERS, Relation
from rules.facts.queryset_methods import CHAINING
from rules.flow.orm import alchemy
from rules.flow.orm.django_auth import BUILT_IN
from rules.flow.orm.schema import Related
from rules.flow.orm.values import (
    Constant,
    Function,
    Given,
    Known,
    Mapped,
    OneOf,
    Place,
    Query,
    Ran,
    Read,
    Row,
    Sequence,
    Thing,
    Value,
)

if TYPE_CHECKING:
    from rules.flow.orm.evaluator import Evaluator, Frame

_MAX_NAMESAKES = 6
ABOVE = "super()."
PICKING = frozenset({"get", "first", "last", "earliest", "latest"})
_COUNTING = frozenset({"count", "exists", "contains"})
_WRITING = frozenset(
    {"create", "get_or_create", "update_or_create", "update", "delete", "add", "remove", "set"}
    | {"clear", "bulk_create", "bulk_update"}
)
_COMBINING = frozenset({"union", "intersection", "difference"})
_PLAIN = frozenset({"values", "values_list", "dates", "datetimes"})
_NAMING = frozenset({"annotate", "alias", "extra"})


def manager(ev: Evaluator, key: str, name: str, place: Place) -> Query | None:
    """`Book.objects`: a query for all that the manager's `get_queryset` gives."""
    model = ev.schema.models.by_key.get(key)
    if key in BUILT_IN:
        return Query(key, place, manager=name, is_manager=True) if name == "objects" else None
    if model is None:
        if name == "query":
            return Query(key, place, is_manager=True, alchemy=True)
        return None
    if name not in model.managers and name not in DEFAULT_MANAGERS:
        return None
    return of_manager(ev, key, name, place)


def of_manager(ev: Evaluator, key: str, name: str, place: Place) -> Query:
    model = ev.schema.models.by_key.get(key)
    if model is not None and name not in model.managers and model.managers:
        name = next(iter(model.managers)) if name == "_default_manager" else name
    plain = Query(key, place, manager=name, is_manager=True)
    if model is None:
        return plain
    for home in ev.homes(model, name):
        found = ev.class_attribute(home, "get_queryset", plain)
        if isinstance(found, Function) and found.owner in ev.classes.by_name:
            from rules.flow.orm.evaluator import Frame

            summary = ev.summary(found, [], {}, Frame(place.path, "", {}, 4))
            if isinstance(summary.value, Query) and summary.value.model == key:
                return replace(
                    summary.value, place=place, manager=name, is_manager=True, narrowed=False
                )
            return replace(plain, opaque=True)
    return plain


def follow(ev: Evaluator, row: Row, found: Related, place: Place, frame: Frame) -> Value:
    """The relation of a row: the row at the other end, or the query for the rows there."""
    relation = found.relation
    if ev.schema.is_alchemy(row.model):
        return alchemy.follow(ev, row, found, place, frame)
    if not relation.many:
        if f"{relation.name}_id" in frame.tested:
            # Read under `if book.author_id not in seen`: once for each author, not each book.
            target = relation.target
            return Row(target, Given(target)) if target else None
        frame.note(Read(row, relation.name, "join", place, place, frame.loops))
        if not relation.target:
            return None
        return row.along(relation.name, relation.target)
    if not relation.target:
        return None
    return rows_of(ev, row, relation, place)


def rows_of(ev: Evaluator, row: Row, relation: Relation, place: Place) -> Query:
    """The query for the rows at the other end of a relation to many.

    Those got through a reverse foreign key know where they came from.
    """
    base = of_manager(ev, relation.target, "_default_manager", place)
    back = ev.schema.related(relation.target, relation.inverse) if relation.inverse else None
    if not relation.forward and back is not None and not back.relation.many:
        base = replace(base, select=base.select | {relation.inverse})
    return replace(base, via=row, relation=relation.name)


def note_column(ev: Evaluator, row: Row, name: str, place: Place, frame: Frame) -> None:
    """A column that the query of the row left out."""
    model = ev.schema.models.by_key.get(row.model)
    known = model is not None and name in model.fields
    if model is None and row.model in ev.classes.by_name:
        record = ev.classes.by_name[row.model][1]
        known = any(each.name == name for each in record.fields)
    if known:
        frame.note(Read(row, name, "column", place, place, frame.loops))


def note_assignment(ev: Evaluator, row: Row, name: str, place: Place, frame: Frame) -> None:
    """An attribute of a row is set: with SQLAlchemy that is a write when the session flushes."""
    found = ev.schema.related(row.model, name) if ev.schema.is_alchemy(row.model) else None
    if found is not None:
        if found.relation.many and found.raises:  # the rows before are fetched to compare
            frame.note(Read(row, name, "raise", place, place, frame.loops))
        frame.note(Known(row.model, (name,)))
    is_row = isinstance(row.origin, Query) and row.origin.alchemy and row.each and not row.path
    if is_row and frame.sets_alike and isinstance(row.origin, Query):
        frame.note(
            Ran(
                row.origin,
                f"set {name}",
                place,
                place,
                (row,),
                frame.loops,
                writes=True,
                guarded=frame.guarded,
            )
        )


def iterate(ev: Evaluator, query: Query, place: Place, frame: Frame) -> Value:
    """One row of a query that is gone through."""
    if query.is_manager and not query.alchemy:
        return None
    if query.plain:
        if not (query.is_list and query.entities):
            _run(query, "iterate", place, frame)
        return alchemy.parts(ev, query) if query.entities else None
    if query.via is not None and not query.narrowed:
        if not query.alchemy and not query.is_list:
            frame.note(Read(query.via, query.relation, "all", place, place, frame.loops))
        row = query.via.along(query.relation, query.model)
        return row.chosen() if query.single else row
    if not query.is_list:
        _run(query, "iterate", place, frame)
    return Row(query.model, query, (), each=not query.single)


def consume(ev: Evaluator, query: Query, what: str, place: Place, frame: Frame) -> None:
    """A query is evaluated as a whole: `len`, `bool`, `in`, `list`."""
    del ev
    if query.is_manager or query.is_list:
        return
    if query.via is not None and not query.narrowed:
        frame.note(Read(query.via, query.relation, "all", place, place, frame.loops))
    else:
        _run(query, what, place, frame)


def _run(
    query: Query,
    what: str,
    place: Place,
    frame: Frame,
    *,
    args: Iterable[Value] = (),
    writes: bool = False,
) -> None:
    rows = tuple(_rows_in((query.via, *query.given, *args)))
    frame.note(
        Ran(
            query,
            what,
            place,
            place,
            rows,
            frame.loops,
            writes=writes,
            guarded=frame.guarded or (writes and frame.careful),
        )
    )


def note_run(
    query: Query,
    what: str,
    place: Place,
    frame: Frame,
    args: Iterable[Value] = (),
    *,
    writes: bool = False,
) -> None:
    _run(query, what, place, frame, args=args, writes=writes)


def _rows_in(values: Iterable[Value]) -> Iterable[Row]:
    for each in values:
        if isinstance(each, Row):
            yield each
        elif isinstance(each, Sequence):
            yield from _rows_in(each.elements)  # what is asked with any of many is asked once


def picked(ev: Evaluator, query: Query, what: str, place: Place, frame: Frame) -> Value:
    """One row of a query: `[0]`, `.first()`."""
    del ev
    if query.is_list:
        if query.via is not None and not query.narrowed:
            return query.via.along(query.relation, query.model).chosen()
        return Row(query.model, query)
    if query.is_manager and what == "[0]":
        return None
    if query.via is not None and not query.narrowed and what == "[0]":
        frame.note(Read(query.via, query.relation, "all", place, place, frame.loops))
        return query.via.along(query.relation, query.model).chosen()
    _run(query, what, place, frame)
    if query.plain:
        return None
    return Row(query.model, query)


def sliced(query: Query, place: Place, *, one: bool) -> Query:
    if query.is_list:
        return replace(query, single=query.single or one)
    return replace(
        query,
        single=query.single or one,
        sliced=True,
        narrowed=query.narrowed or query.via is not None,
        is_manager=False,
        place=later(query.place, place),
    )


def later(old: Place, new: Place) -> Place:
    """The longer of two chains, if they begin at the same place; else where it begins.

    What another file begins is a library to this one; what a template adds does not count.
    """
    if new.path != old.path:
        return new if new.path.endswith(".py") or not old.path.endswith(".py") else old
    return new if (new.line, new.column) == (old.line, old.column) else old


def either(queries: list[Query]) -> Value:
    """A query that may be any of these: it loads what any loads, so that nothing is made up."""
    queries = [each for each in queries if not each.empty] or queries
    first = queries[0]
    if any(each.model != first.model or each.via != first.via for each in queries):
        return OneOf(tuple(queries[:6]))
    for other in queries[1:]:
        first = replace(
            first,
            entities=first.entities if first.entities == other.entities else (),
            select=first.select | other.select,
            prefetch=first.prefetch | other.prefetch,
            named=first.named | other.named,
            columns=None,
            opaque=first.opaque or other.opaque,
            batched=first.batched or other.batched,
            single=first.single and other.single,
            sliced=first.sliced or other.sliced,
            plain=first.plain or other.plain,
            is_list=first.is_list or other.is_list,
            is_manager=first.is_manager and other.is_manager,
            narrowed=first.narrowed or other.narrowed,
            place=other.place
            if other.select | other.prefetch > first.select | first.prefetch
            else first.place,
        )
    return first


def call(
    ev: Evaluator,
    query: Query,
    name: str,
    args: list[Value],
    keywords: dict[str, Value],
    place: Place,
    frame: Frame,
) -> Value:
    """A method of a query set or manager."""
    if query.alchemy:
        return alchemy.call(ev, query, name, args, keywords, place, frame)
    if query.is_list:
        return query if name == "copy" else None
    above, name = name.startswith(ABOVE), name.removeprefix(ABOVE)
    if not above and name not in CHAINING and name != "all":
        own = _own_method(ev, query, name)
        if own is not None:
            value = ev.invoke(own, args, keywords, place, frame)
            if isinstance(value, Query) and value.model == query.model:
                return replace(value, place=later(query.place, place))
            return value
    after = replace(query, place=later(query.place, place), is_manager=False)
    if name in ("all", "get_queryset", "iterator", "aiterator", "using", "_chain", "_clone"):
        narrowed = query.narrowed or (name in ("iterator", "aiterator") and query.via is not None)
        return replace(after, narrowed=narrowed)
    if name == "select_related":
        return replace(_selecting(after, args), narrowed=query.via is not None)
    if name == "prefetch_related":
        return replace(_prefetching(after, args), narrowed=query.via is not None)
    if name in CHAINING:
        return _chained(ev, after, query, name, args, keywords, place, frame)
    bare = name[1:] if name.startswith("a") and name[1:] in PICKING | _COUNTING | _WRITING else name
    if bare == "get" and args and not keywords and _is_guessed(query):
        return None  # a mapping has a `get`, too
    if bare in PICKING:
        _run(query, bare, place, frame, args=(*args, *keywords.values()))
        return Row(query.model, after) if not query.plain else None
    if bare in _COUNTING:
        if query.via is not None and not query.narrowed:
            frame.note(Read(query.via, query.relation, bare, place, place, frame.loops))
        else:
            _run(query, bare, place, frame, args=(*args, *keywords.values()))
        return None
    if bare == "aggregate" or name == "aaggregate":
        _run(query, "aggregate", place, frame)
        return Mapped()
    if bare in _WRITING:
        given = (*args, *keywords.values())
        _run(query, bare, place, frame, args=given, writes=True)
        if bare == "create":  # has what it was made with, and hardly more hangs on it yet
            return Row(query.model, Given(query.model, guessed=True))
        return Sequence((Row(query.model, after), None)) if "_or_create" in bare else None
    if name in _PLAIN:
        return replace(after, plain=True, narrowed=query.via is not None)
    if name in _COMBINING:
        return replace(after, opaque=True, narrowed=True)
    if name == "in_bulk":
        _run(query, name, place, frame)
        return Mapped((), Row(query.model, after, (), each=True))
    if name in ("as_manager", "raw", "explain"):
        return None
    return _by_name_alone(ev, query, name, args, keywords, place, frame)


def _is_guessed(query: Query) -> bool:
    """Whether only the name of a relation says that these are rows."""
    origin = query.via.origin if query.via is not None else None
    return isinstance(origin, Given) and origin.guessed


def _by_name_alone(
    ev: Evaluator,
    query: Query,
    name: str,
    args: list[Value],
    keywords: dict[str, Value],
    place: Place,
    frame: Frame,
) -> Value:
    """A method that only query sets of other classes define: what all of them agree on."""
    values = []
    for key in ev.queryset_methods(name)[:_MAX_NAMESAKES]:
        own = ev.class_attribute(key, name, query)
        if isinstance(own, Function):
            values.append(ev.invoke(own, args, keywords, place, frame))
    found = [each for each in values if isinstance(each, Query) and each.model == query.model]
    if not found or len(found) < len(values):
        return None
    made = either(found)
    return replace(made, place=later(query.place, place)) if isinstance(made, Query) else None


def _own_method(ev: Evaluator, query: Query, name: str) -> Function | None:
    """A method of the project's own manager or query set."""
    model = ev.schema.models.by_key.get(query.model)
    if model is None:
        return None
    names = [query.manager] if query.manager in model.managers else []
    for each in (*names, *(m for m in model.managers if m not in names)):
        for home in ev.homes(model, each):
            found = ev.class_attribute(home, name, query)
            if isinstance(found, Function):
                return found
    return None


def _chained(
    ev: Evaluator,
    after: Query,
    query: Query,
    name: str,
    args: list[Value],
    keywords: dict[str, Value],
    place: Place,
    frame: Frame,
) -> Query:
    del frame, place
    after = replace(after, narrowed=query.narrowed or query.via is not None)
    if name in ("filter", "exclude"):
        rows = map(_alone, _rows_in((*args, *keywords.values())))
        after = replace(after, given=tuple(dict.fromkeys((*after.given, *rows)))[:4])
    if name in _NAMING:
        after = replace(after, named=after.named | frozenset(keywords))
    if name == "filter" and _is_unique(ev, query.model, keywords):
        after = replace(after, single=True)
    if name == "none":
        after = replace(after, single=True, empty=True)
    if name == "only":
        names = frozenset(
            each.value
            for each in args
            if isinstance(each, Constant) and isinstance(each.value, str)
        )
        exact = len(names) == len(args)
        after = replace(after, columns=names | {"id", "pk"} if exact else None)
    if name == "defer":
        after = replace(after, columns=None)
    return after


def _alone(row: Row) -> Row:
    """The row without what its own query was asked with, or queries would hold one another."""
    origin = row.origin
    if isinstance(origin, Query) and (origin.given or origin.via is not None):
        return replace(row, origin=replace(origin, given=(), via=None))
    return row


def _is_unique(ev: Evaluator, key: str, keywords: dict[str, Value]) -> bool:
    model = ev.schema.models.by_key.get(key)
    if model is None:
        return False
    unique = {
        name
        for name, each in model.fields.items()
        if "True" in (each.record.keywords.get("unique"), each.record.keywords.get("primary_key"))
    }
    return bool({"pk", "id", *unique} & {each.removesuffix("__exact") for each in keywords})


def _selecting(query: Query, args: list[Value]) -> Query:
    if args == [Constant(None)]:
        return replace(query, select=frozenset())
    paths = _texts(args)
    if paths is None or not args:
        return replace(query, opaque=True, select=query.select | (paths or frozenset()))
    return replace(query, select=query.select | paths)


def _texts(args: Iterable[Value]) -> frozenset[str] | None:
    found = set()
    for each in args:
        if isinstance(each, Constant) and isinstance(each.value, str):
            found.add(each.value)
        else:
            return None
    return frozenset(found)


def _prefetching(query: Query, args: list[Value]) -> Query:
    if args == [Constant(None)]:
        return replace(query, prefetch=frozenset())
    for each in args:
        parts = each.elements if isinstance(each, Sequence) else (each,)
        for part in parts:
            query = _prefetched(query, part)
    return query


def _prefetched(query: Query, value: Value) -> Query:
    if isinstance(value, Constant) and isinstance(value.value, str):
        return replace(query, prefetch=query.prefetch | {value.value})
    if isinstance(value, Thing) and value.cls.endswith("Prefetch"):
        path = value.args[0] if value.args else value.keyword("lookup")
        inner = value.args[1] if len(value.args) > 1 else value.keyword("queryset")
        attribute = value.keyword("to_attr")
        if isinstance(attribute, Constant) and isinstance(attribute.value, str):
            return replace(query, named=query.named | {attribute.value})
        if isinstance(path, Constant) and isinstance(path.value, str):
            if inner is not None and not (isinstance(inner, Query) and not inner.opaque):
                return replace(query, opaque=True)
            below = inner.select | inner.prefetch if isinstance(inner, Query) else frozenset()
            paths = {path.value, *(f"{path.value}__{each}" for each in below)}
            return replace(query, prefetch=query.prefetch | paths)
    return replace(query, opaque=True)


def inverse_of(relation: Relation) -> str:
    return relation.inverse
