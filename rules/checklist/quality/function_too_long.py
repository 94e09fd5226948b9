"""A function does several things, one after the other, over many lines.

To change one of them, a reader has to read all, and whatever one part leaves in a variable the
others may use. Each block that has a purpose deserves a function with its name.

The limit is the option `max_statements`; straight lists of assignments and calls are spared.

Bad:
```python
def close(order, shop):  # flagged
    if order.is_paid:
        shop.check(order)
        shop.note(order)
        shop.count(order)
        shop.print(order)
        shop.weigh(order)
        shop.stamp(order)
        shop.pack(order)
        shop.label(order)
        shop.file(order)
        shop.sign(order)
        shop.book(order)
        shop.tell(order)
    if order.is_sent:
        shop.check(order)
        shop.note(order)
        shop.count(order)
        shop.print(order)
        shop.weigh(order)
        shop.stamp(order)
        shop.pack(order)
        shop.label(order)
        shop.file(order)
        shop.sign(order)
        shop.book(order)
        shop.tell(order)
    if order.is_gift:
        shop.check(order)
        shop.note(order)
        shop.count(order)
        shop.print(order)
        shop.weigh(order)
        shop.stamp(order)
        shop.pack(order)
        shop.label(order)
        shop.file(order)
        shop.sign(order)
        shop.book(order)
        shop.tell(order)
    if order.is_late:
        shop.check(order)
        shop.note(order)
        shop.count(order)
        shop.print(order)
        shop.weigh(order)
        shop.stamp(order)
        shop.pack(order)
        shop.label(order)
        shop.file(order)
        shop.sign(order)
        shop.book(order)
        shop.tell(order)
    if order.is_large:
        shop.check(order)
        shop.note(order)
        shop.count(order)
        shop.print(order)
        shop.weigh(order)
        shop.stamp(order)
        shop.pack(order)
        shop.label(order)
        shop.file(order)
        shop.sign(order)
        shop.book(order)
        shop.tell(order)
```
Good:
```python
def close(order, shop):
    if order.is_paid:
        register(order, shop)
    if order.is_sent:
        stamp(order, shop)
    if order.is_gift:
        wrap(order, shop)
```
Good: a long list of one kind of line.
```python
def fill(row, card):
    card.field_0 = row[0]
    card.field_1 = row[1]
    card.field_2 = row[2]
    card.field_3 = row[3]
    card.field_4 = row[4]
    card.field_5 = row[5]
    card.field_6 = row[6]
    card.field_7 = row[7]
    card.field_8 = row[8]
    card.field_9 = row[9]
    card.field_10 = row[10]
    card.field_11 = row[11]
    card.field_12 = row[12]
    card.field_13 = row[13]
    card.field_14 = row[14]
    card.field_15 = row[15]
    card.field_16 = row[16]
    card.field_17 = row[17]
    card.field_18 = row[18]
    card.field_19 = row[19]
    card.field_20 = row[20]
    card.field_21 = row[21]
    card.field_22 = row[22]
    card.field_23 = row[23]
    card.field_24 = row[24]
    card.field_25 = row[25]
    card.field_26 = row[26]
    card.field_27 = row[27]
    card.field_28 = row[28]
    card.field_29 = row[29]
    card.field_30 = row[30]
    card.field_31 = row[31]
    card.field_32 = row[32]
    card.field_33 = row[33]
    card.field_34 = row[34]
    card.field_35 = row[35]
    card.field_36 = row[36]
    card.field_37 = row[37]
    card.field_38 = row[38]
    card.field_39 = row[39]
    card.field_40 = row[40]
    card.field_41 = row[41]
    card.field_42 = row[42]
    card.field_43 = row[43]
    card.field_44 = row[44]
    card.field_45 = row[45]
    card.field_46 = row[46]
    card.field_47 = row[47]
    card.field_48 = row[48]
    card.field_49 = row[49]
    card.field_50 = row[50]
    card.field_51 = row[51]
    card.field_52 = row[52]
    card.field_53 = row[53]
    card.field_54 = row[54]
    card.field_55 = row[55]
    card.field_56 = row[56]
    card.field_57 = row[57]
    card.field_58 = row[58]
    card.field_59 = row[59]
    card.field_60 = row[60]
    card.field_61 = row[61]
```
"""

from collections.abc import Iterator
from dataclasses import dataclass

from rules.facts.function_size import LargeFunction
from rules.kit import Flag, Here, Rule, Severity

_FEWEST_BLOCKS = 3


@dataclass(frozen=True)
class Options:
    """`max_statements` is the highest number of statements that is not reported."""

    max_statements: int = 60


_DEFAULT = Options()

rule = Rule(
    __name__,
    __doc__,
    code="QLT111",
    severity=Severity.NOTICE,
    checklist=("quality.small-units",),
    cwe=1080,
    peers=("ruff:PLR0915", "pylint:R0915"),
    yields_to=("QLT110",),
    options=_DEFAULT,
)


@rule.on(LargeFunction)
def check(function: LargeFunction, here: Here) -> Iterator[Flag]:
    most = (here.options or _DEFAULT).max_statements
    size = function.size
    if size.statements > most and size.blocks >= _FEWEST_BLOCKS:
        yield Flag(
            function.node.name,
            f"`{function.node.name.value}` has {size.statements} statements in {size.blocks} blocks: it "
            "does several things. Give each a function with a name that says what it is for.",
        )
