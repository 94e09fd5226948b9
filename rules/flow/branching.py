"""Conditions: what they are, and what is known where they hold."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from rules.flow import access
from rules.flow.domain import Test
from rules.flow.state import DictObj, Instance, ListObj, State
from rules.flow.values import (
    FALSE,
    NONE,
    TRUE,
    UNKNOWN,
    Class,
    Const,
    Function,
    Module,
    Ref,
    Text,
    Value,
    choices,
    is_true,
    join_all,
)

if TYPE_CHECKING:
    from rules.flow.frame import Frame

_MAX_TESTS = 4
_NEGATED: dict[type[ast.cmpop], ast.cmpop] = {
    ast.Eq: ast.NotEq(),
    ast.NotEq: ast.Eq(),
    ast.Is: ast.IsNot(),
    ast.IsNot: ast.Is(),
    ast.In: ast.NotIn(),
    ast.NotIn: ast.In(),
}


def split(node: ast.expr, frame: Frame) -> tuple[Value, State, State]:
    """Evaluate a condition: its value, and what is known where it holds and where not.

    A state is dead where the condition cannot come out that way. The frame's own state is
    left as one of the two: the caller sets it.
    """
    match node:
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            value, yes, no = split(inner, frame)
            known = is_true(value)
            answer = UNKNOWN if known is None else FALSE if known else TRUE
            return answer, no, yes
        case ast.BoolOp(op=op, values=values):
            return _both(values, frame, is_and=isinstance(op, ast.And))
        case _:
            return _leaf(node, frame)


def _both(nodes: list[ast.expr], frame: Frame, *, is_and: bool) -> tuple[Value, State, State]:
    """`a and b`, `a or b`: `b` is evaluated where `a` leaves the matter open."""
    value, yes, no = split(nodes[0], frame)
    if len(nodes) == 1:
        return value, yes, no
    ends, goes_on = (no, yes) if is_and else (yes, no)
    held = _part(value, truth=not is_and)
    if goes_on.is_dead:
        return value, yes, no
    frame.state = goes_on
    other, other_yes, other_no = _both(nodes[1:], frame, is_and=is_and)
    result = other if ends.is_dead else join_all([*held, other])
    if is_and:
        return result, other_yes, ends.joined(other_no)
    return result, ends.joined(other_yes), other_no


def _part(value: Value, *, truth: bool) -> list[Value]:
    """What a value may be where it counts as true, or as false."""
    if truth:
        return [each for each in choices(value) if is_true(each) is not False]
    found = []
    for each in choices(value):
        known = is_true(each)
        if known is False:
            found.append(each)
        elif known is None:
            found.append(each if isinstance(each, Ref) else UNKNOWN)
    return found


def _leaf(node: ast.expr, frame: Frame) -> tuple[Value, State, State]:
    value = frame.evaluate(node)
    known = is_true(value) if not isinstance(value, Ref) else _is_filled(value, frame)
    sides = []
    after = frame.state
    for outcome in (True, False):
        if after.is_dead or (known is not None and known is not outcome):
            sides.append(State(is_dead=True, base=after.base))
            continue
        frame.state = after.copy()
        if known is None:
            assume(node, outcome=outcome, frame=frame)
        sides.append(frame.state)
    frame.state = after
    if known is not None and isinstance(value, Ref):
        value = TRUE if known else value
    return value, sides[0], sides[1]


def _is_filled(value: Ref, frame: Frame) -> bool | None:
    held = frame.object(value)
    if isinstance(held, ListObj | DictObj):
        if held.items:
            return True
        return False if held.rest is None else None
    return (
        True
        if isinstance(held, Instance) and not frame.run.program.method(held.of, "__bool__")
        else None
    )


def assume(node: ast.expr, *, outcome: bool, frame: Frame, depth: int = 0) -> None:
    """From here on the condition is known to hold, or not to hold."""
    match node:
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            assume(inner, outcome=not outcome, frame=frame, depth=depth)
            return
        case ast.BoolOp(op=op, values=values):
            if isinstance(op, ast.And) is outcome:
                for each in values:
                    assume(each, outcome=outcome, frame=frame, depth=depth)
            return
        case ast.NamedExpr(target=target, value=value):
            _truth(target, outcome=outcome, frame=frame)
            assume(value, outcome=outcome, frame=frame, depth=depth)
            return
        case ast.Compare(ops=[op], comparators=[_]):
            _comparison(node, op, outcome=outcome, frame=frame)
        case ast.Call(func=ast.Name(id="isinstance"), args=[subject, _]):
            if outcome:
                _drop(subject, frame, keep=lambda each: each != NONE)
        case ast.Call(func=ast.Name(id="bool"), args=[inner]):
            assume(inner, outcome=outcome, frame=frame, depth=depth)
            return
        case ast.Name(id=name):
            test = frame.state.tests.get(name)
            _truth(node, outcome=outcome, frame=frame)
            if test is not None and depth < _MAX_TESTS:
                assume(test, outcome=outcome, frame=frame, depth=depth + 1)
        case _:
            _truth(node, outcome=outcome, frame=frame)
    frame.run.domain.assume(Test(node, outcome), frame)


def _truth(node: ast.expr, *, outcome: bool, frame: Frame) -> None:
    """A value counts as true, or as false."""
    if not isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
        return
    value = frame.known(node)
    if outcome:
        _drop(node, frame, keep=lambda each: is_true(each) is not False)
        return
    left = _part(value, truth=False)
    if left and not all(isinstance(each, Ref) for each in left) and value != UNKNOWN:
        frame.refine(node, join_all(left))


def _drop(node: ast.expr, frame: Frame, *, keep: object) -> None:
    value = frame.known(node)
    kept = [each for each in choices(value) if callable(keep) and keep(each)]
    if kept and len(kept) < len(choices(value)):
        frame.refine(node, join_all(kept))


def _comparison(node: ast.Compare, op: ast.cmpop, *, outcome: bool, frame: Frame) -> None:
    if not outcome:
        op = _NEGATED.get(op.__class__, op)
        if op is node.ops[0]:
            return
    left, right = frame.known(node.left), frame.known(node.comparators[0])
    match op:
        case ast.Eq() | ast.Is():
            for subject, value, other in (
                (node.left, left, right),
                (node.comparators[0], right, left),
            ):
                if isinstance(other, Const) and not isinstance(value, Const):
                    frame.refine(subject, other)
        case ast.NotEq() | ast.IsNot():
            if isinstance(right, Const):
                _drop(node.left, frame, keep=lambda each: each != right)
        case ast.In():
            _is_one_of(node.left, left, right, frame)
        case _:
            pass


def _is_one_of(subject: ast.expr, value: Value, allowed: Value, frame: Frame) -> None:
    """`subject in (a, b)`: it is `a` or `b`, if these are constants."""
    if isinstance(value, Const) or isinstance(allowed, Const | Text | Module | Class | Function):
        return
    items, rest = access.elements(allowed, None, frame)
    if rest is None and items and all(isinstance(each, Const) for each in items):
        frame.refine(subject, join_all(items))


def match_case(subject: Value, pattern: ast.pattern, frame: Frame) -> bool | None:
    """Whether a value matches a pattern; names in the pattern are bound."""
    match pattern:
        case ast.MatchValue(value=node):
            return access.compared(ast.Eq(), subject, frame.evaluate(node), frame)
        case ast.MatchSingleton(value=held):
            return access.compared(ast.Is(), subject, Const(held), frame)
        case ast.MatchAs(pattern=inner, name=name):
            held = True if inner is None else match_case(subject, inner, frame)
            if name is not None and held is not False:
                frame.write(name, subject, pattern)
            return held
        case ast.MatchOr(patterns=patterns):
            answers = [match_case(subject, each, frame) for each in patterns]
            return True if True in answers else None if None in answers else False
        case ast.MatchSequence(patterns=patterns):
            items, rest = access.elements(subject, None, frame)
            for at, each in enumerate(patterns):
                known = rest is None and len(items) == len(patterns)
                value = items[at] if known else join_all([*items, *([rest] if rest else ())])
                match_case(value, each, frame)
            return None
        case ast.MatchStar(name=name):
            if name is not None:
                frame.write(name, frame.make_list(pattern, (), subject), pattern)
            return None
        case ast.MatchMapping(keys=keys, patterns=patterns, rest=others):
            for key, each in zip(keys, patterns, strict=True):
                match_case(access.item(subject, frame.evaluate(key), key, frame), each, frame)
            if others is not None:
                frame.write(others, subject, pattern)
            return None
        case ast.MatchClass(patterns=patterns, kwd_attrs=names, kwd_patterns=named):
            for each in patterns:
                match_case(subject, each, frame)
            for attr, each in zip(names, named, strict=True):
                value = access.attribute(
                    subject, attr, ast.Name("_", lineno=pattern.lineno, col_offset=0), frame
                )
                match_case(value, each, frame)
            return None
    return None


def constant_pattern(pattern: ast.pattern, frame: Frame) -> Value | None:
    """What a subject is that matched; None where the pattern is no constant."""
    match pattern:
        case ast.MatchValue(value=node):
            found = frame.evaluate(node)
            return found if isinstance(found, Const) else None
        case ast.MatchOr(patterns=patterns):
            every = [constant_pattern(each, frame) for each in patterns]
            return None if None in every else join_all([each for each in every if each])
        case ast.MatchAs(pattern=inner) if inner is not None:
            return constant_pattern(inner, frame)
        case _:
            return None
