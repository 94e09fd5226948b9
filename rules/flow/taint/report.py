"""Turns what was followed into a finding."""

from __future__ import annotations

from rules.flow.taint.subject import TaintedCall
from rules.kit import Confidence, Fix, Flag, Here

_LONGEST = 50


def flag(
    found: TaintedCall,
    here: Here,
    harm: str,
    cure: str,
    *,
    doubt: str = "",
    fix: Fix | None = None,
    whole: bool = False,
) -> Flag:
    """The finding on a tainted call.

    `harm` says what the data does there, after its source: "becomes part of the SQL of
    `cursor.execute`: ..."; `doubt` replaces it where nothing says that the data is a caller's.
    `whole` flags the call rather than the argument.
    """
    confidence = None if found.is_proven else Confidence.HOTSPOT
    if found.source:
        source = f"`{_short(found.source)}`"
        origin = (
            "comes from the request and" if found.is_proven else "may come from the request and"
        )
        if found.elsewhere:
            harm = f"reaches `{found.called.rpartition('.')[2]}` in {found.elsewhere.rpartition('/')[2]}, where it {harm}"
        message = f"{source} {origin} {harm}. {cure}"
    else:
        message = f"`{_short(here.source(found.argument))}` {doubt or harm}, if a user can choose it. {cure}"
    where = found.node if whole else found.argument
    return Flag(where, message, fix=fix, confidence=confidence, related=found.related)


def _short(code: str) -> str:
    code = " ".join(code.split())
    return code if len(code) <= _LONGEST else f"{code[: _LONGEST - 1]}…"
