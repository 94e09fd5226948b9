"""Types, values and tables in words and Markdown."""

from __future__ import annotations

import json
import types
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from msgspec import Meta

_PLAIN = {str: "text", int: "whole number", float: "number", bool: "`true` or `false`"}


def split(hint: Any) -> tuple[Any, tuple[Meta, ...]]:
    """A type without its annotations, and what they say, the outermost last."""
    if get_origin(hint) is not Annotated:
        return hint, ()
    inner, *notes = get_args(hint)
    bare, more = split(inner)
    return bare, (*more, *(each for each in notes if isinstance(each, Meta)))


def meaning(hint: Any) -> str:
    """What the annotations of a type say it is for; empty if they say nothing."""
    _, notes = split(hint)
    return next((each.description for each in reversed(notes) if each.description), "")


def type_in_words(hint: Any) -> str:
    """What may be written, for people who do not read Python."""
    bare, notes = split(hint)
    origin, arguments = get_origin(bare), get_args(bare)
    if origin is Literal:
        return ", ".join(f"`{literal(each)}`" for each in arguments)
    if origin in (tuple, list, set, frozenset):
        return f"list of {_several(arguments[0])}"
    if origin is dict:
        return f"table of {_several(arguments[1])}"
    if origin in (types.UnionType, Union):
        return " or ".join(type_in_words(each) for each in arguments if each is not type(None))
    return _PLAIN.get(bare, "table") + _limits(notes)


def _several(hint: Any) -> str:
    bare, _ = split(hint)
    plural = {str: "texts", int: "whole numbers", float: "numbers"}
    if get_origin(bare) is Literal:
        return f"values out of {type_in_words(hint)}"
    return plural.get(bare, "tables")


def _limits(notes: Sequence[Meta]) -> str:
    least = next((each.ge for each in notes if each.ge is not None), None)
    most = next((each.le for each in notes if each.le is not None), None)
    if least is not None and most is not None:
        return f", {least} to {most}"
    return f", {least} or more" if least is not None else ""


def literal(value: Any) -> str:
    """A value as TOML writes it."""
    if value == {}:
        return "{}"
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def table(*rows: Sequence[str]) -> str:
    """A Markdown table; the first row is its head."""
    head, *body = ([_cell(each) for each in row] for row in rows)
    lines = [head, ["---"] * len(head), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
