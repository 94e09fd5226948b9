"""Which functions surely answer requests themselves, and are not only given one."""

from __future__ import annotations

import libcst as cst

from rules.facts.leaked_errors import is_answer
from rules.facts.routes import by_decorator, view_of
from rules.kit import Here, find


def is_endpoint(function: cst.FunctionDef, here: Here) -> bool:
    """Whether a function is a view by its decorator, its class, or the answers that it makes."""
    if view_of(function, here) is None:
        return False
    if any(by_decorator(function, each.decorator) for each in function.decorators):
        return True
    if isinstance(here.around(function, cst.ClassDef, cst.FunctionDef), cst.ClassDef):
        return True
    return any(
        is_answer(each, here) or _redirects(each, here) for each in find(function.body, cst.Call)
    )


def _redirects(call: cst.Call, here: Here) -> bool:
    return any(
        each.endswith((".redirect", ".HttpResponseRedirect", ".RedirectResponse"))
        for each in here.names(call.func)
    )
