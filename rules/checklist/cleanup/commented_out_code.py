"""Code was left behind as a comment.

Nobody knows whether it should come back, it is not tested, and it is not renamed with the rest.
Whoever wants it again finds it in the history. Delete it.

Bad:
```python
def total(cart):
    # for line in cart.lines:  # flagged
    #     line.refresh_from_db()
    #     line.save()
    return sum(line.price for line in cart.lines)


def close(cart):
    cart.save()
    # send_receipt(cart.owner, cart)  # flagged
    # cart.owner.notify()
```
Good:
```python
def total(cart):
    return sum(line.price for line in cart.lines)


def close(cart):
    cart.save()
```
Bad: one test, told of once, blank lines and all.
```python tests/test_meters.py
# async def test_meters(service):  # flagged
#     meter = make_meter()

#     await service.ingest(
#         meter, tokens=50
#     )

#     found = await service.count()
#     assert found == 1
```
Good: prose that happens to hold code, and an example with its words.
```python
# Use cart.close() here, not cart.delete().
# return early
# total = the sum of all lines
# see: shop.views.cart
def total(cart):
    # For example:
    #   total(Cart([Line(price=3)]))
    #   total(Cart([]))
    return sum(line.price for line in cart.lines)
```
Good: what other programs read.
```python
import settings  # noqa: F401

# type: ignore[import]
# pylint: disable=invalid-name
# fmt: off
# %%
# cython: language_level=3
x = 1
```
Good: settings that wait to be chosen.
```python shop/settings.py
INSTALLED_APPS = ["shop"]
ROOT_URLCONF = "shop.urls"
# CACHES = {"default": make_cache()}
# MIDDLEWARE.append(find("debug"))
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.facts.artifacts import TEST_DATA
from rules.facts.comments import blocks, comments_of, is_code
from rules.kit import Fix, Flag, Here, PythonFile, ReplaceLines, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="CLN112",
    severity=Severity.NOTICE,
    checklist=("cleanup.leftovers",),
    fix="safe",
    peers=("ruff:ERA001", "flake8:E800"),
)

# Literal beginnings let the search run over a file without stopping at every line.
_LIKELY = re.compile(
    r"#[ \t]{0,12}(?:(?:async )?def \w|class \w|import \w|from [\w.]{1,80} import |@\w|(?:el)?if "
    r"|for |while |with |try:|else:|except |raise \w|return\b|yield |await |assert |del "
    r"|[A-Za-z_][\w.]{0,80}(?:\[[^\]\n]{0,60}\])? ?(?:\(|[-+*/|&]?= ))"
)
_SPARED = re.compile(
    r"(^|/)(settings|config|conf|configs|local_settings)(/|[^/]{0,40}\.py$)|(^|/)(docs?|examples?)/"
    r"|(^|/)conf\.py$|\.pyi$",
)
# Five words in a row, with nothing between them that only code has.
_PROSE = re.compile(
    r"#[ \t]{0,40}(?:[-*] )?[A-Za-z']{1,30}(?: [A-Za-z'-]{1,30},?){4}(?:[ !?;]|$|\.(?:\s|$))",
    re.MULTILINE,
)
_TWO_LINES = re.compile(r"#[^\n]*\n[ \t]*#")
_FEWEST = 2  # lines; a single one is as often a hint as a leftover


@rule.on(PythonFile)
def check(file: PythonFile, here: Here) -> Iterator[Flag]:
    text = here.text.replace("\r\n", "\n").replace("\r", "\n")
    if here.is_migration or not _TWO_LINES.search(text) or not _LIKELY.search(text):
        return
    if _SPARED.search(here.path):
        return
    if TEST_DATA.search(here.path) and not here.is_test:
        return
    lines = text.split("\n")
    found = [
        (first, last)
        for first, last in blocks(lines)
        if last - first + 1 >= _FEWEST and _is_left_behind(lines[first - 1 : last])
    ]
    comments = comments_of(text) if found else {}
    for first, last in _joined(found, lines):
        if first in comments:
            many = last - first + 1
            yield Flag(
                first,
                f"{many} lines of code stand here as a comment. Delete them: the history keeps them.",
                fix=Fix((ReplaceLines(first, last, ()),), safe=True),
            )


def _is_left_behind(lines: list[str]) -> bool:
    text = "\n".join(lines)
    return _PROSE.search(text) is None and _LIKELY.search(text) is not None and is_code(lines)


def _joined(found: list[tuple[int, int]], lines: list[str]) -> Iterator[tuple[int, int]]:
    """Blocks that only blank lines part are one."""
    at: tuple[int, int] | None = None
    for first, last in found:
        if at is not None and not "".join(lines[at[1] : first - 1]).strip():
            at = (at[0], last)
            continue
        if at is not None:
            yield at
        at = (first, last)
    if at is not None:
        yield at
