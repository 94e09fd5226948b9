"""Where data does harm. The rules declare their sinks with these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rules.flow.domain import Call
from rules.flow.frame import Frame
from rules.flow.values import Value

PROBE = "probe"  # the title of a sink that only tells whether something is there
Condition = Callable[[Call, Frame], bool]


def always(_call: Call, _frame: Frame) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Sink:
    """Calls that must not be given data of the caller.

    `names` are full dotted names; `*.execute` is a method of this name, whatever it belongs to.
    `argument` is the place and the keywords of the argument meant: `(0, "sql")`; `None` for all.
    `needs_start` is for those that only the beginning of the text decides about: a constant
    beginning makes it harmless. `on_owner` looks at the object whose method is called.
    """

    names: tuple[str, ...]
    argument: tuple[int | str, ...] | None = (0,)
    when: Condition = always
    on_owner: bool = False
    title: str = ""

    def given(self, call: Call) -> tuple[Value, ...]:
        """The arguments that matter."""
        if self.on_owner:
            return (call.owner,) if call.owner is not None else ()
        if self.argument is None:
            return call.every
        found: list[Value] = []
        for each in self.argument:
            if isinstance(each, int):
                if each < len(call.args):
                    found.append(call.args[each])
            elif each in call.keywords:
                found.append(call.keywords[each])
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Stored:
    """Assignments to an element of something, such as `session[key] = value`.

    `owners` are full dotted names, or attribute names that begin with `*.`.
    """

    owners: tuple[str, ...]
    keys: bool = False  # whether the key does harm too
    title: str = ""


@dataclass(frozen=True, slots=True)
class Returned:
    """What a route answers with as HTML."""

    title: str = ""
