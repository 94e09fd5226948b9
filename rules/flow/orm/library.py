"""Names from outside the project: Python's own, Django's, REST framework's, SQLAlchemy's."""

# A case for each kind of node or name reads best in one place; a call has five parts.

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rules.flow.orm import alchemy, querying, responding, serializing, viewing
from rules.flow.orm.values import (
    Class,
    Closure,
    Constant,
    Function,
    Given,
    Mapped,
    Method,
    OneOf,
    Outside,
    Place,
    Query,
    Ran,
    Rendered,
    Row,
    Sequence,
    Thing,
    Value,
)

if TYPE_CHECKING:
    from rules.flow.orm.evaluator import Evaluator, Frame

_SAME = frozenset({"list", "sorted", "reversed", "tuple", "set", "iter", "frozenset"})
_TEXTUAL = frozenset({"str", "repr", "format", "print"})
_KEYED = frozenset({"sorted", "min", "max"})
_SESSION_STARTS = frozenset({"query", "select"})
_EXECUTING = frozenset({"scalars", "execute", "scalar", "stream", "stream_scalars", "scalar_one"})
_VALIDATING = frozenset({"model_validate", "from_orm", "parse_obj", "validate"})
_MUTATING = frozenset({"append", "add", "extend", "insert", "update", "pop", "setdefault"})
_RENDERERS = frozenset(
    {"django.shortcuts.render", "django.template.loader.render_to_string", "flask.render_template"}
    | {"django.template.response.TemplateResponse", "django.shortcuts.render_to_response"}
    | {"quart.render_template"}
)
_TEXTS = frozenset({"gettext", "gettext_lazy", "mark_safe", "format_html", "escape", "force_str"})
_COMMON = frozenset(
    """items values keys headers args data files cookies fields errors messages params options
    children attributes objects names lines parts results rows all filter text content tags
    """.split()  # noqa: SIM905 - a table reads best so
)


def is_framework(ev: Evaluator, key: str) -> bool:
    """Whether a class is a serializer, view or admin, which are not made by their `__init__`."""
    return serializing.is_serializer(ev, key) or viewing.is_view(ev, key)


def typed(full: str) -> Value:
    """What a parameter of a library's type is."""
    if full.rpartition(".")[2] in ("Session", "AsyncSession", "scoped_session"):
        return Outside("session")
    if full.rpartition(".")[2] in ("HttpRequest", "Request", "WSGIRequest"):
        return Outside("request")
    return None


def outside_attribute(ev: Evaluator, full: str, name: str) -> Value:
    if full == "request":
        if name == "user":
            user = viewing.user_model(ev)
            return Row(user, Given(user, fresh=True)) if user else Outside("request.user")
        return Outside(f"request.{name}")
    if full.startswith("request.") or full == "session":
        return Outside(f"{full}.{name}")
    return None


def unknown_attribute(ev: Evaluator, name: str, place: Place) -> Value:
    """An attribute of what is not known: sessions are told by their name."""
    if name in ("session", "db", "db_session"):
        return Outside("session")
    if name in _SESSION_STARTS | _EXECUTING:
        return Outside(f"?.{name}")
    known = ev.schema.models.many_named(name) if name not in _COMMON else None
    if known is None:
        return None
    owner, relation = known
    base = querying.rows_of(ev, Row(owner, Given(owner, guessed=True)), relation, place)
    # Another model may have a relation of this name, too, and be the one that is meant.
    return replace(base, select=base.select | ev.schema.models.ways_back(name))


def thing_attribute(ev: Evaluator, thing: Thing, name: str, place: Place, frame: Frame) -> Value:
    if name == "request" and not ev.has_attribute(thing.cls, name):
        return Outside("request")
    if serializing.is_serializer(ev, thing.cls):
        return serializing.attribute(ev, thing, name, place, frame)
    if name == "action" and not thing.has(name):
        return Method(thing, name)
    if thing.cls.endswith(("Paginator", "Page")) and name in ("object_list", "items"):
        return thing.args[0] if thing.args else None
    return None


def iterate_thing(ev: Evaluator, thing: Thing, place: Place, frame: Frame) -> Value:
    if thing.cls.endswith(("Paginator", "Page")) and thing.args:
        return ev.element(thing.args[0], place, frame)
    if thing.cls == "groups":
        return Sequence((None, thing.args[0] if thing.args else None))
    method = ev.class_attribute(thing.cls, "__iter__", thing)
    if not isinstance(method, Function):
        return None
    given = ev.invoke(method, [], {}, place, frame)
    if isinstance(given, Thing):  # an iterator, most often the thing itself
        following = ev.class_attribute(given.cls, "__next__", given)
        if not isinstance(following, Function):
            return None
        return ev.invoke(following, [], {}, place, frame)
    return ev.element(given, place, frame)


def call_method(
    ev: Evaluator,
    of: Value,
    name: str,
    args: list[Value],
    keywords: dict[str, Value],
    place: Place,
    frame: Frame,
) -> Value:
    """A method that no code of the project defines."""
    match of:
        case Query():
            return querying.call(ev, of, name, args, keywords, place, frame)
        case Row():
            return _row_method(ev, of, name, place, frame)
        case Thing(cls=cls) if cls.startswith("loader."):
            return alchemy.option_method(ev, of, name, args, place)
        case Thing(cls=cls) if cls.endswith(("Paginator", "Page")):
            return of.args[0] if of.args and name in ("page", "get_page") else None
        case Thing():
            if serializing.is_serializer(ev, of.cls):
                return serializing.call(ev, of, name, args, keywords, place, frame)
            return viewing.call(ev, of, name, args, keywords, place, frame)
        case Mapped():
            return _mapped_method(of, name, args)
        case Sequence():
            if name in ("pop", "copy") or name == "__iter__":
                return ev.element(of, place, frame) if name == "pop" else of
        case Constant(value=str()) if name in ("join", "format"):
            for each in (*args, *keywords.values()):
                element = ev.element(each, place, frame) if name == "join" else each
                ev.text_of(element, place, frame)
        case Class(key) if name in _VALIDATING and args:
            responding.validated(ev, key, args[0], place, frame)
            return None
    return None


def _mapped_method(of: Mapped, name: str, args: list[Value]) -> Value:
    anything = of.any
    if name in ("get", "pop", "setdefault") and args:
        key = args[0]
        if isinstance(key, Constant) and isinstance(key.value, str):
            return of.get(key.value)
        return anything
    if name == "values":
        return Sequence(tuple(v for _, v in of.items), anything)
    if name == "items":
        pairs = [Sequence((Constant(k), v)) for k, v in of.items]
        return Sequence(tuple(pairs), Sequence((None, anything)) if anything else None)
    return of if name == "copy" else None


def _row_method(ev: Evaluator, row: Row, name: str, place: Place, frame: Frame) -> Value:
    if name in ("save", "delete", "asave", "adelete", "refresh_from_db"):
        bare = name[1:] if name.startswith(("as", "ad")) else name
        query = Query(row.model, place)
        writes = name != "refresh_from_db"
        frame.note(
            Ran(
                query,
                bare,
                place,
                place,
                (row,),
                frame.loops,
                writes=writes,
                guarded=frame.guarded or (writes and frame.careful),
            )
        )
    del ev
    return None


def call_outside(
    ev: Evaluator,
    full: str,
    args: list[Value],
    keywords: dict[str, Value],
    place: Place,
    frame: Frame,
) -> Value:
    """A call of a name from outside the project."""
    name = full.rpartition(".")[2]
    first = args[0] if args else None
    if full.startswith(("builtins.", "itertools.", "operator.")):
        return _builtin(ev, name, args, keywords, place, frame)
    if full in _RENDERERS:
        _render(name, args, keywords, place, frame)
        return None
    if name in ("get_object_or_404", "aget_object_or_404", "get_list_or_404", "_get_object_or_404"):
        return _fetched(ev, first, name, place, frame)
    if name == "Prefetch":
        return Thing("Prefetch", (), tuple(args), tuple(keywords.items()), place)
    if name.endswith("Paginator") and args:
        return Thing("Paginator", (), (first,), (), place)
    if name == "prefetch_related_objects":
        return None
    if name in alchemy.LOADERS or name in ("load_only", "raiseload", "lazyload", "noload", "defer"):
        return alchemy.option(ev, name, args, place)
    if name in _SESSION_STARTS and args:
        return alchemy.start(ev, args, place)
    if name in _EXECUTING:
        return alchemy.executed(first, name, place, frame)
    if name == "get" and isinstance(first, Class) and ev.schema.is_alchemy(first.name):
        query = Query(first.name, place, alchemy=True, single=True)
        querying.note_run(query, "get", place, frame, args[1:])
        return Row(first.name, query)
    if name == "get_user_model":
        return Class(viewing.user_model(ev))
    if name in ("Response", "JsonResponse", "HttpResponse", "_", *_TEXTS):
        if name in _TEXTS:
            for each in (*args, *keywords.values()):
                ev.text_of(each, place, frame)
        return None
    if name in ("sync_to_async", "method_decorator", "lru_cache", "cast", "aclosing"):
        return args[-1] if args else None
    return viewing.called_outside(ev, full, args, keywords, place, frame)


def picked_one(value: Value) -> Value:
    """One element of several: what it reads is read once."""
    return value.chosen() if isinstance(value, Row) else value


def _fetched(ev: Evaluator, source: Value, name: str, place: Place, frame: Frame) -> Value:
    query = source
    if isinstance(source, Class) and source.name in ev.schema.models.by_key:
        query = querying.of_manager(ev, source.name, "_default_manager", place)
    if not isinstance(query, Query):
        return None
    query = replace(query, is_manager=False)
    if name == "get_list_or_404":
        return query
    querying.note_run(query, "get", place, frame)
    return Row(query.model, query)


def _render(
    name: str, args: list[Value], keywords: dict[str, Value], place: Place, frame: Frame
) -> None:
    texts = [
        each.value for each in args if isinstance(each, Constant) and isinstance(each.value, str)
    ]
    named = keywords.get("template_name")
    if isinstance(named, Constant) and isinstance(named.value, str):
        texts.append(named.value)
    contexts = [each for each in args if isinstance(each, Mapped)]
    given = keywords.get("context")
    if isinstance(given, Mapped):
        contexts.append(given)
    context = contexts[0] if contexts else Mapped()
    if name == "render_template":
        context = Mapped(tuple(keywords.items()))
    for each in texts[:1]:
        frame.note(Rendered(each, context, place, frame.loops))


def _builtin(
    ev: Evaluator,
    name: str,
    args: list[Value],
    keywords: dict[str, Value],
    place: Place,
    frame: Frame,
) -> Value:
    first = args[0] if args else None
    if name in _KEYED or name in ("groupby", "map", "filter"):
        return _with_function(ev, name, args, keywords, place, frame)
    if name in _SAME:
        if isinstance(first, Query):
            querying.consume(ev, first, "list", place, frame)
            return replace(first, is_list=True) if not first.is_manager else None
        if isinstance(first, Mapped):
            return None
        return first
    if name in ("len", "bool"):
        if isinstance(first, Query):
            querying.consume(ev, first, name, place, frame)
        return None
    if name in _TEXTUAL:
        for each in args:
            ev.text_of(each, place, frame)
        return None
    if name == "enumerate":
        return Sequence((), Sequence((None, ev.element(first, place, frame))))
    if name == "zip":
        return Sequence((), Sequence(tuple(ev.element(each, place, frame) for each in args)))
    if name in ("chain", "from_iterable"):
        from rules.flow.orm.evaluator import joined

        return Sequence((), joined(ev.element(each, place, frame) for each in args))
    if name == "next":
        return picked_one(ev.element(first, place, frame))
    if name in ("any", "all", "sum"):
        if isinstance(first, Query):
            querying.consume(ev, first, name, place, frame)
        return None
    if name == "getattr" and len(args) > 1:
        key = args[1]
        if isinstance(key, Constant) and isinstance(key.value, str):
            return ev.attribute(first, key.value, place, frame)
        return None
    if name == "dict":
        base = first if isinstance(first, Mapped) else Mapped()
        return base.joined(Mapped(tuple(keywords.items())))
    if name in ("defaultdict", "OrderedDict"):
        return Mapped()
    return _type_of(first) if name == "type" and len(args) == 1 else None


def _type_of(value: Value) -> Value:
    if isinstance(value, Row):
        return Class(value.model)
    return Class(value.cls) if isinstance(value, Thing) else None


def _with_function(
    ev: Evaluator,
    name: str,
    args: list[Value],
    keywords: dict[str, Value],
    place: Place,
    frame: Frame,
) -> Value:
    """`sorted(rows, key=...)`, `map(function, rows)`."""
    function = keywords.get("key")
    rows = args[0] if args else None
    if name in ("map", "filter"):
        function, rows = (args[0], args[1]) if len(args) > 1 else (None, None)
    elif name == "groupby" and len(args) > 1:
        function = args[1]
    several = name in ("min", "max") and len(args) > 1
    element = None if several else ev.element(rows, place, frame)
    result: Value = None
    if isinstance(function, Function | Closure | OneOf) and element is not None:
        result = ev.call(function, [element], {}, place, frame)
    if name == "map":
        return Sequence((), result)
    if name == "groupby":
        return Sequence((), Sequence((result, Sequence((), element))))
    if name in ("min", "max"):
        return picked_one(element)
    if isinstance(rows, Query):
        return replace(rows, is_list=True)
    return rows if isinstance(rows, Sequence) else Sequence((), element)
