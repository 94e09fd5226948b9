"""The change adds lines that already stand elsewhere in the project.

Whoever corrects the one forgets the other, and nobody knows afterwards which is right. Call what is
there, or move what both need to one place.

Before:
```python shop/orders.py
def total(lines, country):
    found = 0
    for line in lines:
        price = line.price * line.number
        if line.on_sale:
            price = price * 8 // 10
        if country in ("DE", "AT"):
            price = price * 119 // 100
        elif country == "CH":
            price = price * 108 // 100
        if line.number > 10:
            price = price * 95 // 100
        found += price
    if found > 5000:
        found -= 500
    return found
```
Bad:
```python shop/orders.py
def total(lines, country):
    found = 0
    for line in lines:
        price = line.price * line.number
        if line.on_sale:
            price = price * 8 // 10
        if country in ("DE", "AT"):
            price = price * 119 // 100
        elif country == "CH":
            price = price * 108 // 100
        if line.number > 10:
            price = price * 95 // 100
        found += price
    if found > 5000:
        found -= 500
    return found
```
```python shop/carts.py
def cart_total(lines, country):
    found = 0  # flagged
    for line in lines:
        price = line.price * line.number
        if line.on_sale:
            price = price * 8 // 10
        if country in ("DE", "AT"):
            price = price * 119 // 100
        elif country == "CH":
            price = price * 108 // 100
        if line.number > 10:
            price = price * 95 // 100
        found += price
    if found > 5000:
        found -= 500
    return found
```
Good:
```python shop/orders.py
def total(lines, country):
    found = 0
    for line in lines:
        price = line.price * line.number
        if line.on_sale:
            price = price * 8 // 10
        if country in ("DE", "AT"):
            price = price * 119 // 100
        elif country == "CH":
            price = price * 108 // 100
        if line.number > 10:
            price = price * 95 // 100
        found += price
    if found > 5000:
        found -= 500
    return found
```
```python shop/carts.py
from shop.orders import total


def cart_total(cart):
    return total(cart.lines, cart.country)
```
Good: it moved.
```python shop/prices.py
def total(lines, country):
    found = 0
    for line in lines:
        price = line.price * line.number
        if line.on_sale:
            price = price * 8 // 10
        if country in ("DE", "AT"):
            price = price * 119 // 100
        elif country == "CH":
            price = price * 108 // 100
        if line.number > 10:
            price = price * 95 // 100
        found += price
    if found > 5000:
        found -= 500
    return found
```
```python shop/orders.py
from shop.prices import total

__all__ = ["total"]
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rules.facts.copied_lines import copies, runs
from rules.kit import Change, FileChange, Flag, Here, Related, Rule, Severity
from rules.kit.paths import is_generated, is_migration, is_module, is_script, is_test

rule = Rule(
    __name__,
    __doc__,
    code="QLT112",
    severity=Severity.NOTICE,
    checklist=("quality.dry",),
    scope="project",
    peers=("pylint:R0801", "pylint:duplicate-code"),
)


@rule.on(Change)
def check(change: Change, here: Here) -> Iterator[Flag]:
    found = []
    for each in change.files:
        if not _is_read(each):
            continue
        text = (each.after or b"").decode("utf-8", "replace").replace("\r\n", "\n")
        found += [run for run in runs(each.path, text, each.added) if run.is_telling]
    for copy in copies(found, change.after):
        many = sum(1 for number, _ in copy.run.lines if copy.first <= number <= copy.last)
        yield Flag(
            copy.first,
            f"These {many} lines already stand in `{copy.path[-90:]}`, line {copy.line}. Call what is there, or "
            "move what both need to one place.",
            path=copy.run.path,
            related=(Related(copy.path, copy.line, "the same lines"),),
            identity=copy.run.key,
        )


def _is_read(file: FileChange) -> bool:
    path = file.path
    aside = is_test(path) or is_migration(path) or is_script(path) or is_generated(path)
    return is_module(path) and not aside and file.status != "removed"
