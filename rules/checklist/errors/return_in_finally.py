"""A `return`, `break` or `continue` in `finally` swallows the exception.

Whatever failed in the block is forgotten the moment `finally` leaves by itself, even a
`KeyboardInterrupt`, and a value returned before is thrown away. Keep `finally` for tidying
up, and leave after it.

Bad:
```python
def total(order):
    result = 0
    try:
        result = order.price * order.count
    finally:
        return result  # flagged
```
Good:
```python
def total(order):
    return order.price * order.count
```
Bad:
```python
def drain(queue):
    while queue:
        job = queue.pop()
        try:
            job.run()
        finally:
            if job.is_last:
                break  # flagged
            continue  # flagged
```
Good:
```python
def drain(queue):
    while queue:
        job = queue.pop()
        try:
            job.run()
        finally:
            job.close()
        if job.is_last:
            break
```
Good: the loop, or the function, is inside the `finally`.
```python
def send(parts, remote):
    try:
        remote.send(parts)
    finally:
        for part in parts:
            if part.is_kept:
                continue
            part.remove()
        remote.on_close(lambda: None)

        def forget():
            return parts.clear()

        remote.at_exit(forget)
```
Good: the failure is handled, then the value is returned.
```python
def total(order):
    try:
        result = order.price * order.count
    except TypeError:
        result = 0
    finally:
        order.close()
    return result
```
"""

from collections.abc import Iterator

import libcst as cst

from rules.kit import Flag, Here, Rule, Severity, children

rule = Rule(
    __name__,
    __doc__,
    code="ERR110",
    severity=Severity.WARNING,
    checklist=("errors.specific",),
    cwe=584,
    peers=("ruff:B012", "pylint:W0134", "pylint:W0150", "flake8:B012"),
)

_LEAVES = {cst.Return: "return", cst.Break: "break", cst.Continue: "continue"}


@rule.on(cst.Finally, words=("finally",))
def check(block: cst.Finally, here: Here) -> Iterator[Flag]:
    function = here.function(block)
    place = f" of `{function.name.value}`" if function is not None else ""
    for each in _leaving(block.body, loops=True):
        message = (
            f"`{_LEAVES[type(each)]}` in the `finally`{place} throws away whatever exception "
            "is on its way. Leave after the `try` statement instead."
        )
        yield Flag(each, message)


def _leaving(node: cst.CSTNode, *, loops: bool) -> Iterator[cst.CSTNode]:
    """What leaves the block; `loops` is false inside a loop of its own."""
    for each in children(node):
        if isinstance(each, cst.FunctionDef | cst.ClassDef | cst.Lambda | cst.BaseExpression):
            continue
        if isinstance(each, cst.Return) or (loops and isinstance(each, cst.Break | cst.Continue)):
            yield each
        elif isinstance(each, cst.For | cst.While):
            yield from _leaving(each.body, loops=False)
            if each.orelse is not None:
                yield from _leaving(each.orelse, loops=loops)
        else:
            yield from _leaving(each, loops=loops)
