"""What a vocabulary tells the interpreter: the hooks of a `Domain`."""

from __future__ import annotations

import ast
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rules.flow.values import Const, FunctionCode, Marks, Value, union_of

if TYPE_CHECKING:
    from rules.flow.frame import Frame
    from rules.flow.state import State


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is being evaluated.

    `name` is the dotted name of what is called, as far as it is known from imports:
    `subprocess.run`, `sqlite3.connect().cursor().execute`, `builtins.open`, or that of a
    function of the project. `owner` is the value whose method is called, `method` the last
    part of the name as it is written. Starred arguments are spread where their number is
    known; `has_more` says that there may be others.
    """

    node: ast.Call
    name: str
    owner: Value | None
    method: str
    args: tuple[Value, ...]
    keywords: Mapping[str, Value]
    has_more: bool = False

    def argument(self, position: int, *names: str) -> Value | None:
        """An argument by its place or by one of its keywords; a negative place is none."""
        for name in names:
            if name in self.keywords:
                return self.keywords[name]
        return self.args[position] if 0 <= position < len(self.args) else None

    def constant(self, position: int, *names: str) -> object:
        """The value of an argument that is a constant; None for all others."""
        given = self.argument(position, *names)
        return given.value if isinstance(given, Const) else None

    @property
    def every(self) -> tuple[Value, ...]:
        return (*self.args, *self.keywords.values())

    @property
    def marks(self) -> Marks:
        """The marks of all arguments, not of what they hold."""
        return union_of(self.every)


@dataclass(frozen=True, slots=True)
class Test:
    """A condition whose outcome is assumed: what holds in one branch of an `if`.

    `node` is a call, comparison, name or other expression without `not`, `and`, `or`.
    """

    node: ast.expr
    outcome: bool


class Domain:
    """The hooks, each with a body that leaves the matter to the interpreter.

    A hook that returns None says "not mine". `frame` is the function being interpreted: its
    `state`, `evaluate(node)`, `refine(node, value)`, `marks(value)`, `place(node)`.
    """

    def context(self) -> Hashable:
        """What else a call may depend on: results of calls are kept by arguments and this."""
        return ()

    def parameter(self, function: FunctionCode, name: str, frame: Frame) -> Value | None:
        """The value of a parameter of a function that nobody was seen to call."""

    def name(self, full: str, frame: Frame) -> Value | None:
        """What a name of a library stands for: `flask.request`."""

    def attribute(self, owner: Value, name: str, node: ast.expr, frame: Frame) -> Value | None:
        """`owner.name`, where the interpreter does not know the object."""

    def subscript(self, owner: Value, key: Value, node: ast.expr, frame: Frame) -> Value | None:
        """`owner[key]`, where the interpreter does not know the object."""

    def call(self, call: Call, frame: Frame) -> Value | None:
        """Asked first for every call; an answer keeps a function of the project unread."""

    def result(self, call: Call, result: Value, frame: Frame) -> Value:
        """The last word on what a call of a library or of an unknown function gives."""
        return result

    def bound(self, function: FunctionCode, name: str, value: Value, frame: Frame) -> Value:
        """An argument on its way into a function of the project; `frame` is the caller's."""
        return value

    def unfollowed(self, value: Value) -> Value:
        """What a function of the project may give that was not entered: recursion, depth."""
        return value

    def left(self, function: FunctionCode, exit_state: State, frame: Frame) -> None:
        """A function of the project returned; `frame` is the caller's."""

    def element(self, iterated: Value, node: ast.AST, frame: Frame) -> Value | None:
        """What iterating gives, where the interpreter does not know the elements."""

    def loop(self, node: ast.AST, iterated: Value, frame: Frame) -> None:
        """A loop or comprehension over this value begins. `loop_end` follows when it is done."""

    def loop_end(self, node: ast.AST, frame: Frame) -> None:
        """The loop is done; it may have been read several times."""

    def operation(self, node: ast.BinOp | ast.AugAssign, left: Value, right: Value) -> Value | None:
        """A binary operation that is neither constant nor text."""

    def formatted(self, value: Value, node: ast.AST, frame: Frame) -> Value:
        """A value as it becomes part of text, by f-string, `%`, `format` or `str`."""
        return value

    def assume(self, test: Test, frame: Frame) -> None:
        """A condition holds from here on: `frame.refine` what it says of values."""

    def stored(
        self, target: ast.expr, owner: Value, key: Value, value: Value, frame: Frame
    ) -> None:
        """`owner[key] = value`, or `owner.key = value` with the name as a constant."""

    def assigned(self, name: str, value: Value, node: ast.AST, frame: Frame) -> Value:
        """A value on its way into a variable."""
        return value

    def returned(self, value: Value, node: ast.AST, frame: Frame) -> None:
        """A function returns or yields this."""

    def statement(self, node: ast.stmt, frame: Frame) -> None:
        """A statement is about to be read."""

    def never_returns(self, call: Call) -> bool:
        """Whether a call of a library always raises or ends the program."""
        return False
