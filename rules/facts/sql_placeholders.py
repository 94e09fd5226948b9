"""Rewrites a call that pastes values into SQL as one that passes them beside it.

Only where the text stands in the call itself, each value stands where a value may stand, and
the driver's kind of placeholder is known; else there is no rewriting.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import libcst as cst

from rules.kit import Fix, Here, Replace, dotted, string

_PERCENT = re.compile(r"^(django|psycopg2?|MySQLdb|pymysql|aiopg|mysql)(\.|$)")
_QUESTION = re.compile(r"^(sqlite3|aiosqlite)(\.|$)")
_BEFORE_VALUE = re.compile(
    r"([=<>]|\blike|\b(values|in)\s*\([^()]*|\blimit|\boffset|\bbetween|\bbetween\s+\S+\s+and)\s*$",
    re.IGNORECASE,
)
_AFTER_VALUE = re.compile(
    r"^\s*($|\)|,|;|\b(and|or|order|group|limit|offset|returning|for|union)\b)", re.IGNORECASE
)
_HOLE = re.compile(r"%s")
_FIELD = re.compile(r"\{\d*\}")
Pasted = tuple[list[str], list[cst.BaseExpression], str, str]


def with_placeholders(call: cst.Call, statement: cst.BaseExpression, here: Here) -> Fix | None:
    """The call with placeholders and a list of values; None where that cannot be made right."""
    if len(call.args) != 1 or call.args[0].value is not statement or call.args[0].keyword:
        return None
    pasted = _pasted(statement)
    if pasted is None:
        return None
    texts, values, opening, closing = pasted
    style = _style(call, here)
    bare = _bare(texts, style)
    if bare is None or not values:
        return None
    if style == ":":
        return _of_text(call, bare, values, (opening, closing), here)
    mark = "%s" if style == "%" else "?"
    listed = ", ".join(here.source(each) for each in values)
    return Fix((Replace(statement, f"{opening}{mark.join(bare)}{closing}, [{listed}]"),))


def _pasted(node: cst.BaseExpression) -> Pasted | None:
    """The stretches of raw text around the values, the values, and the quotes."""
    match node:
        case cst.FormattedString(parts=parts, start=start, end=end):
            return _of_fstring(parts, start, end)
        case cst.BinaryOperation(
            left=cst.SimpleString() as left, operator=cst.Modulo(), right=right
        ):
            given = right.elements if isinstance(right, cst.Tuple) else None
            values = [each.value for each in given] if given is not None else [right]
            return _of_pattern(left, _HOLE, values)
        case cst.Call(
            func=cst.Attribute(value=cst.SimpleString() as left, attr=cst.Name(value="format")),
            args=args,
        ) if not any(each.keyword or each.star for each in args):
            return _of_pattern(left, _FIELD, [each.value for each in args])
    return None


def _of_fstring(
    parts: Sequence[cst.BaseFormattedStringContent], start: str, end: str
) -> Pasted | None:
    texts, values = [""], list[cst.BaseExpression]()
    for each in parts:
        if isinstance(each, cst.FormattedStringText):
            texts[-1] += each.value
        elif isinstance(each, cst.FormattedStringExpression):
            if each.format_spec or each.conversion or each.equal:
                return None
            values.append(each.expression)
            texts.append("")
    if any("{" in each or "}" in each for each in texts):
        return None
    return texts, values, start.replace("f", "").replace("F", ""), end


def _of_pattern(
    left: cst.SimpleString, hole: re.Pattern[str], values: list[cst.BaseExpression]
) -> Pasted | None:
    texts = hole.split(left.raw_value)
    if len(texts) != len(values) + 1 or any(c in each for each in texts for c in "%{}"):
        return None
    if any(isinstance(each, cst.Dict | cst.StarredElement) for each in values):
        return None
    return texts, values, left.prefix + left.quote, left.quote


def _style(call: cst.Call, here: Here) -> str:
    """`%`, `?` or `:`, by what the module imports; empty if that does not tell."""
    if dotted(call.func).rpartition(".")[2] == "text":
        return ":"
    if dotted(call.func).rpartition(".")[2] not in {"execute", "raw"}:
        return ""
    if dotted(call.func).endswith(".raw"):
        return "%"
    modules = {dotted(each) for each in _imported(here)}
    percent = any(_PERCENT.match(each) for each in modules)
    question = any(_QUESTION.match(each) for each in modules)
    alchemy = any(each.startswith("sqlalchemy") for each in modules)
    if percent == question or alchemy:
        return ""
    return "%" if percent else "?"


def _imported(here: Here) -> list[cst.BaseExpression]:
    found: list[cst.BaseExpression] = []
    for line in here.module.body if here.module is not None else ():
        for each in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            if isinstance(each, cst.ImportFrom) and each.module is not None:
                found.append(each.module)
            elif isinstance(each, cst.Import):
                found += [alias.name for alias in each.names]
    return found


def _bare(texts: list[str], style: str) -> list[str] | None:
    """The stretches without the quotes around values; None if a value may be a name."""
    if not style or (style == "%" and any("%" in each for each in texts)):
        return None
    if style == ":" and any(re.search(r":\w", each) for each in texts):
        return None
    found = list(texts)
    for at in range(len(found) - 1):
        before, after = found[at], found[at + 1]
        if before.endswith("'") and after.startswith("'"):
            before, after = before[:-1], after[1:]
        whole = "?".join([*found[:at], before])
        if not _BEFORE_VALUE.search(whole) or not _AFTER_VALUE.match(after):
            return None
        if whole.count("'") % 2:
            return None
        found[at], found[at + 1] = before, after
    return found


def _of_text(
    call: cst.Call,
    texts: list[str],
    values: list[cst.BaseExpression],
    quotes: tuple[str, str],
    here: Here,
) -> Fix | None:
    """`execute(text("... :name"), {"name": name})`."""
    outer = here.around(call, cst.Call)
    names = [dotted(each).rpartition(".")[2] for each in values]
    if outer is None or len(outer.args) != 1 or outer.args[0].value is not call:
        return None
    if not all(names) or len(set(names)) != len(names) or not _is_execute(outer):
        return None
    statement = texts[0] + "".join(
        f":{name}{rest}" for name, rest in zip(names, texts[1:], strict=True)
    )
    pairs = ", ".join(
        f'"{name}": {here.source(value)}' for name, value in zip(names, values, strict=True)
    )
    code = f"{here.source(call.func)}({quotes[0]}{statement}{quotes[1]}), {{{pairs}}}"
    return Fix((Replace(call, code),))


def _is_execute(call: cst.Call) -> bool:
    return dotted(call.func).rpartition(".")[2] in {"execute", "scalar", "scalars"} and (
        string(call.args[0].value) is None
    )
