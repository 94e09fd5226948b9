"""Values in declarations of fields and options, in one spelling however they are written.

`_("Name")` is `'Name'`, a tuple is a list, `models.deletion.CASCADE` is `models.CASCADE`, and a
name is what it stands for. None says that a value cannot be known without running the code.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal, InvalidOperation

# Gives the canonical text of a dotted name, or None.
Resolver = Callable[[str], str | None]

_LAZY = frozenset({"gettext", "gettext_lazy", "ugettext", "ugettext_lazy", "gettext_noop"})
_LAZY_CONTEXT = frozenset({"pgettext", "pgettext_lazy"})
_HOMES = re.compile(r"^django\.(contrib\.gis\.)?db\.models\.(fields\.([a-z]\w*\.)?|[a-z]\w*\.)?")
_PLAIN_CALLS = ("django.core.validators.", "django.db.models.")
_SPELLINGS = frozenset({"lower", "upper", "title", "capitalize", "strip"})
_MAX_ITEMS = 1000


def canonical(node: ast.expr, resolve: Resolver) -> str | None:
    """The canonical text of an expression."""
    match node:
        case ast.Constant(value=value):
            return repr(value)
        case ast.Name() | ast.Attribute():
            name = _dotted(node)
            return resolve(name) if name else None
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return _joined("[{}]", [canonical(each, resolve) for each in items])
        case ast.Set(elts=items):
            found = [canonical(each, resolve) for each in items]
            return _joined("[{}]", sorted(found, key=str))
        case ast.Dict(keys=keys, values=values):
            return _dictionary(keys, values, resolve)
        case ast.UnaryOp() | ast.BinOp():
            return _computed(node, resolve)
        case (
            ast.ListComp(elt=each, generators=[loop])
            | ast.GeneratorExp(elt=each, generators=[loop])
        ) if not loop.ifs:
            return _repeated(each, loop, resolve)
        case ast.Subscript(value=inner, slice=ast.Constant(value=int() as at)):
            return _item(canonical(inner, resolve), at)
        case ast.Call():
            return _call(node, resolve)
        case _:
            return None


def _dotted(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join(reversed([*parts, node.id])) if isinstance(node, ast.Name) else ""


def _joined(form: str, items: list[str | None]) -> str | None:
    known = [each for each in items if each is not None]
    return form.format(", ".join(known)) if len(known) == len(items) else None


def _dictionary(
    keys: list[ast.expr | None], values: list[ast.expr], resolve: Resolver
) -> str | None:
    pairs: list[str | None] = []
    for key, value in zip(keys, values, strict=True):
        left = canonical(key, resolve) if key is not None else None
        right = canonical(value, resolve)
        pairs.append(None if left is None or right is None else f"{left}: {right}")
    return _joined("{{{}}}", pairs)


def _repeated(node: ast.expr, loop: ast.comprehension, resolve: Resolver) -> str | None:
    """`[(each.lower(), each) for each in NAMES]`, also over the members of an enumeration."""
    items: list[str | None] = []
    for known in _rounds(loop, resolve):
        if known is None or len(items) >= _MAX_ITEMS:
            return None
        items.append(canonical(node, _within(known, resolve)))
    return _joined("[{}]", items) if items else None


def _within(known: Mapping[str, str], resolve: Resolver) -> Resolver:
    """Names in a loop: its own, else those around it."""
    owned = {each.partition(".")[0] for each in known}

    def find(name: str) -> str | None:
        return known.get(name) if name.partition(".")[0] in owned else resolve(name)

    return find


def _rounds(loop: ast.comprehension, resolve: Resolver) -> Iterator[Mapping[str, str] | None]:
    """The names that each round of a loop binds; None for one that is not understood."""
    over = _dotted(loop.iter)
    members = resolve(f"{over}.__members__") if over else None
    if members and members.startswith("ref:"):
        members = None
    for each in _literals(members or canonical(loop.iter, resolve)):
        match loop.target, each:
            case ast.Name(id=name), [str() as key, value] if members:
                yield {f"{name}.name": repr(key), f"{name}.value": repr(value)}
            case ast.Name(id=name), _ if not members:
                yield {name: repr(each)}
            case ast.Tuple(elts=targets), list() if len(targets) == len(each):
                names = [target.id if isinstance(target, ast.Name) else "" for target in targets]
                yield dict(zip(names, map(repr, each), strict=True)) if all(names) else None
            case _:
                yield None


def _literals(text: str | None) -> list[object]:
    """The items of a canonical list; nothing where one of them is no literal."""
    with suppress(ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        found = ast.literal_eval(text or "")
        return found if isinstance(found, list) else []
    return []


def _plain_text(text: str | None) -> str:
    with suppress(ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        found = ast.literal_eval(text or "")
        return found if isinstance(found, str) else ""
    return ""


def _item(text: str | None, at: int) -> str | None:
    """One item of a list, one character of a text."""
    items: list[object] = [*_plain_text(text)] or _literals(text)
    return repr(items[at]) if -len(items) <= at < len(items) else None


def _computed(node: ast.UnaryOp | ast.BinOp, resolve: Resolver) -> str | None:
    """Arithmetic on small numbers, and texts and lists put together."""
    parts = [node.operand] if isinstance(node, ast.UnaryOp) else [node.left, node.right]
    texts = [canonical(each, resolve) for each in parts]
    if None in texts:
        return None
    with suppress(ValueError, SyntaxError, TypeError):
        values = [ast.literal_eval(each) for each in texts if each is not None]
        return _operate(node, values)
    return None


def _operate(node: ast.UnaryOp | ast.BinOp, values: list[object]) -> str | None:
    match node, values:
        case ast.UnaryOp(op=ast.USub()), [int() | float() as one]:
            return repr(-one)
        case ast.BinOp(op=ast.Add()), [int() | float() as a, int() | float() as b]:
            return repr(a + b)
        case ast.BinOp(op=ast.Sub()), [int() | float() as a, int() | float() as b]:
            return repr(a - b)
        case ast.BinOp(op=ast.Mult()), [int() | float() as a, int() | float() as b]:
            return repr(a * b)
        case ast.BinOp(op=ast.Pow()), [int() as a, int() as b] if 0 <= b <= 64 and abs(a) <= 64:
            return repr(a**b)
        case ast.BinOp(op=ast.Add()), [str() as a, str() as b]:
            return repr(a + b)
        case ast.BinOp(op=ast.Add()), [list() as a, list() as b]:
            return repr(a + b)
        case _:
            return None


def _call(node: ast.Call, resolve: Resolver) -> str | None:
    name = _dotted(node.func)
    if isinstance(node.func, ast.Attribute) and node.func.attr in _SPELLINGS and not node.args:
        return _respelt(canonical(node.func.value, resolve), node.func.attr)
    full = (resolve(name) if name else None) or ""
    full = full.removeprefix("ref:")
    last = full.rpartition(".")[2]
    if last in _LAZY or (not full and name == "_"):
        return canonical(node.args[0], resolve) if node.args else None
    if last in _LAZY_CONTEXT:
        return canonical(node.args[1], resolve) if len(node.args) > 1 else None
    if full in ("builtins.str", "builtins.list", "builtins.tuple") and len(node.args) == 1:
        return canonical(node.args[0], resolve) if last != "str" else None
    if full == "decimal.Decimal" and len(node.args) == 1:
        return _decimal(canonical(node.args[0], resolve))
    if not full.startswith(_PLAIN_CALLS):
        return None
    given = [canonical(each, resolve) for each in node.args]
    for each in sorted(node.keywords, key=lambda k: k.arg or ""):
        value = canonical(each.value, resolve)
        given.append(None if value is None or each.arg is None else f"{each.arg}={value}")
    return _joined(full + "({})", given)


def _respelt(text: str | None, how: str) -> str | None:
    """A text in the spelling that a method of `str` gives it."""
    value = _plain_text(text)
    return repr(getattr(value, how)()) if value else None


def _decimal(text: str | None) -> str | None:
    try:
        return f"Decimal({Decimal(str(ast.literal_eval(text or ''))).normalize()})"
    except (ValueError, SyntaxError, InvalidOperation):
        return None


def reference(full: str) -> str:
    """The text of a name that stands for itself: a class, a function."""
    return f"ref:{_HOMES.sub('django.db.models.', full)}"
