"""What an `except` catches, and what is known of exceptions by their name."""

from __future__ import annotations

import libcst as cst

from rules.facts.python_classes import Classes
from rules.kit import Here, dotted, find

_BROAD = frozenset({"Exception", "BaseException"})


def types_of(handler: cst.ExceptHandler) -> tuple[cst.BaseExpression, ...]:
    """The expressions that name what is caught; none for a bare `except`."""
    match handler.type:
        case None:
            return ()
        case cst.Tuple(elements=elements):
            return tuple(each.value for each in elements)
        case _ as only:
            return (only,)


def is_broad(handler: cst.ExceptHandler) -> bool:
    """Whether it catches every error there is: `Exception`, `BaseException`, nothing named."""
    return handler.type is None or any(
        dotted(each).rpartition(".")[2] in _BROAD for each in types_of(handler)
    )


def variable(handler: cst.ExceptHandler) -> str:
    """The name that the exception has in the handler, or nothing."""
    return dotted(handler.name.name) if handler.name is not None else ""


def handler_around(node: cst.CSTNode, here: Here) -> cst.ExceptHandler | None:
    """The handler that runs `node`, not one around the function that does."""
    found = here.around(node, cst.ExceptHandler, cst.FunctionDef, cst.Lambda, cst.ClassDef)
    return found if isinstance(found, cst.ExceptHandler) else None


def uses(body: cst.CSTNode, name: str) -> bool:
    """Whether a name is read anywhere below."""
    return bool(name) and any(each.value == name for each in find(body, cst.Name))


def is_of_project(name: str, here: Here) -> bool:
    """Whether a dotted name is a class of the project."""
    classes: Classes = here.project.facts(Classes)
    return bool(classes.find(name))
