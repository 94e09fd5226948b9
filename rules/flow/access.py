"""Attributes, elements and slices: reading and writing what values hold."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from rules.flow import folding
from rules.flow.program import TUPLE_MAKERS
from rules.flow.state import DictObj, Instance, ListObj, Scope
from rules.flow.values import (
    NONE,
    UNKNOWN,
    Class,
    ClassCode,
    Const,
    Function,
    FunctionCode,
    Module,
    Ref,
    Site,
    Text,
    Thing,
    Tuple,
    Value,
    choices,
    join,
    join_all,
    text_of,
)

if TYPE_CHECKING:
    from rules.flow.frame import Frame

Window: TypeAlias = "slice[int | None, int | None, int | None]"
SEALED = Thing("module.rest")  # what other code may add to a container of a module
_PROPERTIES = frozenset({"property", "cached_property", "hybrid_property", "lazy"})


def attribute(owner: Value, name: str, node: ast.expr, frame: Frame) -> Value:
    """`owner.name`."""
    given = frame.run.domain.attribute(owner, name, node, frame)
    if given is not None:
        return given
    held = frame.object(owner)
    match owner:
        case Ref() if isinstance(held, Instance):
            return _of_instance(owner, held, name, node, frame)
        case Module(path=path):
            return frame.run.attribute_of_module(path, name, frame)
        case Class(code=code):
            return _of_class(code, owner, name, frame)
        case Thing(of=ClassCode() as code):
            method = frame.run.program.method(code, name)
            if method is not None:
                return _bound(method, owner, node, frame)
            return Thing(marks=owner.marks)
        case Thing() if owner.name and not owner.marks:
            return frame.named(owner.below(f".{name}"), node) if owner.below(".") else UNKNOWN
        case Thing():
            return Thing(owner.below(f".{name}"), marks=owner.marks)
        case _:
            return Thing(marks=owner.marks)


def _of_instance(owner: Ref, held: Instance, name: str, node: ast.expr, frame: Frame) -> Value:
    if name in held.attributes:
        return held.attributes[name]
    method = frame.run.program.method(held.of, name)
    if method is not None:
        return _bound(method, owner, node, frame)
    if name == "__class__":
        return Class(held.of)
    given = frame.run.field_value(held.of, name, frame)
    return UNKNOWN if given is None else join(given, UNKNOWN) if held.is_open else given


def _bound(method: FunctionCode, owner: Value, node: ast.expr, frame: Frame) -> Value:
    kinds = {_last(each) for each in method.decorators}
    if "staticmethod" in kinds:
        return Function(method)
    if "classmethod" in kinds:
        return Function(method, bound=_class_of(owner, method, frame))
    function = Function(method, bound=owner)
    if kinds & _PROPERTIES:
        from rules.flow.calls import call_function

        return call_function(function, (), {}, node, frame)
    return function


def _class_of(owner: Value, method: FunctionCode, frame: Frame) -> Value:
    held = frame.object(owner)
    if isinstance(held, Instance):
        return Class(held.of)
    return Class(method.owner) if method.owner is not None else UNKNOWN


def _of_class(code: ClassCode, owner: Value, name: str, frame: Frame) -> Value:
    method = frame.run.program.method(code, name)
    if method is not None:
        kinds = {_last(each) for each in method.decorators}
        return Function(method, bound=owner if "classmethod" in kinds else None)
    given = frame.run.field_value(code, name, frame)
    if given is not None:
        return given
    return frame.run.nested_class(code, name) or Thing(f"{code.full_name}.{name}")


def _last(node: ast.expr) -> str:
    while isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def item(owner: Value, key: Value, node: ast.expr, frame: Frame) -> Value:
    """`owner[key]`."""
    given = frame.run.domain.subscript(owner, key, node, frame)
    if given is not None:
        return given
    held = frame.object(owner)
    if isinstance(held, DictObj):
        return of_dict(held, key)
    if isinstance(held, ListObj):
        return _of_sequence(held.items, held.rest, key)
    match owner:
        case Tuple(items=items):
            return _of_sequence(items, None, key)
        case Const(value=str() as text):
            return _character(text, key)
        case Text():
            return _of_text(owner, key)
        case Ref() if isinstance(held, Instance):
            method = frame.run.program.method(held.of, "__getitem__")
            if method is not None:
                from rules.flow.calls import call_function

                return call_function(Function(method, bound=owner), (key,), {}, node, frame)
            columns = _columns(held, frame)
            return _of_sequence(columns, None, key) if columns else UNKNOWN
        case Thing() if owner.name:
            return Thing(owner.below("[]"), marks=owner.marks)
        case _:
            return Thing(marks=frame.marks(owner))


def _columns(held: Instance, frame: Frame) -> tuple[Value, ...]:
    """What a named tuple holds, in the order of its fields; nothing of any other object."""
    ours, others = frame.run.program.lineage(held.of)
    if not TUPLE_MAKERS & set(others):
        return ()
    names = (name for each in reversed(ours) for name in each.fields)
    return tuple(held.attributes.get(name, UNKNOWN) for name in names)


def of_dict(held: DictObj, key: Value, default: Value | None = None) -> Value:
    """What a dict has under a key."""
    if isinstance(key, Const):
        found = held.items.get(key.value)
        if found is not None:
            return found
        if held.rest is None:
            return UNKNOWN if default is None else default
        return held.rest if default is None else join(held.rest, default)
    every = [*held.items.values(), *([held.rest] if held.rest is not None else ())]
    return join_all([*every, *([default] if default is not None else ())])


def _of_sequence(items: tuple[Value, ...], rest: Value | None, key: Value) -> Value:
    if isinstance(key, Const) and isinstance(key.value, int):
        at = key.value
        if 0 <= at < len(items) or (rest is None and -len(items) <= at < 0):
            return items[at]
        if at >= 0 and rest is not None:
            return rest
    return join_all([*items, *([rest] if rest is not None else ())])


def _character(text: str, key: Value) -> Value:
    if (
        isinstance(key, Const)
        and isinstance(key.value, int)
        and -len(text) <= key.value < len(text)
    ):
        return Const(text[key.value])
    return UNKNOWN


def _of_text(owner: Text, key: Value) -> Value:
    if isinstance(key, Const) and isinstance(key.value, int):
        edge = owner.start if key.value >= 0 else owner.end
        if -len(edge) <= key.value < len(edge):
            return Const(edge[key.value])
    return Thing(marks=owner.marks)


def sliced(owner: Value, bounds: Sequence[Value], node: ast.expr, frame: Frame) -> Value:
    """`owner[a:b:c]`."""
    given = frame.run.domain.subscript(owner, Thing("builtins.slice()"), node, frame)
    if given is not None:
        return given
    numbers: list[int | None] = []
    for each in bounds:
        if not isinstance(each, Const) or not (each.value is None or isinstance(each.value, int)):
            return _somewhere(owner, node, frame)
        numbers.append(each.value)
    window: Window = slice(*numbers)
    held = frame.object(owner)
    match owner:
        case Const(value=str() | bytes() as text):
            return Const(text[window]) if window.step != 0 else UNKNOWN
        case Tuple(items=items):
            return Tuple(items[window]) if window.step != 0 else owner
        case Text():
            return _cut(owner, window)
        case _ if isinstance(held, ListObj) and held.rest is None and window.step != 0:
            return frame.make(node, replace(held, items=held.items[window]), "slice")
        case _:
            return _somewhere(owner, node, frame)


def _somewhere(owner: Value, node: ast.expr, frame: Frame) -> Value:
    held = frame.object(owner)
    match owner:
        case Ref() if isinstance(held, ListObj):
            every = [*held.items, *([held.rest] if held.rest is not None else ())]
            return frame.make(node, ListObj((), join_all(every)), "slice")
        case Tuple(items=items):
            return frame.make(node, ListObj((), join_all(items)), "slice")
        case Const() | Text():
            return Thing(marks=owner.marks)
        case Thing():
            return Thing(owner.name, marks=owner.marks)
        case _:
            return owner


def _cut(text: Text, window: Window) -> Value:
    """A slice of text whose ends are constant, as far as the constants reach."""
    start, stop = window.start or 0, window.stop
    if window.step not in (None, 1):
        return Thing(marks=text.marks)
    head, tail = text.start, text.end
    if start >= 0 and stop is not None and 0 <= stop <= len(head):
        return Const(head[start:stop])
    if start < 0 and -start <= len(tail) and (stop is None or stop < 0):
        return Const(tail[start:stop])
    parts = list(text.parts)
    if 0 < start <= len(head):
        parts[0] = Const(head[start:])
    elif start:
        parts = [Thing(marks=text.marks)]
    if stop is not None and stop < 0 and -stop <= len(tail) and len(parts) > 1:
        parts[-1] = Const(tail[:stop])
    return text_of(parts)


def elements(
    value: Value, node: ast.AST | None, frame: Frame
) -> tuple[tuple[Value, ...], Value | None]:
    """What iterating a value gives: elements in order, then any number of one more."""
    alternatives = choices(value)
    if len(alternatives) > 1:
        every: list[Value] = []
        for each in alternatives:
            items, rest = elements(each, node, frame)
            every += [*items, *([rest] if rest is not None else ())]
        return (), join_all(every)
    if node is not None:
        given = frame.run.domain.element(value, node, frame)
        if given is not None:
            return (), given
    held = frame.object(value)
    match value:
        case Tuple(items=items):
            return items, None
        case Const(value=str() as text):
            if len(text) <= frame.run.unrolled:
                return tuple(Const(each) for each in text), None
            return (), UNKNOWN
        case Const():
            return (), UNKNOWN
        case Ref() if isinstance(held, ListObj):
            return held.items, held.rest
        case Ref() if isinstance(held, DictObj):
            keys = tuple(Const(each) for each in held.items if _is_scalar(each))
            return keys, Thing(marks=held.rest.marks) if held.rest is not None else None
        case Ref() if isinstance(held, Instance):
            method = frame.run.program.method(held.of, "__iter__")
            if method is not None and node is not None:
                from rules.flow.calls import call_function

                given = call_function(Function(method, bound=value), (), {}, node, frame)
                return elements(given, None, frame)
            columns = _columns(held, frame)
            return columns, None if columns else UNKNOWN
        case Thing() if value.name:
            return (), Thing(value.below("[]"), marks=value.marks)
        case _:
            return (), Thing(marks=frame.marks(value))


def _is_scalar(key: object) -> bool:
    return key is None or isinstance(key, str | bytes | int | float | complex)


def assign(target: ast.expr, value: Value, node: ast.AST, frame: Frame) -> None:
    """`target = value`, unpacked where the target says so."""
    match target:
        case ast.Name(id=name):
            frame.write(name, value, node)
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            _unpack(targets, value, node, frame)
        case ast.Starred(value=inner):
            assign(inner, value, node, frame)
        case ast.Attribute(value=owner_node, attr=name):
            owner = frame.evaluate(owner_node)
            frame.run.domain.stored(target, owner, Const(name), value, frame)
            for each in choices(owner):
                set_attribute(each, name, value, weak=owner is not each, frame=frame)
            _forget(target, frame)
        case ast.Subscript(value=owner_node, slice=key_node):
            owner = frame.evaluate(owner_node)
            key = UNKNOWN if isinstance(key_node, ast.Slice) else frame.evaluate(key_node)
            frame.run.domain.stored(target, owner, key, value, frame)
            for each in choices(owner):
                set_item(each, key, value, weak=owner is not each, frame=frame)
            _forget(target, frame)
        case _:
            pass


def _forget(target: ast.expr, frame: Frame) -> None:
    key = frame.run.source_of(target)
    if key in frame.state.refined:
        frame.state.refined = frame.state.refined - {key}
        frame.state.variables.pop(key, None)


def _unpack(targets: list[ast.expr], value: Value, node: ast.AST, frame: Frame) -> None:
    items, rest = elements(value, node, frame)
    starred = [at for at, each in enumerate(targets) if isinstance(each, ast.Starred)]
    if rest is None and (
        len(items) == len(targets) or (starred and len(items) >= len(targets) - 1)
    ):
        if not starred:
            for target, each in zip(targets, items, strict=True):
                assign(target, each, node, frame)
            return
        at, after = starred[0], len(targets) - starred[0] - 1
        middle = items[at : len(items) - after]
        made = frame.make_list(targets[at], middle)
        for target, each in zip(
            targets, [*items[:at], made, *items[len(items) - after :]], strict=True
        ):
            assign(target, each, node, frame)
        return
    for at, target in enumerate(targets):
        if at < len(items) and not starred:
            each = items[at]
        else:
            each = join_all([*items[at:], *([rest] if rest is not None else ())])
        if isinstance(target, ast.Starred):
            each = frame.make_list(target, (), each)
        assign(target, each, node, frame)


def set_attribute(owner: Value, name: str, value: Value, *, weak: bool, frame: Frame) -> None:
    held = frame.object(owner)
    if isinstance(owner, Ref) and isinstance(held, Instance):
        known = held.attributes.get(name)
        new = join(known, value) if weak and known is not None else value
        frame.update(owner, replace(held, attributes={**held.attributes, name: new}))
    elif isinstance(owner, Module):
        module = frame.run.program.module(owner.path)
        if module is not None:
            frame.run.set_global(module, name, value, frame)
    elif isinstance(owner, Class):
        site = Site(f"class:{owner.code.full_name}", 0, 0)
        scope = frame.state.get(site)
        known_fields = scope.variables if isinstance(scope, Scope) else {}
        frame.state.heap[site] = Scope({**known_fields, name: value})


def set_item(owner: Value, key: Value, value: Value, *, weak: bool, frame: Frame) -> None:
    held = frame.object(owner)
    if not isinstance(owner, Ref):
        return
    if isinstance(held, DictObj):
        frame.update(owner, put(held, key, value, weak=weak))
    elif isinstance(held, ListObj):
        frame.update(owner, _put_in_list(held, key, value, weak=weak))
    elif isinstance(held, Instance):
        method = frame.run.program.method(held.of, "__setitem__")
        if method is not None:
            from rules.flow.calls import call_function

            call_function(Function(method, bound=owner), (key, value), {}, held.of.node, frame)


def put(held: DictObj, key: Value, value: Value, *, weak: bool = False) -> DictObj:
    """A dict with one value more; known keys change only where the key is known."""
    if isinstance(key, Const):
        known = held.items.get(key.value)
        new = join(known, value) if weak and known is not None else value
        return replace(held, items={**held.items, key.value: new})
    marked = value if not key.marks else Thing(marks=value.marks | key.marks)
    rest = marked if held.rest is None else join(held.rest, marked)
    items = {each: join(known, value) for each, known in held.items.items()}
    return DictObj(items, rest, held.kind)


def _put_in_list(held: ListObj, key: Value, value: Value, *, weak: bool) -> ListObj:
    if isinstance(key, Const) and isinstance(key.value, int) and held.rest is None:
        at = key.value
        if -len(held.items) <= at < len(held.items):
            items = list(held.items)
            items[at] = join(items[at], value) if weak else value
            return replace(held, items=tuple(items))
    rest = value if held.rest is None else join(held.rest, value)
    return ListObj(tuple(join(each, value) for each in held.items), rest, held.kind)


def compared(op: ast.cmpop, left: Value, right: Value, frame: Frame) -> bool | None:
    """Whether a comparison holds; None where that is not known."""
    answers = {_compared(op, one, two, frame) for one in choices(left) for two in choices(right)}
    return answers.pop() if len(answers) == 1 else None


def _compared(op: ast.cmpop, left: Value, right: Value, frame: Frame) -> bool | None:
    if isinstance(left, Const) and isinstance(right, Const):
        return folding.compare(op, left.value, right.value)
    if isinstance(op, ast.In | ast.NotIn):
        held = _contains(left, right, frame)
        return held if held is None or isinstance(op, ast.In) else not held
    if isinstance(op, ast.Is | ast.IsNot | ast.Eq | ast.NotEq):
        same = _is_same(left, right)
        return same if same is None or isinstance(op, ast.Is | ast.Eq) else not same
    return None


def _is_same(left: Value, right: Value) -> bool | None:
    for one, two in ((left, right), (right, left)):
        if two == NONE and isinstance(one, Text | Tuple | Ref | Function | Class | Module):
            return False
        if isinstance(one, Text) and isinstance(two, Const) and isinstance(two.value, str):
            start, end = one.start, one.end
            if not (two.value.startswith(start) and two.value.endswith(end)):
                return False
    return None


def _contains(left: Value, right: Value, frame: Frame) -> bool | None:
    if isinstance(right, Text):
        wanted = left.value if isinstance(left, Const) else None
        if isinstance(wanted, str) and any(
            isinstance(each, Const) and wanted in str(each.value) for each in right.parts
        ):
            return True
        return None
    held = frame.object(right)
    if isinstance(held, DictObj) and held.kind == "dict":
        known, rest = tuple(Const(each) for each in held.items if _is_scalar(each)), held.rest
    elif isinstance(held, ListObj):
        known, rest = held.items, held.rest  # type: ignore[assignment]
    elif isinstance(right, Tuple):
        known, rest = right.items, None  # type: ignore[assignment]
    else:
        return None
    if not isinstance(left, Const):
        return False if not known and rest is None else None
    if left in known:
        return True
    constant = rest is None and all(isinstance(each, Const) for each in known)
    return False if constant else None


def sealed(value: Value, frame: Frame) -> None:
    """Let what a module holds be open: other code may add to it."""
    for each in choices(value):
        held = frame.object(each)
        if isinstance(each, Ref) and isinstance(held, ListObj | DictObj):
            rest = SEALED if held.rest is None else join(held.rest, SEALED)
            frame.update(each, replace(held, rest=rest))
