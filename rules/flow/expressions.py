"""The values of expressions."""

from __future__ import annotations

import ast
from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Any

from rules.flow import access, branching, calls, folding
from rules.flow.state import DictObj, ListObj
from rules.flow.values import (
    EMPTY_TEXT,
    NONE,
    UNKNOWN,
    Choice,
    Const,
    Function,
    Ref,
    Text,
    Thing,
    Tuple,
    Value,
    choices,
    join,
    join_all,
    text_of,
    truth_value,
    union_of,
)

if TYPE_CHECKING:
    from rules.flow.frame import Frame

_MAX_PAIRS = 16

_NUMBER = Thing("builtins.int()")


def evaluate(node: ast.expr, frame: Frame) -> Value:
    """The value of an expression, carried out with all its effects."""
    frame.run.step(node)
    if frame.state.refined and isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        known = frame.state.variables.get(frame.run.source_of(node))
        if known is not None:
            return known
    compute = _EXPRESSIONS.get(node.__class__)
    value = compute(node, frame) if compute is not None else UNKNOWN
    frame.seen[id(node)] = value
    return value


def _constant(node: ast.Constant, _frame: Frame) -> Value:
    return UNKNOWN if node.value is ... else Const(node.value)


def _name(node: ast.Name, frame: Frame) -> Value:
    return frame.name(node)


def _tuple(node: ast.Tuple, frame: Frame) -> Value:
    items, rest = _elements(node.elts, frame)
    if rest is not None:
        return frame.make_list(node, items, rest)
    return Tuple(items)


def _list(node: ast.List | ast.Set, frame: Frame) -> Value:
    items, rest = _elements(node.elts, frame)
    kind = "set" if isinstance(node, ast.Set) else "list"
    return frame.make(node, ListObj(items, rest, kind))


def _elements(nodes: list[ast.expr], frame: Frame) -> tuple[tuple[Value, ...], Value | None]:
    items: list[Value] = []
    rest: Value | None = None
    for each in nodes:
        if not isinstance(each, ast.Starred):
            value = frame.evaluate(each)
            if rest is None:
                items.append(value)
            else:
                rest = join(rest, value)
            continue
        more, tail = access.elements(frame.evaluate(each.value), each, frame)
        if rest is None and tail is None:
            items.extend(more)
        else:
            rest = join_all([*([rest] if rest else ()), *more, *([tail] if tail else ())])
    return tuple(items), rest


def _dict(node: ast.Dict, frame: Frame) -> Value:
    items: dict[Hashable, Value] = {}
    rest: Value | None = None
    for key, value in zip(node.keys, node.values, strict=True):
        held = frame.evaluate(value)
        if key is None:
            other = frame.object(held)
            if isinstance(other, DictObj):
                items.update(other.items)
                held_rest = other.rest
            else:
                held_rest = Thing(marks=frame.marks(held))
            if held_rest is not None:
                rest = held_rest if rest is None else join(rest, held_rest)
            continue
        named = frame.evaluate(key)
        if isinstance(named, Const):
            items[named.value] = held
        else:
            held = Thing(marks=held.marks | named.marks) if named.marks else held
            rest = held if rest is None else join(rest, held)
    return frame.make(node, DictObj(items, rest))


def _joined_text(node: ast.JoinedStr, frame: Frame) -> Value:
    return text_of(frame.evaluate(each) for each in node.values)


def _formatted(node: ast.FormattedValue, frame: Frame) -> Value:
    value = frame.evaluate(node.value)
    spec = frame.evaluate(node.format_spec) if node.format_spec is not None else EMPTY_TEXT
    if isinstance(spec, Const) and str(spec.value)[-1:] in {*"bcdeEfFgGnoxX%"}:
        return _NUMBER  # or an error
    if spec != EMPTY_TEXT and isinstance(value, Const):
        return UNKNOWN
    return as_text(value, node, frame)


def as_text(value: Value, node: ast.AST, frame: Frame) -> Value:
    """A value as `str` writes it."""
    match value:
        case Const() | Text():
            return frame.run.domain.formatted(value, node, frame)
        case Choice(values=values) if all(isinstance(each, Const | Text) for each in values):
            return value
        case Ref() | Tuple():
            return Thing(marks=frame.marks(value))
        case _:
            return frame.run.domain.formatted(value, node, frame)


def _binary(node: ast.BinOp, frame: Frame) -> Value:
    left, right = frame.evaluate(node.left), frame.evaluate(node.right)
    return operate(node, node.op, left, right, frame)


def operate(
    node: ast.BinOp | ast.AugAssign, op: ast.operator, left: Value, right: Value, frame: Frame
) -> Value:
    """The result of a binary operation."""
    pairs = [(one, two) for one in choices(left) for two in choices(right)]
    if len(pairs) == 1:
        return _operate(node, op, left, right, frame)
    if len(pairs) > _MAX_PAIRS:
        pairs = [(one, right) for one in choices(left)]
    return join_all(_operate(node, op, one, two, frame) for one, two in pairs)


def _operate(
    node: ast.BinOp | ast.AugAssign, op: ast.operator, left: Value, right: Value, frame: Frame
) -> Value:
    if isinstance(left, Const) and isinstance(right, Const):
        found = folding.binary(op, left.value, right.value)
        if found is not None:
            return found
    mine = frame.run.domain.operation(node, left, right)
    if mine is not None:
        return mine
    if isinstance(op, ast.Add):
        joint = _sum(node, left, right, frame)
        if joint is not None:
            return joint
    if isinstance(op, ast.Mod) and _is_text(left):
        return _percent(node, left, right, frame)
    if isinstance(op, ast.Mult) and isinstance(frame.object(left), ListObj):
        return frame.make(node, ListObj((), _rest_of(left, frame)))
    if isinstance(op, ast.Div):
        return text_of((left, Const("/"), right)) if left.marks | right.marks else UNKNOWN
    if isinstance(op, ast.BitOr) and isinstance(frame.object(left), DictObj):
        return frame.make(node, _merged(left, right, frame))
    return Thing(marks=union_of((left, right)))


def _merged(left: Value, right: Value, frame: Frame) -> DictObj:
    one, two = frame.object(left), frame.object(right)
    first = one if isinstance(one, DictObj) else DictObj({}, UNKNOWN)
    if isinstance(two, DictObj):
        rest = [each for each in (first.rest, two.rest) if each is not None]
        return DictObj({**first.items, **two.items}, join_all(rest) if rest else None)
    return DictObj(first.items, Thing(marks=frame.marks(right)))


def _rest_of(value: Value, frame: Frame) -> Value:
    items, rest = access.elements(value, None, frame)
    return join_all([*items, *([rest] if rest is not None else ())])


def _is_text(value: Value) -> bool:
    return isinstance(value, Text) or (
        isinstance(value, Const) and isinstance(value.value, str | bytes)
    )


def _sum(node: ast.AST, left: Value, right: Value, frame: Frame) -> Value | None:
    if isinstance(left, Tuple) and isinstance(right, Tuple):
        return Tuple(left.items + right.items)
    one, two = frame.object(left), frame.object(right)
    if isinstance(one, ListObj) or isinstance(two, ListObj):
        first, rest = access.elements(left, node, frame)
        second, tail = access.elements(right, node, frame)
        if rest is None:
            return frame.make(node, ListObj(first + second, tail))
        return frame.make(
            node, ListObj(first, join_all([rest, *second, *([tail] if tail else ())]))
        )
    if _is_text(left) or _is_text(right) or left.marks or right.marks:
        if isinstance(left, Const) and not isinstance(left.value, str | bytes):
            return None
        if isinstance(right, Const) and not isinstance(right.value, str | bytes):
            return None
        return text_of((left, right))
    return None


def _percent(node: ast.AST, left: Value, right: Value, frame: Frame) -> Value:
    """`"... %s ..." % values`, part by part where the places of the values are known."""
    held = frame.object(right)
    if isinstance(left, Const) and isinstance(left.value, str):
        by_name = held.items if isinstance(held, DictObj) and held.rest is None else None
        values = right.items if isinstance(right, Tuple) else (right,)
        parts = _percent_parts(left.value, values, by_name, node, frame)
        if parts is not None:
            return text_of(parts)
    return text_of((left, Thing(marks=frame.marks(right))))


def _percent_parts(
    template: str,
    values: tuple[Value, ...],
    by_name: Mapping[Hashable, Value] | None,
    node: ast.AST,
    frame: Frame,
) -> list[Value] | None:
    parts: list[Value] = []
    queue = list(values)
    last = 0
    for match in frame.run.percent.finditer(template):
        parts.append(Const(template[last : match.start()]))
        last = match.end()
        if match["kind"] == "%":
            parts.append(Const("%"))
            continue
        if match["name"] is not None:
            if by_name is None or match["name"] not in by_name:
                return None
            value = by_name[match["name"]]
        elif queue:
            value = queue.pop(0)
        else:
            return None
        parts.append(as_text(value, node, frame) if match["kind"] in "sra" else _NUMBER)
    return [*parts, Const(template[last:])]


def _unary(node: ast.UnaryOp, frame: Frame) -> Value:
    if isinstance(node.op, ast.Not):
        return _test(node, frame)
    value = frame.evaluate(node.operand)
    folded = folding.unary(node.op, value.value) if isinstance(value, Const) else None
    return folded if folded is not None else Thing(marks=value.marks)


def _test(node: ast.expr, frame: Frame) -> Value:
    value, yes, no = branching.split(node, frame)
    frame.state = yes.joined(no)
    return value


def _boolean(node: ast.BoolOp, frame: Frame) -> Value:
    return _test(node, frame)


def _compare(node: ast.Compare, frame: Frame) -> Value:
    left = frame.evaluate(node.left)
    answer: bool | None = True
    for op, each in zip(node.ops, node.comparators, strict=True):
        right = frame.evaluate(each)
        held = access.compared(op, left, right, frame)
        answer = False if held is False or answer is False else None if held is None else answer
        left = right
    return truth_value(answer)


def _conditional(node: ast.IfExp, frame: Frame) -> Value:
    _, yes, no = branching.split(node.test, frame)
    values: list[Value] = []
    states = []
    for state, branch in ((yes, node.body), (no, node.orelse)):
        if state.is_dead:
            continue
        frame.state = state
        values.append(frame.evaluate(branch))
        states.append(frame.state)
    if not states:
        frame.state = yes
        return UNKNOWN
    frame.state = states[0] if len(states) == 1 else states[0].joined(states[1])
    return join_all(values)


def _attribute(node: ast.Attribute, frame: Frame) -> Value:
    owner = frame.evaluate(node.value)
    return join_all(access.attribute(each, node.attr, node, frame) for each in choices(owner))


def _subscript(node: ast.Subscript, frame: Frame) -> Value:
    owner = frame.evaluate(node.value)
    if isinstance(node.slice, ast.Slice):
        bounds = [
            frame.evaluate(each) if each is not None else NONE
            for each in (node.slice.lower, node.slice.upper, node.slice.step)
        ]
        return join_all(access.sliced(each, bounds, node, frame) for each in choices(owner))
    key = frame.evaluate(node.slice)
    return join_all(
        access.item(each, one, node, frame) for each in choices(owner) for one in choices(key)
    )


def _call(node: ast.Call, frame: Frame) -> Value:
    return calls.evaluate_call(node, frame)


def _lambda(node: ast.Lambda, frame: Frame) -> Value:
    code = frame.run.program.function_of(node, frame.module)
    made = Function(code, frame=frame.site)
    frame.inner.setdefault(code, made)
    return made


def _walrus(node: ast.NamedExpr, frame: Frame) -> Value:
    value = frame.evaluate(node.value)
    frame.write(node.target.id, value, node)
    if isinstance(node.value, ast.Call | ast.Compare):
        frame.state.tests[node.target.id] = node.value
    return value


def _inner(node: ast.Await | ast.Starred, frame: Frame) -> Value:
    return frame.evaluate(node.value)


def _yield(node: ast.Yield | ast.YieldFrom, frame: Frame) -> Value:
    value = frame.evaluate(node.value) if node.value is not None else NONE
    frame.run.domain.returned(value, node, frame)
    if isinstance(node, ast.YieldFrom):
        value = _rest_of(value, frame)
    frame.yielded = value if frame.yielded is None else join(frame.yielded, value)
    return UNKNOWN


def _comprehension(
    node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, frame: Frame
) -> Value:
    before = dict(frame.state.variables)
    results: list[tuple[Value, Value]] = []
    complete = len(node.generators) == 1 and not node.generators[0].ifs
    exact = _generate(node, 0, results, frame)
    names = {
        each.id
        for generator in node.generators
        for each in ast.walk(generator.target)
        if isinstance(each, ast.Name)
    }
    for name in names:
        frame.state.variables.pop(name, None)
        if name in before:
            frame.state.variables[name] = before[name]
    if isinstance(node, ast.DictComp):
        if exact and complete and all(isinstance(key, Const) for key, _ in results):
            known = {key.value: value for key, value in results if isinstance(key, Const)}
            return frame.make(node, DictObj(known))
        marked = [
            value if not key.marks else Thing(marks=value.marks | key.marks)
            for key, value in results
        ]
        return frame.make(node, DictObj({}, join_all(marked)))
    values = tuple(value for _, value in results)
    kind = "set" if isinstance(node, ast.SetComp) else "list"
    if exact and complete:
        return frame.make(node, ListObj(values, None, kind))
    return frame.make(node, ListObj((), join_all(values) if values else None, kind))


def _generate(
    node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp,
    level: int,
    results: list[tuple[Value, Value]],
    frame: Frame,
) -> bool:
    """Run the loops of a comprehension; whether each element was read one by one."""
    if level == len(node.generators):
        key = frame.evaluate(node.key) if isinstance(node, ast.DictComp) else UNKNOWN
        value = frame.evaluate(node.value if isinstance(node, ast.DictComp) else node.elt)
        results.append((key, value))
        return True
    generator = node.generators[level]
    iterated = frame.evaluate(generator.iter)
    frame.run.domain.loop(node, iterated, frame)
    items, rest = access.elements(iterated, generator.iter, frame)
    exact = rest is None and len(items) <= frame.run.unrolled and level == 0
    if not exact:
        items = (
            (join_all([*items, *([rest] if rest is not None else ())]),) if items or rest else ()
        )
    for each in items:
        access.assign(generator.target, each, generator.iter, frame)
        _filtered(generator.ifs, node, level, results, frame)
    frame.run.domain.loop_end(node, frame)
    return exact


def _filtered(
    tests: list[ast.expr],
    node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp,
    level: int,
    results: list[tuple[Value, Value]],
    frame: Frame,
) -> None:
    around = frame.state
    inside = around.copy() if tests else around
    frame.state = inside
    for test in tests:
        _, yes, _ = branching.split(test, frame)
        frame.state = yes
        if yes.is_dead:
            frame.state = around
            return
    _generate(node, level + 1, results, frame)
    if tests:
        frame.state = around.joined(frame.state)
        frame.state.variables = dict(around.variables)


_EXPRESSIONS: dict[type[ast.expr], Callable[[Any, Frame], Value]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Tuple: _tuple,
    ast.List: _list,
    ast.Set: _list,
    ast.Dict: _dict,
    ast.JoinedStr: _joined_text,
    ast.FormattedValue: _formatted,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _boolean,
    ast.Compare: _compare,
    ast.IfExp: _conditional,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Call: _call,
    ast.Lambda: _lambda,
    ast.NamedExpr: _walrus,
    ast.Await: _inner,
    ast.Starred: _inner,
    ast.Yield: _yield,
    ast.YieldFrom: _yield,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.DictComp: _comprehension,
}
