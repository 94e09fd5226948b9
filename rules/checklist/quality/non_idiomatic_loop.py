"""Python has a plainer way to write this.

Counting through a list to fetch its items, comparing with `None` by `==`, asking for the exact
`type()`, filling a list one `append` at a time: each works, and each makes the reader look for the
reason why it is not written as everybody writes it.

Bad:
```python
def names(books):
    found = []
    for book in books:  # flagged
        found.append(book.name)
    return found
```
Good:
```python
def names(books):
    found = [book.name for book in books]
    return found
```
Bad:
```python
def show(books, write, best=None):
    if best == None:  # flagged
        best = books[0]
    if best.price != None:  # flagged
        write(best.price)
    if type(best) == dict:  # flagged
        write(best["name"])
```
Good:
```python
def show(books, write, best=None):
    if best is None:
        best = books[0]
    if best.price is not None:
        write(best.price)
    if isinstance(best, dict):
        write(best["name"])
```
Bad:
```python
def show(books, write):
    for i in range(len(books)):  # flagged
        write(books[i].name, books[i].price)
    for i in range(len(books)):  # flagged
        write(i, books[i].name)
```
Good:
```python
def show(books, write):
    for book in books:
        write(book.name, book.price)
    for i, book in enumerate(books):
        write(i, book.name)
```
Good: the number is needed for more than one list, or the list changes.
```python
def merge(books, prices, step):
    for i in range(len(books)):
        books[i] = books[i].at(prices[i])
    for i in range(len(books) - 1):
        step(books[i], books[i + 1])
    for i in range(len(books)):
        if books[i].is_gone:
            del books[i]
            break
```
Good: expressions that become SQL.
```python
from sqlalchemy import select


def unpaid(session, Order):
    return session.scalars(select(Order).where(Order.paid_at == None, Order.sent_at != None))
```
Good: a comprehension would not fit on a line, or the loop does more.
```python
async def load(urls, client, check):
    pages = []
    for url in urls:
        pages.append(await client.get(url, headers={"Accept": "text/html"}, follow_redirects=True))
    texts = []
    for page in pages:
        check(page)
        texts.append(page.text)
    return texts
```
Good: a class and its heirs are told apart on purpose.
```python
def is_same(one, other):
    return type(one) == type(other) or type(one) is dict
```
"""

from collections.abc import Iterator

import libcst as cst

from rules.kit import Fix, Flag, Here, Replace, Rule, Severity, children, dotted, find
from rules.kit.edits import Delete

rule = Rule(
    __name__,
    __doc__,
    code="QLT104",
    severity=Severity.NOTICE,
    checklist=("quality.idioms",),
    fix="suggestion",
    peers=("ruff:E711", "ruff:E721", "ruff:PERF401", "ruff:C416", "pylint:C0200", "flake8:E711"),
)

_LONGEST = 80
_OF_LOOPS = ("ruff:PERF401", "ruff:PERF402")
_OF_NONE = ("ruff:E711", "flake8:E711", "pylint:C0121")
_OF_TYPES = ("ruff:E721", "flake8:E721", "pylint:C0123")
_OF_COUNTING = ("pylint:C0200",)
# Libraries whose objects give `==` another meaning.
_SQL = frozenset(
    {"sqlalchemy", "sqlmodel", "peewee", "pony", "pandas", "numpy", "polars", "tortoise", "beanie"}
    | {"mongoengine", "aredis_om", "redis_om", "odmantic", "ndb", "pyspark", "piccolo"}
)


@rule.on(cst.Call, calls=("append",))
def check_append(call: cst.Call, here: Here) -> Iterator[Flag]:
    """The loop that fills a list which was made empty just before."""
    statement = here.parent(call)
    line = here.parent(statement) if isinstance(statement, cst.Expr) else None
    block = here.parent(line) if isinstance(line, cst.SimpleStatementLine) else None
    loop = here.parent(block) if isinstance(block, cst.IndentedBlock) else None
    if not isinstance(loop, cst.For) or len(loop.body.body) != 1 or loop.orelse is not None:
        return
    if loop.asynchronous is not None or len(call.args) != 1 or call.args[0].star:
        return
    name = call.func.value if isinstance(call.func, cst.Attribute) else None
    if not isinstance(name, cst.Name) or here.is_test:
        return
    made = _statement_before(loop, here)
    if made is None or not _makes_list(made, name.value):
        return
    value = here.source(call.args[0].value)
    text = f"[{value} for {here.source(loop.target)} in {here.source(loop.iter)}]"
    if len(text) + len(name.value) > _LONGEST or "\n" in text or _is_too_much(call, loop, name):
        return
    yield Flag(
        loop,
        f"This loop only fills `{name.value}`: `{name.value} = {text}` says so at once.",
        fix=_comprehension(made, loop, name.value, text, here),
        identity=f"loop fills {name.value} {text}",
        peers=_OF_LOOPS,
    )


def _statement_before(loop: cst.For, here: Here) -> cst.SimpleStatementLine | None:
    around = here.parent(loop)
    body = children(around) if around is not None else []
    at = next((number for number, each in enumerate(body) if each is loop), 0)
    before = body[at - 1] if at else None
    return before if isinstance(before, cst.SimpleStatementLine) else None


def _makes_list(line: cst.SimpleStatementLine, name: str) -> bool:
    match line.body:
        case [
            cst.Assign(
                targets=[cst.AssignTarget(target=cst.Name(value=made))],
                value=cst.List(elements=[]),
            )
        ]:
            return made == name
        case _:
            return False


def _is_too_much(call: cst.Call, loop: cst.For, name: cst.Name) -> bool:
    """Awaits, yields, the list itself, and comments, which a comprehension has no place for."""
    if any(True for _ in find(call.args[0].value, cst.Await, cst.Yield, cst.NamedExpr)):
        return True
    if any(True for _ in find(call.args[0].value, cst.ListComp, cst.DictComp, cst.Lambda)):
        return True
    used = [*find(call.args[0].value, cst.Name), *find(loop.iter, cst.Name)]
    if any(each.value == name.value for each in used):
        return True
    lines = [*loop.leading_lines, *getattr(loop.body, "footer", ())]
    for each in loop.body.body:
        lines += getattr(each, "leading_lines", ())
        if isinstance(each, cst.SimpleStatementLine) and each.trailing_whitespace.comment:
            return True
    return any(each.comment is not None for each in lines)


def _comprehension(
    made: cst.SimpleStatementLine, loop: cst.For, name: str, text: str, here: Here
) -> Fix | None:
    if made.trailing_whitespace.comment is not None or here.module is None:
        return None
    return Fix((Replace(made, f"{name} = {text}"), Delete(loop)))


@rule.on(cst.Comparison, words=("None", "type"))
def check_comparison(comparison: cst.Comparison, here: Here) -> Iterator[Flag]:
    if len(comparison.comparisons) != 1:
        return
    target = comparison.comparisons[0]
    kind = target.operator.__class__
    if kind is not cst.Equal and kind is not cst.NotEqual:
        return
    right = target.comparator
    if right.__class__ is cst.Name and right.value == "None":
        if not _becomes_sql(comparison, here):
            sign = "is not" if kind is cst.NotEqual else "is"
            yield _of_none(comparison, sign, here)
    elif comparison.left.__class__ is cst.Call and isinstance(right, cst.Name | cst.Attribute):
        yield from _of_type(comparison, right, here)


def _of_none(comparison: cst.Comparison, sign: str, here: Here) -> Flag:
    left = here.source(comparison.left)
    text = f"{left} {sign} None"
    return Flag(
        comparison,
        f"There is only one `None`: ask `{text if len(text) < 60 else sign + ' None'}`, which no "
        "class can answer in its own way.",
        fix=_instead(comparison, text),
        peers=_OF_NONE,
    )


def _becomes_sql(comparison: cst.Comparison, here: Here) -> bool:
    """Whether an object may make something else of `== None` than an answer."""
    if here.mentions(_SQL) or here.is_test or here.is_migration:
        return True
    names = {each.value for each in find(comparison.left, cst.Name)}
    return bool(names & {"df", "F", "Q", "col", "self"} - {"self"})


def _of_type(
    comparison: cst.Comparison, right: cst.Name | cst.Attribute, here: Here
) -> Iterator[Flag]:
    match comparison.left:
        case cst.Call(func=cst.Name(value="type"), args=[cst.Arg(value=value)]):
            name = dotted(right)
        case _:
            return
    known = here.names(right)
    is_class = any(each.startswith("builtins.") for each in known) or (
        name.rpartition(".")[2][:1].isupper()
    )
    if not is_class or here.is_test:
        return
    negated = isinstance(comparison.comparisons[0].operator, cst.NotEqual)
    text = f"{'not ' if negated else ''}isinstance({here.source(value)}, {name})"
    yield Flag(
        comparison,
        f"`type(...) ==` turns classes built on `{name}` away: ask `{text}`, or `is` where that is "
        "what you want.",
        fix=_instead(comparison, text),
        peers=_OF_TYPES,
    )


def _instead(comparison: cst.Comparison, text: str) -> Fix:
    return Fix((Replace(comparison, f"({text})" if comparison.lpar else text),))


@rule.on(cst.Call, calls=("range",))
def check_range(call: cst.Call, here: Here) -> Iterator[Flag]:
    loop = here.parent(call)
    match call.args:
        case [cst.Arg(value=cst.Call(func=cst.Name(value="len"), args=[cst.Arg(value=held)]))]:
            items = dotted(held)
        case _:
            return
    if not items or not isinstance(loop, cst.For) or loop.iter is not call:
        return
    if not isinstance(loop.target, cst.Name) or here.is_test:
        return
    index = loop.target.value
    fetched, other = _uses(loop, index, items, here)
    if not fetched:
        return
    each = f"`for item in {items}`" if not other else f"`for {index}, item in enumerate({items})`"
    yield Flag(
        loop,
        f"`{index}` is there to fetch `{items}[{index}]`: {each} gives the items themselves.",
        identity=f"range(len({items}))",
        peers=_OF_COUNTING,
    )


def _uses(loop: cst.For, index: str, items: str, here: Here) -> tuple[bool, bool]:
    """Whether the number fetches items of this list only, and whether it serves for more.

    Neither where items are replaced, the list changes, or the number is reckoned with.
    """
    fetched = other = False
    for name in find(loop.body, cst.Name):
        if name.value != index:
            continue
        held = _fetching(name, here)
        if held is None:
            parent = here.parent(name)
            if not isinstance(parent, cst.Arg | cst.FormattedStringExpression):
                return False, False
            other = True
        elif dotted(held.value) != items or _is_written(held, here):
            return False, False
        else:
            fetched = True
    changed = any(
        isinstance(each.func, cst.Attribute)
        and dotted(each.func.value) == items
        and each.func.attr.value in ("pop", "insert", "remove", "append", "clear", "extend")
        for each in find(loop.body, cst.Call)
    )
    rebound = any(dotted(each.target) == items for each in find(loop.body, cst.AssignTarget))
    return (fetched, other) if not changed and not rebound else (False, False)


def _fetching(name: cst.Name, here: Here) -> cst.Subscript | None:
    """`items[i]` of its `i`."""
    index = here.parent(name)
    element = here.parent(index) if isinstance(index, cst.Index) else None
    held = here.parent(element) if isinstance(element, cst.SubscriptElement) else None
    return held if isinstance(held, cst.Subscript) and len(held.slice) == 1 else None


def _is_written(held: cst.Subscript, here: Here) -> bool:
    at: cst.CSTNode = held
    above = here.parent(held)
    while isinstance(above, cst.Subscript) and above.value is at:
        at, above = above, here.parent(above)
    return isinstance(above, cst.AssignTarget | cst.Del | cst.AugAssign | cst.Element)
