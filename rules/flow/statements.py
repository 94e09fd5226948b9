"""Statements: they change the state of a frame, or leave it for good."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rules.flow import access, branching
from rules.flow.calls import enter_context
from rules.flow.expressions import operate
from rules.flow.frame import Jumps
from rules.flow.state import ListObj, State
from rules.flow.values import NONE, UNKNOWN, Class, Const, Function, Text, Thing, Value, join_all

if TYPE_CHECKING:
    from rules.flow.frame import Frame

MAX_TURNS = 6  # of a loop until it stands still; from the third on, variables are widened
_EXACT_TURNS = 2


def run_block(body: list[ast.stmt], frame: Frame) -> None:
    """Carry out statements, until one leaves the block."""
    for node in body:
        if frame.state.is_dead:
            return
        frame.run.step(node, 1 + (len(frame.state.variables) + len(frame.state.heap)) // 32)
        frame.run.domain.statement(node, frame)
        carry_out = _STATEMENTS.get(node.__class__)
        if carry_out is not None:
            carry_out(node, frame)
        if frame.raised and not frame.state.is_dead:
            known = frame.raised[-1]
            frame.raised[-1] = frame.state.copy() if known is None else known.joined(frame.state)


def _expression(node: ast.Expr, frame: Frame) -> None:
    frame.evaluate(node.value)


def _assign(node: ast.Assign, frame: Frame) -> None:
    value = frame.evaluate(node.value)
    if frame.state.is_dead:
        return
    for target in node.targets:
        access.assign(target, value, node, frame)
    if len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        _remember(node.targets[0].id, node.value, frame)


def _remember(name: str, node: ast.expr, frame: Frame) -> None:
    """A later `if name:` says something about this."""
    while isinstance(node, ast.Await):
        node = node.value
    is_test = isinstance(node, ast.Call | ast.Compare | ast.BoolOp | ast.UnaryOp)
    if is_test and name not in frame.run.names_in(node):
        frame.state.tests[name] = node


def _annotated(node: ast.AnnAssign, frame: Frame) -> None:
    if node.value is not None:
        value = frame.evaluate(node.value)
        if not frame.state.is_dead:
            access.assign(node.target, value, node, frame)


def _augmented(node: ast.AugAssign, frame: Frame) -> None:
    before = frame.evaluate(node.target)
    added = frame.evaluate(node.value)
    if frame.state.is_dead:
        return
    held = frame.object(before)
    if isinstance(node.op, ast.Add) and isinstance(held, ListObj):
        items, rest = access.elements(added, node, frame)
        joint = [*([held.rest] if held.rest else ()), *([rest] if rest else ())]
        if held.rest is None:
            new = ListObj(held.items + items, rest, held.kind)
        else:
            new = ListObj(held.items, join_all([*joint, *items]), held.kind)
        frame.update(before, new)  # type: ignore[arg-type]
        return
    access.assign(node.target, operate(node, node.op, before, added, frame), node, frame)


def _if(node: ast.If, frame: Frame) -> None:
    _, yes, no = branching.split(node.test, frame)
    frame.state = yes
    run_block(node.body, frame)
    after = frame.state
    frame.state = no
    run_block(node.orelse, frame)
    frame.state = after.joined(frame.state)


def _for(node: ast.For | ast.AsyncFor, frame: Frame) -> None:
    iterated = frame.evaluate(node.iter)
    frame.run.domain.loop(node, iterated, frame)
    items, rest = access.elements(iterated, node.iter, frame)
    if rest is None and len(items) <= frame.run.unrolled:
        _unrolled(node, items, frame)
    else:
        value = join_all([*items, *([rest] if rest is not None else ())])
        _until_stable(node, value, may_skip=not items, frame=frame)
    frame.run.domain.loop_end(node, frame)


def _unrolled(node: ast.For | ast.AsyncFor, items: tuple[Value, ...], frame: Frame) -> None:
    broken: State | None = None
    for each in items:
        if frame.state.is_dead:
            break
        jumps = Jumps()
        frame.jumps.append(jumps)
        access.assign(node.target, each, node, frame)
        run_block(node.body, frame)
        frame.jumps.pop()
        if jumps.continued is not None:
            frame.state = frame.state.joined(jumps.continued)
        if jumps.broken is not None:
            broken = jumps.broken if broken is None else broken.joined(jumps.broken)
    run_block(node.orelse, frame)
    if broken is not None:
        frame.state = frame.state.joined(broken)


def _until_stable(
    node: ast.For | ast.AsyncFor | ast.While, value: Value | None, *, may_skip: bool, frame: Frame
) -> None:
    """Read the body until a further turn teaches nothing new."""
    head = frame.state
    left: State | None = None
    broken: State | None = None
    for turn in range(MAX_TURNS):
        frame.state = head.copy()
        jumps = Jumps()
        frame.jumps.append(jumps)
        if isinstance(node, ast.While):
            _, yes, left = branching.split(node.test, frame)
            frame.state = yes
        elif value is not None:
            left = head if may_skip or turn else None
            access.assign(node.target, value, node, frame)
        run_block(node.body, frame)
        frame.jumps.pop()
        if jumps.continued is not None:
            frame.state = frame.state.joined(jumps.continued)
        if jumps.broken is not None:
            broken = jumps.broken if broken is None else broken.joined(jumps.broken)
        after = head.joined(frame.state, widen=turn >= _EXACT_TURNS)
        if frame.state.is_dead or after.same_as(head):
            break
        if not isinstance(node, ast.While):
            left = frame.state if left is None else left.joined(frame.state)
        head = after
    if not isinstance(node, ast.While):
        left = frame.state if left is None else left.joined(frame.state)
    frame.state = left if left is not None else head
    run_block(node.orelse, frame)
    if broken is not None:
        frame.state = frame.state.joined(broken)


def _while(node: ast.While, frame: Frame) -> None:
    _until_stable(node, None, may_skip=True, frame=frame)


def _leave(node: ast.Break | ast.Continue, frame: Frame) -> None:
    if frame.jumps:
        jumps = frame.jumps[-1]
        attribute = "broken" if isinstance(node, ast.Break) else "continued"
        known: State | None = getattr(jumps, attribute)
        setattr(jumps, attribute, frame.state if known is None else known.joined(frame.state))
    frame.state = State(is_dead=True, base=frame.state.base)


def _return(node: ast.Return, frame: Frame) -> None:
    value = frame.evaluate(node.value) if node.value is not None else NONE
    if frame.state.is_dead:
        return
    frame.run.domain.returned(value, node, frame)
    frame.finish(value)


def _raise(node: ast.Raise, frame: Frame) -> None:
    for each in (node.exc, node.cause):
        if each is not None:
            frame.evaluate(each)
    frame.kill()


def _try(node: ast.Try, frame: Frame) -> None:
    frame.raised.append(frame.state.copy())
    run_block(node.body, frame)
    at_raise = frame.raised.pop()
    run_block(node.orelse, frame)
    after = frame.state
    for handler in node.handlers:
        if at_raise is None or at_raise.is_dead:
            break
        frame.state = at_raise.copy()
        if handler.name is not None:
            caught = frame.evaluate(handler.type) if handler.type is not None else UNKNOWN
            name = caught.below("()") if isinstance(caught, Thing) else ""
            frame.write(handler.name, Thing(name), handler)
        run_block(handler.body, frame)
        after = after.joined(frame.state)
    if not node.finalbody:
        frame.state = after
        return
    ends = after.is_dead
    frame.state = at_raise.copy() if ends and at_raise is not None else after
    run_block(node.finalbody, frame)
    if ends:
        frame.state = State(is_dead=True, base=frame.state.base)


def _with(node: ast.With | ast.AsyncWith, frame: Frame) -> None:
    for each in node.items:
        value = frame.evaluate(each.context_expr)
        entered = enter_context(value, each.context_expr, frame)
        if each.optional_vars is not None and not frame.state.is_dead:
            access.assign(each.optional_vars, entered, node, frame)
    suppresses = any(_suppresses(each.context_expr) for each in node.items)
    if suppresses:
        frame.raised.append(frame.state.copy())
    run_block(node.body, frame)
    if suppresses:
        known = frame.raised.pop()
        if known is not None:
            frame.state = frame.state.joined(known)


def _suppresses(node: ast.expr) -> bool:
    func = node.func if isinstance(node, ast.Call) else None
    return getattr(func, "attr", getattr(func, "id", "")) == "suppress"


def _assert(node: ast.Assert, frame: Frame) -> None:
    _, yes, _ = branching.split(node.test, frame)
    frame.state = yes


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> None:
    prefix = f"{frame.code.name}." if frame.code is not None else ""
    code = frame.run.program.function_of(node, frame.module, prefix)
    made = Function(code, frame=frame.site)
    frame.inner[code] = made
    frame.write(node.name, made, node)


def _class(node: ast.ClassDef, frame: Frame) -> None:
    prefix = f"{frame.code.name}." if frame.code is not None else ""
    frame.write(node.name, Class(frame.run.program.class_of(node, frame.module, prefix)), node)


def _import(node: ast.Import, frame: Frame) -> None:
    for alias in node.names:
        head = alias.name.partition(".")[0]
        full = alias.name if alias.asname else head
        frame.write(alias.asname or head, Thing(full), node)


def _import_from(node: ast.ImportFrom, frame: Frame) -> None:
    target = "." * node.level + (node.module or "")
    joint = "" if target.endswith(".") else "."
    for alias in node.names:
        if alias.name != "*":
            full = frame.run.program.full_import(frame.module, f"{target}{joint}{alias.name}")
            frame.write(alias.asname or alias.name, Thing(full), node)


def _delete(node: ast.Delete, frame: Frame) -> None:
    for target in node.targets:
        if isinstance(target, ast.Name):
            frame.state.variables.pop(target.id, None)


def _global(node: ast.Global, frame: Frame) -> None:
    frame.globals.update(node.names)


def _nonlocal(node: ast.Nonlocal, frame: Frame) -> None:
    frame.nonlocals.update(node.names)


def _match(node: ast.Match, frame: Frame) -> None:
    subject = frame.evaluate(node.subject)
    after = State(is_dead=True, base=frame.state.base)
    rest = frame.state
    for case in node.cases:
        if rest.is_dead:
            break
        frame.state = rest.copy()
        matched = branching.match_case(subject, case.pattern, frame)
        if matched is False:
            continue
        constant = branching.constant_pattern(case.pattern, frame)
        if constant is not None and not isinstance(subject, Const | Text):
            frame.refine(node.subject, constant)
        if case.guard is not None:
            _, yes, no = branching.split(case.guard, frame)
            frame.state = yes
            matched = None if matched and no.is_dead is False else matched
        run_block(case.body, frame)
        after = after.joined(frame.state)
        if matched is True:
            rest = State(is_dead=True, base=rest.base)
    frame.state = after.joined(rest)


_STATEMENTS: dict[type[ast.stmt], Callable[[Any, Frame], None]] = {
    ast.Expr: _expression,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.If: _if,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _while,
    ast.Break: _leave,
    ast.Continue: _leave,
    ast.Return: _return,
    ast.Raise: _raise,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Assert: _assert,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Delete: _delete,
    ast.Global: _global,
    ast.Nonlocal: _nonlocal,
    ast.Match: _match,
}
