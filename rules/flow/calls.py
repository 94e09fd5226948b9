"""Calls: of functions and classes of the project, of libraries, of methods of values."""

from __future__ import annotations

import ast
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rules.flow import access, library
from rules.flow.domain import Call
from rules.flow.state import DictObj, Instance, Object, Scope, State
from rules.flow.values import (
    NONE,
    UNKNOWN,
    Choice,
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
    union_of,
)

if TYPE_CHECKING:
    from rules.flow.frame import Frame

MAX_DEPTH = 12  # calls inside calls
_MAX_SAME = 2  # activations of one function at a time
_MANAGERS = frozenset({"contextmanager", "asynccontextmanager"})

Keywords = Mapping[str, Value]


def evaluate_call(node: ast.Call, frame: Frame) -> Value:
    """A call as it is written."""
    if isinstance(node.func, ast.Name) and node.func.id == "super":
        return Thing("super()")
    owner: Value | None = None
    method = ""
    if isinstance(node.func, ast.Attribute):
        owner = frame.evaluate(node.func.value)
        method = node.func.attr
        above = _above(owner, method, frame)
        if above is not None:
            args, keywords, _ = _arguments(node, frame)
            return call_function(above, args, keywords, node, frame)
        if len(choices(owner)) > 1:
            args, keywords, more = _arguments(node, frame)
            results = [
                _method_call(node, each, method, args, keywords, frame, has_more=more)
                for each in _callable(owner)
            ]
            return join_all(results)
    elif isinstance(node.func, ast.Name):
        method = node.func.id
    args, keywords, more = _arguments(node, frame)
    if owner is not None:
        return _method_call(node, owner, method, args, keywords, frame, has_more=more)
    called = frame.evaluate(node.func)
    results = [
        invoke(each, args, keywords, node, frame, method=method, has_more=more)
        for each in choices(called)
        if each != NONE
    ]
    return join_all(results)


def _callable(owner: Value) -> list[Value]:
    """What methods can be called on: not None, where there is another value."""
    every = choices(owner)
    return [each for each in every if each != NONE] or list(every)


def _above(owner: Value, method: str, frame: Frame) -> Function | None:
    """`super().method`, if a class of the project above this one has it."""
    if owner != Thing("super()") or frame.code is None or frame.code.owner is None:
        return None
    found = frame.run.program.method(frame.code.owner, method, above=True)
    node = frame.code.node
    first = node.args.args[0].arg if node.args.args else ""
    return Function(found, bound=frame.read(first)) if found is not None else None


def _arguments(node: ast.Call, frame: Frame) -> tuple[tuple[Value, ...], dict[str, Value], bool]:
    args: list[Value] = []
    keywords: dict[str, Value] = {}
    more = False
    for each in node.args:
        if isinstance(each, ast.Starred):
            items, rest = access.elements(frame.evaluate(each.value), None, frame)
            args.extend(items)
            if rest is not None:
                args.append(rest)
                more = True
        else:
            args.append(frame.evaluate(each))
    for named in node.keywords:
        value = frame.evaluate(named.value)
        if named.arg is not None:
            keywords[named.arg] = value
            continue
        held = frame.object(value)
        if isinstance(held, DictObj):
            keywords.update({str(key): one for key, one in held.items.items()})
        if not isinstance(held, DictObj) or held.rest is not None:
            more = True
            if frame.marks(value):
                keywords.setdefault("**", Thing(marks=frame.marks(value)))
    return tuple(args), keywords, more


def _method_call(
    node: ast.Call,
    owner: Value,
    method: str,
    args: tuple[Value, ...],
    keywords: dict[str, Value],
    frame: Frame,
    *,
    has_more: bool,
) -> Value:
    given = library.of_value(node, owner, method, args, keywords, frame)
    if isinstance(owner, Ref | Const | Text | Tuple) and given is not None:
        name = _kind_of(owner, frame)
        call = Call(node, f"{name}.{method}", owner, method, args, keywords, has_more)
        frame.called[id(node)] = call
        mine = frame.run.domain.call(call, frame)
        return frame.run.domain.result(call, given, frame) if mine is None else mine
    assert isinstance(node.func, ast.Attribute)  # noqa: S101 - for mypy
    called = access.attribute(owner, method, node.func, frame)
    results = [
        invoke(each, args, keywords, node, frame, owner=owner, method=method, has_more=has_more)
        for each in choices(called)
    ]
    return join_all(results)


def _kind_of(value: Value, frame: Frame) -> str:
    held = frame.object(value)
    if isinstance(held, Instance):
        return held.of.full_name
    if isinstance(held, DictObj):
        return "configparser.ConfigParser()" if held.kind == "config" else "builtins.dict()"
    if held is not None:
        return "builtins.list()"
    if isinstance(value, Const):
        return f"builtins.{value.value.__class__.__name__}()"
    return "builtins.tuple()" if isinstance(value, Tuple) else "builtins.str()"


def invoke(
    called: Value,
    args: tuple[Value, ...],
    keywords: Keywords,
    node: ast.Call,
    frame: Frame,
    *,
    owner: Value | None = None,
    method: str = "",
    has_more: bool = False,
) -> Value:
    """Call a value."""
    run = frame.run
    match called:
        case Function(code=code):
            name = f"{code.module.name}.{code.name}"
        case Class(code=of):
            name = of.full_name
        case Thing():
            name = called.name
            if not name and owner is not None and method:
                name = _name_below(owner, method)
        case _:
            name = ""
    call = Call(node, name, owner, method, args, keywords, has_more)
    frame.called[id(node)] = call
    given = run.domain.call(call, frame)
    if given is not None:
        return given
    match called:
        case Function():
            return call_function(called, args, keywords, node, frame)
        case Class(code=of):
            return instantiate(of, args, keywords, node, frame)
        case Ref() if isinstance(held := frame.object(called), Instance):
            inner = run.program.method(held.of, "__call__")
            if inner is not None:
                bound = Function(inner, bound=called)
                return call_function(bound, args, keywords, node, frame)
            result: Value = UNKNOWN
        case _:
            found = library.of_library(call, frame)
            result = found if found is not None else Thing(_called_name(name))
            if run.domain.never_returns(call) or name in library.NEVER_RETURN:
                result = run.domain.result(call, result, frame)
                frame.kill()
                return result
    return run.domain.result(call, result, frame)


def _called_name(name: str) -> str:
    return f"{name}()" if name and len(name) < 160 else ""


def _name_below(owner: Value, method: str) -> str:
    return owner.below(f".{method}") if isinstance(owner, Thing) else ""


def call_function(
    function: Function,
    args: tuple[Value, ...],
    keywords: Keywords,
    node: ast.AST,
    frame: Frame,
) -> Value:
    """Interpret a function of the project with these arguments."""
    run, code = frame.run, function.code
    given = (*args, *keywords.values(), *([function.bound] if function.bound else ()))
    if not _may_enter(code, frame):
        run.note_unfollowed(code, node, frame)
        marks = union_of(Thing(marks=frame.marks(each)) for each in given)
        return run.domain.unfollowed(Thing(marks=marks))
    frame.spill()
    variables = bind(function, args, keywords, node, frame)
    key, before = _key(function, variables, frame)
    known = run.memo.get(key)
    if known is None:
        known = _enter(function, variables, node, frame)
        run.memo[key] = known
        if known.heap is not None:
            frame.state.heap = known.heap
    else:
        run.step(node)
        if known.heap is not None:
            for site, held in known.heap.items():
                if before.get(site) is not held and known.before.get(site) is not held:
                    frame.state.heap[site] = held
    if known.heap is None:
        frame.kill()
        return UNKNOWN
    frame.unspill()
    if known.exit is not None:
        run.domain.left(code, known.exit, frame)
    return known.result


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call gave; `heap` is None where it never returned."""

    result: Value
    heap: dict[Site, Object] | None
    before: dict[Site, Object]
    exit: State | None = None


def _may_enter(code: FunctionCode, frame: Frame) -> bool:
    at: Frame | None = frame
    depth = same = 0
    while at is not None:
        depth += 1
        same += at.code is code
        at = at.caller
    return depth <= MAX_DEPTH and same < _MAX_SAME


def _key(
    function: Function, variables: dict[str, Value], frame: Frame
) -> tuple[Hashable, dict[Site, Object]]:
    state = frame.state
    roots = list(variables.values())
    if function.frame is not None:
        roots.append(Ref(function.frame))
    reached = state.reachable(roots)
    for site, held in state.heap.items():
        if isinstance(held, Scope) and site.line == 0:
            reached[site] = held
    frozen = frozenset((site, _frozen(held)) for site, held in reached.items())
    items = tuple(sorted(variables.items(), key=lambda pair: pair[0]))
    # Sites made inside belong to this call, so a result is only good for the same caller.
    place = frame.site.calls
    return (function.code, items, frozen, place, frame.run.domain.context()), reached


def _frozen(held: Object) -> Hashable:
    match held:
        case DictObj(items=values):
            return (frozenset(values.items()), held.rest, held.kind)
        case Instance(attributes=known) | Scope(variables=known):
            return frozenset(known.items())
        case _:
            return held


def _enter(function: Function, variables: dict[str, Value], node: ast.AST, frame: Frame) -> Outcome:
    from rules.flow.frame import Frame as Activation

    run, code = frame.run, function.code
    place = frame.place(node)
    calls = (*_trail(frame), (place.line, place.column))
    site = Site(code.module.path, code.node.lineno, code.node.col_offset, calls)
    state = State(variables, dict(frame.state.heap), base=frame.state.base)
    inner = Activation(
        run, code.module, code, state, site, outer=function.frame, caller=frame, call=node
    )
    before = dict(frame.state.heap)
    result = run.perform(inner)
    heap = inner.exit.heap if inner.exit is not None else None
    return Outcome(result, heap, before, inner.exit)


def _trail(frame: Frame) -> tuple[Hashable, ...]:
    calls = frame.site.calls
    return calls[-MAX_DEPTH:] if isinstance(calls, tuple) else ()


def bind(
    function: Function,
    args: tuple[Value, ...],
    keywords: Keywords,
    node: ast.AST,
    frame: Frame,
) -> dict[str, Value]:
    """Arguments to the names of the parameters."""
    run, spec = frame.run, function.code.node.args
    positional = [each.arg for each in (*spec.posonlyargs, *spec.args)]
    given = list(args)
    if function.bound is not None and positional:
        given.insert(0, function.bound)
    variables: dict[str, Value] = {}
    for at, name in enumerate(positional):
        if at < len(given):
            variables[name] = given[at]
        elif name in keywords:
            variables[name] = keywords[name]
    extra = tuple(given[len(positional) :])
    if spec.vararg is not None:
        variables[spec.vararg.arg] = Tuple(extra)
    for each in spec.kwonlyargs:
        if each.arg in keywords:
            variables[each.arg] = keywords[each.arg]
    for name, value in list(variables.items()):
        variables[name] = run.domain.bound(function.code, name, value, frame)
    if spec.kwarg is not None:
        names = {*positional, *(each.arg for each in spec.kwonlyargs)}
        others = {key: value for key, value in keywords.items() if key not in names}
        rest = others.pop("**", None)
        variables[spec.kwarg.arg] = frame.make(node, DictObj(dict(others), rest), "kwargs")
    _defaults(function, variables, keywords, frame)
    return variables


def _defaults(
    function: Function, variables: dict[str, Value], keywords: Keywords, frame: Frame
) -> None:
    spec = function.code.node.args
    positional = [each.arg for each in (*spec.posonlyargs, *spec.args)]
    defaults = dict(
        zip(positional[len(positional) - len(spec.defaults) :], spec.defaults, strict=True)
    )
    for each, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True):
        if default is not None:
            defaults[each.arg] = default
    spread = keywords.get("**")
    for name in (*positional, *(each.arg for each in spec.kwonlyargs)):
        if name in variables:
            continue
        default = defaults.get(name)
        value = frame.run.default_value(default, function, frame) if default else UNKNOWN
        variables[name] = join(value, spread) if spread is not None else value


def instantiate(
    code: ClassCode,
    args: tuple[Value, ...],
    keywords: Keywords,
    node: ast.AST,
    frame: Frame,
) -> Value:
    """Make an object: run `__init__`, or give the fields of a data class their values."""
    program = frame.run.program
    ours, others = program.lineage(code)
    is_open = any(each not in _PLAIN_BASES for each in others)
    if any(each in _ENUMS for each in others) and args:
        return Thing(of=code)
    initial = program.method(code, "__init__")
    if initial is not None:
        made = frame.make(node, Instance(code, {}, is_open), code.full_name)
        call_function(Function(initial, bound=made), args, keywords, node, frame)
        return made
    names = [name for each in reversed(ours) for name in each.fields]
    attributes = dict(zip(names, args, strict=False))
    attributes |= {name: value for name, value in keywords.items() if name != "**"}
    if "**" in keywords:
        for name in names:
            attributes.setdefault(name, keywords["**"])
    return frame.make(node, Instance(code, attributes, is_open), code.full_name)


_ENUMS = frozenset({"enum.Enum", "enum.StrEnum", "enum.IntEnum", "enum.Flag"})
_PLAIN_BASES = frozenset(
    {"object", "builtins.object", "typing.Generic", "abc.ABC", "typing.Protocol"}
)


def enter_context(value: Value, node: ast.expr, frame: Frame) -> Value:
    """What `with value as x` gives to x."""
    results = []
    for each in choices(value):
        held = frame.object(each)
        method = None
        if isinstance(held, Instance):
            names = ("__enter__", "__aenter__")
            found = (frame.run.program.method(held.of, name) for name in names)
            method = next((one for one in found if one is not None), None)
        if method is not None:
            results.append(call_function(Function(method, bound=each), (), {}, node, frame))
        elif isinstance(held, DictObj | Instance) or held is None:
            results.append(each)
        elif _is_manager(node, frame):
            items, rest = access.elements(each, None, frame)
            results.append(join_all([*items, *([rest] if rest is not None else ())]))
        else:
            results.append(each)
    return join_all(results)


def _is_manager(node: ast.expr, frame: Frame) -> bool:
    """Whether the context manager is a generator function of the project."""
    if not isinstance(node, ast.Call):
        return False
    called = frame.seen.get(id(node.func))
    return isinstance(called, Function | Choice | Module | Thing)
