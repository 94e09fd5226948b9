"""What built-in types and a few functions of the standard library do, whatever the vocabulary."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from rules.flow import access, folding
from rules.flow.domain import Call
from rules.flow.program import TUPLE_MAKERS
from rules.flow.state import DictObj, ListObj
from rules.flow.values import (
    NONE,
    UNKNOWN,
    Class,
    Const,
    Function,
    Module,
    Ref,
    Scalar,
    Text,
    Thing,
    Tuple,
    Value,
    choices,
    join,
    join_all,
    text_of,
    truth_value,
)

if TYPE_CHECKING:
    from rules.flow.frame import Frame

NEVER_RETURN = frozenset({"sys.exit", "os._exit", "builtins.exit", "builtins.quit"})
_CONFIGS = frozenset(
    {
        "configparser.ConfigParser",
        "configparser.RawConfigParser",
        "configparser.SafeConfigParser",
    }
)
_DICTS = frozenset({"builtins.dict", "collections.OrderedDict", "collections.defaultdict"})
_LISTS = frozenset({"builtins.list", "builtins.sorted", "builtins.reversed", "collections.deque"})
_RUNNERS = frozenset(
    {
        "asyncio.to_thread",
        "starlette.concurrency.run_in_threadpool",
        "fastapi.concurrency.run_in_threadpool",
        "anyio.to_thread.run_sync",
    }
)
_WRAPPERS = frozenset(
    {"asgiref.sync.sync_to_async", "asgiref.sync.async_to_sync", "asyncio.create_task"}
    | {"asyncio.run", "asyncio.ensure_future", "typing.cast"}
)
_SAME_TEXT = frozenset({"strip", "lstrip", "rstrip", "__str__", "expandtabs"})
Args = tuple[Value, ...]


def of_value(
    node: ast.Call,
    owner: Value,
    method: str,
    args: Args,
    keywords: Mapping[str, Value],
    frame: Frame,
) -> Value | None:
    """The result of a method of text, a list, set, dict or configuration; None for others."""
    held = frame.object(owner)
    if isinstance(held, DictObj) and isinstance(owner, Ref):
        methods = _CONFIG if held.kind == "config" else _DICT
        compute = methods.get(method)
        return compute(node, owner, held, args, keywords, frame) if compute else None
    if isinstance(held, ListObj) and held.kind == "buffer" and isinstance(owner, Ref):
        return _of_buffer(owner, held, method, args, frame)
    if isinstance(held, ListObj) and isinstance(owner, Ref):
        return _of_list(node, owner, held, method, args, frame)
    if isinstance(owner, Const | Text):
        return _of_text(node, owner, method, args, keywords, frame)
    if isinstance(owner, Tuple):
        return UNKNOWN if method in ("index", "count") else None
    return None


def _scalars(args: Args) -> list[Scalar] | None:
    found = [each.value for each in args if isinstance(each, Const)]
    return found if len(found) == len(args) else None


def _of_text(
    node: ast.Call,
    owner: Const | Text,
    method: str,
    args: Args,
    keywords: Mapping[str, Value],
    frame: Frame,
) -> Value | None:
    if isinstance(owner, Const):
        if not isinstance(owner.value, str | bytes):
            return None
        constants = _scalars(args)
        if constants is not None and not keywords:
            folded = folding.method(owner.value, method, constants)
            if folded is not None:
                return folded
    if method == "join" and args:
        return _join(owner, args[0], frame)
    if method == "format" and isinstance(owner, Const) and isinstance(owner.value, str):
        return _format(node, owner.value, args, keywords, frame)
    if method in ("split", "rsplit", "splitlines", "partition", "rpartition"):
        return _split(node, owner, method, args, frame)
    if method in ("startswith", "endswith") and len(args) == 1:
        return truth_value(_begins(owner, method, args[0]))
    if isinstance(owner, Text):
        return _of_parts(owner, method, args)
    return Thing(marks=frame.marks(owner) | _all_marks(args, keywords, frame))


def _all_marks(args: Args, keywords: Mapping[str, Value], frame: Frame) -> frozenset[object]:
    found: frozenset[object] = frozenset()
    for each in (*args, *keywords.values()):
        found = found | frame.marks(each)
    return found


def _of_parts(owner: Text, method: str, args: Args) -> Value:
    """Methods of text whose parts are known in part: constants change, the rest stays."""
    constants = _scalars(args)
    if (
        method in ("lower", "upper", "casefold", "replace", "encode", "decode")
        and constants is not None
    ):
        parts: list[Value] = []
        for each in owner.parts:
            if isinstance(each, Const) and isinstance(each.value, str) and "code" not in method:
                parts.append(folding.method(each.value, method, constants) or UNKNOWN)
            else:
                parts.append(each)
        return text_of(parts)
    if method in _SAME_TEXT:
        return owner
    if method in ("find", "index", "count", "rfind", "rindex") or method.startswith("is"):
        return UNKNOWN
    return Thing(marks=owner.marks)


def _begins(owner: Const | Text, method: str, arg: Value) -> bool | None:
    if not isinstance(owner, Text) or not isinstance(arg, Const) or not isinstance(arg.value, str):
        return None
    edge = owner.start if method == "startswith" else owner.end
    size = len(arg.value)
    if method == "startswith":
        if len(edge) >= size:
            return edge.startswith(arg.value)
        return None if arg.value.startswith(edge) else False
    if len(edge) >= size:
        return edge.endswith(arg.value)
    return None if arg.value.endswith(edge) else False


def _join(owner: Const | Text, arg: Value, frame: Frame) -> Value:
    items, rest = access.elements(arg, None, frame)
    parts: list[Value] = []
    for each in (*items, *([rest] if rest is not None else ())):
        if parts:
            parts.append(owner)
        parts.append(each)
    return text_of(parts)


def _format(
    node: ast.Call, template: str, args: Args, keywords: Mapping[str, Value], frame: Frame
) -> Value:
    from rules.flow.expressions import as_text

    try:
        fields = list(frame.run.formatter.parse(template))
    except ValueError:
        return UNKNOWN
    parts: list[Value] = []
    count = 0
    for literal, name, spec, conversion in fields:
        parts.append(Const(literal))
        if name is None:
            continue
        root = name.partition(".")[0].partition("[")[0]
        if root == "":
            root, count = str(count), count + 1
        if root.isdigit():
            value = args[int(root)] if int(root) < len(args) else None
        else:
            value = keywords.get(root)
        spread = keywords.get("**", UNKNOWN)
        value = spread if value is None else _field(value, name, node, frame)
        is_number = (spec or "")[-1:] in {*"bcdeEfFgGnoxX%"}
        parts.append(UNKNOWN if is_number and not conversion else as_text(value, node, frame))
    return text_of(parts)


def _field(value: Value, name: str, node: ast.Call, frame: Frame) -> Value:
    """`0[key].attribute` of a format."""
    for is_item, part in re.findall(r"(\[)?(?<=[\[.])([^\[\].]+)", name):
        if is_item:
            key: Scalar = int(part) if part.isdigit() else part
            value = join_all(access.item(each, Const(key), node, frame) for each in choices(value))
        else:
            value = join_all(access.attribute(each, part, node, frame) for each in choices(value))
    return value


def _split(node: ast.Call, owner: Const | Text, method: str, args: Args, frame: Frame) -> Value:
    constants = _scalars(args)
    if isinstance(owner, Const) and isinstance(owner.value, str) and constants is not None:
        try:
            found = getattr(owner.value, method)(*constants)
        except (TypeError, ValueError):
            return UNKNOWN
        values = tuple(Const(each) for each in found[:64])
        return Tuple(values) if "partition" in method else frame.make_list(node, values)
    each = Thing(marks=owner.marks)
    if "partition" in method:
        return Tuple((each, Const(str(constants[0])) if constants else UNKNOWN, each))
    separator = constants[0] if constants else None
    if isinstance(owner, Text) and isinstance(separator, str) and separator and len(args) == 1:
        pieces = _pieces(owner, separator)
        if len(pieces) > 1:
            return frame.make_list(node, tuple(pieces[:1]), join_all(pieces[1:]))
    return frame.make_list(node, (), each)


def _pieces(owner: Text, separator: str) -> list[Value]:
    pieces: list[list[Value]] = [[]]
    for part in owner.parts:
        if isinstance(part, Const) and isinstance(part.value, str):
            first, *others = part.value.split(separator)
            pieces[-1].append(Const(first))
            pieces.extend([Const(each)] for each in others)
        else:
            pieces[-1].append(part)
    return [text_of(each) for each in pieces]


def _of_list(
    node: ast.Call, owner: Ref, held: ListObj, method: str, args: Args, frame: Frame
) -> Value | None:
    first = args[0] if args else UNKNOWN
    every = [*held.items, *([held.rest] if held.rest is not None else ())]
    new: ListObj | None = None
    result: Value = NONE
    match method:
        case "append" | "add":
            if held.rest is None and len(held.items) < 32:
                new = replace(held, items=(*held.items, first))
            else:
                new = replace(held, rest=first if held.rest is None else join(held.rest, first))
        case "extend" | "update" | "union":
            items, rest = access.elements(first, node, frame)
            if held.rest is None and len(held.items) + len(items) < 32:
                new = replace(held, items=held.items + items, rest=rest)
            else:
                tail = [*([held.rest] if held.rest else ()), *items, *([rest] if rest else ())]
                new = replace(held, rest=join_all(tail))
            if method == "union":
                return frame.make(node, new)
        case "insert" if len(args) == 2:
            at = args[0].value if isinstance(args[0], Const) else None
            if isinstance(at, int) and held.rest is None and at >= 0:
                new = replace(held, items=(*held.items[:at], args[1], *held.items[at:]))
            else:
                new = ListObj((), join_all([*every, args[1]]), held.kind)
        case "pop" | "popleft":
            return _pop(owner, held, args, method, frame)
        case "remove" | "discard":
            new = _without(held, first)
        case "clear":
            new = ListObj((), None, held.kind)
        case "reverse":
            new = (
                replace(held, items=held.items[::-1])
                if held.rest is None
                else ListObj((), join_all(every))
            )
        case "sort":
            new = ListObj((), join_all(every), held.kind) if every else held
        case "copy":
            return frame.make(node, held)
        case "index" | "count" | "issubset" | "issuperset" | "isdisjoint":
            return UNKNOWN
        case "intersection" | "difference" | "symmetric_difference":
            return frame.make(node, ListObj((), join_all(every) if every else None, "set"))
        case _:
            return None
    frame.update(owner, new)
    return result


def _of_buffer(owner: Ref, held: ListObj, method: str, args: Args, frame: Frame) -> Value | None:
    """A file in memory: what was written, in order."""
    if method in ("write", "writelines") and args:
        if held.rest is None and len(held.items) < 32:
            frame.update(owner, replace(held, items=(*held.items, args[0])))
        else:
            rest = args[0] if held.rest is None else join(held.rest, args[0])
            frame.update(owner, replace(held, rest=rest))
        return UNKNOWN
    if method in ("getvalue", "read", "getbuffer", "readline", "readlines"):
        return text_of((*held.items, *((held.rest,) if held.rest is not None else ())))
    return UNKNOWN if method in ("seek", "close", "truncate", "flush", "tell") else None


def _pop(owner: Ref, held: ListObj, args: Args, method: str, frame: Frame) -> Value:
    at = 0 if method == "popleft" else -1
    if args:
        given = args[0].value if isinstance(args[0], Const) else None
        if not isinstance(given, int):
            return access.item(owner, UNKNOWN, ast.Name("_", lineno=1, col_offset=0), frame)
        at = given
    items = held.items
    if held.rest is None and -len(items) <= at < len(items):
        found = items[at]
        left = list(items)
        del left[at]
        frame.update(owner, replace(held, items=tuple(left)))
        return found
    if at == 0 and items:
        frame.update(owner, replace(held, items=items[1:]))
        return items[0]
    return join_all([*items, *([held.rest] if held.rest is not None else ())])


def _without(held: ListObj, gone: Value) -> ListObj:
    if gone in held.items and held.rest is None:
        at = held.items.index(gone)
        if isinstance(gone, Const) and all(isinstance(each, Const) for each in held.items[:at]):
            return replace(held, items=held.items[:at] + held.items[at + 1 :])
    every = [*held.items, *([held.rest] if held.rest is not None else ())]
    return ListObj((), join_all(every) if every else None, held.kind)


# Dicts and configurations.

_Method = Callable[[ast.Call, Ref, DictObj, Args, Mapping[str, Value], "Frame"], Value | None]


def _get(
    node: ast.Call, _o: Ref, held: DictObj, args: Args, _k: Mapping[str, Value], _f: Frame
) -> Value:
    default = args[1] if len(args) > 1 else NONE
    return access.of_dict(held, args[0], default) if args else UNKNOWN


def _set_default(
    _node: ast.Call, owner: Ref, held: DictObj, args: Args, _k: Mapping[str, Value], frame: Frame
) -> Value:
    if not args:
        return UNKNOWN
    default = args[1] if len(args) > 1 else NONE
    found = access.of_dict(held, args[0], default)
    frame.update(owner, access.put(held, args[0], found))
    return found


def _pop_key(
    _node: ast.Call, owner: Ref, held: DictObj, args: Args, _k: Mapping[str, Value], frame: Frame
) -> Value:
    if not args:
        return UNKNOWN
    found = access.of_dict(held, args[0], args[1] if len(args) > 1 else None)
    if isinstance(args[0], Const):
        left = {key: value for key, value in held.items.items() if key != args[0].value}
        frame.update(owner, replace(held, items=left))
    return found


def _values(
    node: ast.Call, _o: Ref, held: DictObj, _a: Args, _k: Mapping[str, Value], frame: Frame
) -> Value:
    return frame.make_list(node, tuple(held.items.values()), held.rest)


def _keys(
    node: ast.Call, owner: Ref, _h: DictObj, _a: Args, _k: Mapping[str, Value], frame: Frame
) -> Value:
    items, rest = access.elements(owner, None, frame)
    return frame.make_list(node, items, rest)


def _items(
    node: ast.Call, _o: Ref, held: DictObj, _a: Args, _k: Mapping[str, Value], frame: Frame
) -> Value:
    pairs = tuple(
        Tuple(
            (
                Const(key)
                if key is None or isinstance(key, str | bytes | int | float)
                else UNKNOWN,
                value,
            )
        )
        for key, value in held.items.items()
    )
    rest = None
    if held.rest is not None:
        rest = Tuple((Thing(marks=held.rest.marks), held.rest))
    return frame.make_list(node, pairs, rest)


def _update(
    _node: ast.Call,
    owner: Ref,
    held: DictObj,
    args: Args,
    keywords: Mapping[str, Value],
    frame: Frame,
) -> Value:
    new = held
    for each in args:
        other = frame.object(each)
        if isinstance(other, DictObj):
            rest = [one for one in (new.rest, other.rest) if one is not None]
            new = DictObj({**new.items, **other.items}, join_all(rest) if rest else None, held.kind)
        else:
            new = access.put(new, UNKNOWN, Thing(marks=frame.marks(each)))
    named = {key: value for key, value in keywords.items() if key != "**"}
    frame.update(owner, replace(new, items={**new.items, **named}))
    return NONE


def _clear(
    _node: ast.Call, owner: Ref, held: DictObj, _a: Args, _k: Mapping[str, Value], frame: Frame
) -> Value:
    frame.update(owner, DictObj({}, None, held.kind))
    return NONE


def _copy(
    node: ast.Call, _o: Ref, held: DictObj, _a: Args, _k: Mapping[str, Value], frame: Frame
) -> Value:
    return frame.make(node, held)


_DICT: dict[str, _Method] = {
    "get": _get,
    "setdefault": _set_default,
    "pop": _pop_key,
    "values": _values,
    "keys": _keys,
    "items": _items,
    "update": _update,
    "clear": _clear,
    "copy": _copy,
}


def _config_key(args: Args) -> tuple[Scalar, Scalar] | None:
    if len(args) < 2 or not isinstance(args[0], Const) or not isinstance(args[1], Const):
        return None
    option = args[1].value
    return args[0].value, option.lower() if isinstance(option, str) else option


def _config_set(
    _node: ast.Call,
    owner: Ref,
    held: DictObj,
    args: Args,
    keywords: Mapping[str, Value],
    frame: Frame,
) -> Value:
    value = args[2] if len(args) > 2 else keywords.get("value", NONE)
    key = _config_key(args)
    if key is not None:
        frame.update(owner, replace(held, items={**held.items, key: value}))
    else:
        frame.update(owner, access.put(held, UNKNOWN, value))
    return NONE


def _config_get(
    _node: ast.Call, _o: Ref, held: DictObj, args: Args, keywords: Mapping[str, Value], _f: Frame
) -> Value:
    key = _config_key(args)
    if key is not None and key in held.items:
        return held.items[key]
    every = list(held.items.values()) if key is None else []
    found = join_all([*every, *([held.rest] if held.rest is not None else ())])
    return join(found, keywords["fallback"]) if "fallback" in keywords else found


def _config_other(
    _node: ast.Call, owner: Ref, held: DictObj, args: Args, _k: Mapping[str, Value], frame: Frame
) -> Value:
    marks = _all_marks(args, {}, frame)
    if marks:
        frame.update(owner, access.put(held, UNKNOWN, Thing(marks=marks)))
    return UNKNOWN


_CONFIG: dict[str, _Method] = {
    "set": _config_set,
    "get": _config_get,
    "add_section": _config_other,
    "read_string": _config_other,
    "read_dict": _config_other,
    "has_section": _config_other,
    "has_option": _config_other,
    "sections": _config_other,
}


def of_library(call: Call, frame: Frame) -> Value | None:
    """The result of a function of Python's library that every vocabulary takes the same way."""
    name, args, node = call.name, call.args, call.node
    if name in _CONFIGS:
        return frame.make(node, DictObj({}, UNKNOWN, "config"))
    if name in _DICTS:
        return _dict(call, frame)
    if name in ("io.StringIO", "io.BytesIO"):
        return frame.make(node, ListObj(args[:1], None, "buffer"))
    if name in _LISTS:
        items, rest = access.elements(args[0], node, frame) if args else ((), None)
        if name == "builtins.reversed" and rest is None:
            items = items[::-1]
        if name == "builtins.sorted" and items:
            return frame.make_list(node, (), join_all([*items, *([rest] if rest else ())]))
        return frame.make_list(node, items, rest)
    if name in ("builtins.set", "builtins.frozenset"):
        items, rest = access.elements(args[0], node, frame) if args else ((), None)
        return frame.make(node, ListObj(items, rest, "set"))
    if name == "builtins.tuple":
        items, rest = access.elements(args[0], node, frame) if args else ((), None)
        return Tuple(items) if rest is None else frame.make_list(node, items, rest)
    if name in ("builtins.getattr", "builtins.setattr"):
        return _attributes(call, frame)
    if name in _RUNNERS and args:
        return _run(args[0], args[1:], call, frame)
    if name in _WRAPPERS and args:
        return args[-1] if name == "typing.cast" else args[0]
    special = _SPECIAL.get(name)
    if special is not None:
        return special(call, frame)
    if name.startswith("builtins."):
        return _builtin(call, frame)
    return None


def _builtin(call: Call, frame: Frame) -> Value | None:
    own = call.name.removeprefix("builtins.")
    if own == "str" and call.args:
        from rules.flow.expressions import as_text

        return as_text(call.args[0], call.node, frame)
    if own == "len" and call.args:
        return _length(call.args[0], frame)
    constants = _scalars(call.args)
    return folding.builtin(own, constants) if constants and not call.keywords else None


def _length(value: Value, frame: Frame) -> Value:
    held = frame.object(value)
    if isinstance(held, ListObj | DictObj) and held.rest is None:
        return Const(len(held.items))
    if isinstance(value, Tuple):
        return Const(len(value.items))
    if isinstance(value, Const) and isinstance(value.value, str | bytes):
        return Const(len(value.value))
    return UNKNOWN


def _dict(call: Call, frame: Frame) -> Value:
    made = frame.make(call.node, DictObj({}, None))
    if call.name == "collections.defaultdict":
        frame.update(made, DictObj({}, UNKNOWN))
        return made
    for each in call.args:
        held = frame.object(each)
        if isinstance(held, DictObj):
            frame.update(made, DictObj(held.items, held.rest))
            continue
        items, rest = access.elements(each, None, frame)
        for pair in (*items, *([rest] if rest is not None else ())):
            new = frame.object(made)
            if isinstance(pair, Tuple) and len(pair.items) == 2 and isinstance(new, DictObj):
                frame.update(made, access.put(new, pair.items[0], pair.items[1]))
            elif isinstance(new, DictObj):
                frame.update(made, access.put(new, UNKNOWN, Thing(marks=frame.marks(pair))))
    held = frame.object(made)
    if isinstance(held, DictObj):
        named = {key: value for key, value in call.keywords.items() if key != "**"}
        rest = call.keywords.get("**", held.rest)
        frame.update(made, DictObj({**held.items, **named}, rest))
    return made


def _attributes(call: Call, frame: Frame) -> Value | None:
    """`getattr` and `setattr`; of a module under a name that is not known, any of its classes."""
    if len(call.args) < 2:
        return None
    owner, name = call.args[0], call.args[1]
    if call.name == "builtins.setattr":
        if isinstance(name, Const) and len(call.args) > 2:
            access.set_attribute(owner, str(name.value), call.args[2], weak=False, frame=frame)
        return NONE
    default = list(call.args[2:3])
    if isinstance(name, Const) and isinstance(name.value, str):
        return join_all([access.attribute(owner, name.value, call.node, frame), *default])
    if isinstance(owner, Module):
        module = frame.run.program.module(owner.path)
        tops = frame.run.program.tops(module) if module is not None else {}
        classes = [each for each in tops.values() if isinstance(each, Class | Function)]
        return join_all(classes[:8]) if classes else None
    return None


def _run(called: Value, args: Args, call: Call, frame: Frame) -> Value:
    from rules.flow.calls import invoke

    return join_all(invoke(each, args, call.keywords, call.node, frame) for each in choices(called))


def _map(call: Call, frame: Frame) -> Value | None:
    if len(call.args) < 2:
        return None
    items, rest = access.elements(call.args[1], call.node, frame)
    results = [_run(call.args[0], (each,), call, frame) for each in items[:8]]
    tail = _run(call.args[0], (rest,), call, frame) if rest is not None else None
    return frame.make_list(call.node, tuple(results), tail)


def _filter(call: Call, frame: Frame) -> Value | None:
    if len(call.args) < 2:
        return None
    items, rest = access.elements(call.args[1], call.node, frame)
    every = [*items, *([rest] if rest is not None else ())]
    return frame.make(call.node, ListObj((), join_all(every) if every else None))


def _enumerate(call: Call, frame: Frame) -> Value | None:
    if not call.args:
        return None
    items, rest = access.elements(call.args[0], call.node, frame)
    pairs = tuple(Tuple((Const(at), each)) for at, each in enumerate(items))
    return frame.make_list(call.node, pairs, Tuple((UNKNOWN, rest)) if rest is not None else None)


def _zip(call: Call, frame: Frame) -> Value:
    columns = [access.elements(each, call.node, frame) for each in call.args]
    if columns and all(rest is None for _, rest in columns):
        rows = zip(*(items for items, _ in columns), strict=False)
        return frame.make_list(call.node, tuple(Tuple(row) for row in rows))
    every = [join_all([*items, *([rest] if rest is not None else ())]) for items, rest in columns]
    return frame.make_list(call.node, (), Tuple(tuple(every)))


def _range(call: Call, frame: Frame) -> Value:
    constants = _scalars(call.args)
    if constants and all(isinstance(each, int) for each in constants):
        numbers = range(*[int(each) for each in constants if isinstance(each, int)][:3])
        if len(numbers) <= frame.run.unrolled:
            return frame.make_list(call.node, tuple(Const(each) for each in numbers))
    return frame.make_list(call.node, (), UNKNOWN)


def _next(call: Call, frame: Frame) -> Value | None:
    if not call.args:
        return None
    items, rest = access.elements(call.args[0], call.node, frame)
    return join_all([*items, *([rest] if rest is not None else ()), *call.args[1:2]])


def _isinstance(_call: Call, _frame: Frame) -> Value:
    return UNKNOWN


def _named_tuple(call: Call, frame: Frame) -> Value | None:
    code = frame.run.program.tuple_class(call.node, frame.module)
    return Class(code) if code is not None else None


def _partial(call: Call, frame: Frame) -> Value | None:
    """A function with some arguments given: as good as called with them."""
    if call.args and isinstance(call.args[0], Function) and not call.args[1:] and not call.keywords:
        return call.args[0]
    return None


_SPECIAL: dict[str, Callable[[Call, Frame], Value | None]] = {
    "builtins.map": _map,
    "builtins.filter": _filter,
    "builtins.enumerate": _enumerate,
    "builtins.zip": _zip,
    "builtins.range": _range,
    "builtins.next": _next,
    "builtins.iter": lambda call, _: call.args[0] if call.args else None,
    "builtins.isinstance": _isinstance,
    "functools.partial": _partial,
    **dict.fromkeys(TUPLE_MAKERS, _named_tuple),
    "copy.copy": lambda call, _: call.args[0] if call.args else None,
    "copy.deepcopy": lambda call, _: call.args[0] if call.args else None,
    "builtins.print": lambda _call, _: NONE,
}
