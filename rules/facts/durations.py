"""Lengths of time that are written as constants: `60 * 60 * 24`, `timedelta(days=30)`."""

from __future__ import annotations

from dataclasses import dataclass

import libcst as cst

from rules.kit import Here

_UNITS = {
    "weeks": 604_800.0,
    "days": 86_400.0,
    "hours": 3_600.0,
    "minutes": 60.0,
    "seconds": 1.0,
    "milliseconds": 0.001,
    "microseconds": 0.000_001,
}
_POSITIONS = ("days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks")
_DEPTH = 12


@dataclass(frozen=True, slots=True)
class Amount:
    """A number, or a length of time in seconds where `is_time`."""

    value: float
    is_time: bool = False


def amount_of(node: cst.CSTNode | None, here: Here, depth: int = _DEPTH) -> Amount | None:
    """What a constant expression amounts to; None where it is not constant."""
    if node is None or depth <= 0:
        return None
    node = here.value_of(node)
    match node:
        case cst.Integer(value=text) | cst.Float(value=text):
            return Amount(_number(text))
        case cst.UnaryOperation(operator=cst.Minus(), expression=inner):
            found = amount_of(inner, here, depth - 1)
            return Amount(-found.value, found.is_time) if found is not None else None
        case cst.BinaryOperation(left=left, operator=operator, right=right):
            a, b = amount_of(left, here, depth - 1), amount_of(right, here, depth - 1)
            return _combined(a, operator, b) if a is not None and b is not None else None
        case cst.Call(func=cst.Name(value="int" | "float"), args=[cst.Arg(value=inner)]):
            return amount_of(inner, here, depth - 1)
        case cst.Call(
            func=cst.Attribute(value=inner, attr=cst.Name(value="total_seconds")), args=[]
        ):
            found = amount_of(inner, here, depth - 1)
            return Amount(found.value) if found is not None and found.is_time else None
        case cst.Call() if here.names(node.func) & {"datetime.timedelta"}:
            return _delta(node, here, depth)
    return None


def _number(text: str) -> float:
    try:
        return float(int(text, 0))
    except ValueError:
        return float(text.replace("_", ""))
    except OverflowError:
        return float("inf")


def _combined(a: Amount, operator: cst.BaseBinaryOp, b: Amount) -> Amount | None:
    is_time = a.is_time or b.is_time
    match operator:
        case cst.Multiply():
            return Amount(a.value * b.value, is_time)
        case cst.Add():
            return Amount(a.value + b.value, is_time)
        case cst.Subtract():
            return Amount(a.value - b.value, is_time)
        case cst.Divide() | cst.FloorDivide() if b.value:
            return Amount(a.value / b.value, a.is_time and not b.is_time)
    return None


def _delta(node: cst.Call, here: Here, depth: int) -> Amount | None:
    total = 0.0
    for position, each in enumerate(node.args):
        unit = each.keyword.value if each.keyword is not None else _POSITIONS[position % 7]
        found = amount_of(each.value, here, depth - 1)
        if found is None or each.star or unit not in _UNITS:
            return None
        total += found.value * _UNITS[unit]
    return Amount(total, is_time=True)
