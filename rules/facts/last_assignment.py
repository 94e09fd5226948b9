"""The assignment that a variable has its value from, where straight code leaves no doubt."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from rules.kit import Here, walk

_LOOPS = (cst.For, cst.While)
_COMPREHENSIONS = (cst.ListComp, cst.SetComp, cst.DictComp, cst.GeneratorExp)


def assigned_before(name: cst.Name, here: Here) -> cst.BaseExpression | None:
    """The value last assigned to `name` on every way that leads to this use of it.

    None if there is no such single assignment: set in a branch, a loop, or not at all.
    """
    inside: cst.CSTNode = name
    for around in here.scopes.ancestors(name):
        if isinstance(around, cst.FunctionDef | cst.ClassDef | cst.Lambda):
            return None
        if isinstance(around, _COMPREHENSIONS) and _binds(around, name.value):
            return None
        if isinstance(around, _LOOPS) and _binds(around, name.value):
            return None
        if isinstance(around, cst.IndentedBlock | cst.Module):
            found, decided = _search(around.body, inside, name.value)
            if decided:
                return found
        inside = around
    return None


def _search(
    body: Sequence[cst.CSTNode], inside: cst.CSTNode, name: str
) -> tuple[cst.BaseExpression | None, bool]:
    """Looks backwards from the statement that holds the use."""
    at = next((index for index, each in enumerate(body) if each is inside), 0)
    for each in reversed(body[:at]):
        if isinstance(each, cst.SimpleStatementLine):
            match each.body[-1]:
                case cst.Assign(targets=[cst.AssignTarget(cst.Name(target))], value=value) if (
                    target == name
                ):
                    return value, True
                case _:
                    pass
        if _binds(each, name):
            return None, True
    return None, False


def _binds(root: cst.CSTNode, name: str) -> bool:
    """Whether anything below may give the name another value."""
    for each in walk(root):
        match each:
            case (
                cst.AssignTarget(target=target)
                | cst.AnnAssign(target=target)
                | cst.AugAssign(target=target)
                | cst.NamedExpr(target=target)
                | cst.For(target=target)
                | cst.CompFor(target=target)
            ):
                if any(isinstance(n, cst.Name) and n.value == name for n in walk(target)):
                    return True
            case cst.Del(target=target) | cst.AsName(name=target):
                if any(isinstance(n, cst.Name) and n.value == name for n in walk(target)):
                    return True
            case _:
                pass
    return False
