"""A function made in a loop is called later, and then sees the last value of the loop.

The function does not keep the value, it looks the variable up when it runs, and by then the loop
is over. Bind the value with a default argument or `functools.partial`.

Bad:
```python
from django.db import transaction


def close(orders, mailer):
    with transaction.atomic():
        for order in orders:
            order.close()
            transaction.on_commit(lambda: mailer.send(order))  # flagged
```
Good:
```python
from functools import partial

from django.db import transaction


def close(orders, mailer):
    with transaction.atomic():
        for order in orders:
            order.close()
            transaction.on_commit(partial(mailer.send, order))
```
Bad:
```python
def handlers(names, registry):
    found = []
    for name in names:
        found.append(lambda: registry.open(name))  # flagged

        def close():  # flagged
            registry.close(name)

        registry.at_exit[name] = close
    return found
```
Good:
```python
def handlers(names, registry):
    found = []
    for name in names:
        found.append(lambda name=name: registry.open(name))

        def close(name=name):
            registry.close(name)

        registry.at_exit[name] = close
    return found
```
Good: the function runs before the next step.
```python
def best(groups):
    found = {}
    for group in groups:
        found[group.name] = max(group.items, key=lambda item: item.score / group.total)
        found.update(filter(lambda item: item in group.extra, group.pairs))

        def is_own(item):
            return item.owner == group.owner

        group.items = [item for item in group.items if is_own(item)]
    return found
```
Good: its own argument has the same name, and the loop ends with it.
```python
def first(orders, later):
    for order in orders:
        if order.is_open:
            later.append(lambda: order.close())
            break
        later.append(lambda order: order.close())
```
"""

from collections.abc import Iterator

import libcst as cst

from rules.kit import Flag, Here, Rule, Severity, dotted, find, walk

rule = Rule(
    __name__,
    __doc__,
    code="QLT114",
    severity=Severity.WARNING,
    checklist=("quality.idioms",),
    peers=("ruff:B023", "flake8:B023", "pylint:W0640"),
)

_KEEPING = frozenset(
    {"append", "appendleft", "add", "insert", "setdefault", "on_commit", "submit", "apply_async"}
    | {"add_done_callback", "call_later", "call_soon", "call_at", "call_soon_threadsafe", "connect"}
    | {"addCleanup", "push", "callback", "register", "subscribe", "defer", "schedule", "add_task"}
    | {"Thread", "Timer", "Process", "put", "put_nowait", "add_listener", "add_event_handler"}
    | {"run_in_executor", "add_job", "spawn", "on", "once", "listen", "enqueue"}
)
_LEAVES = (cst.Break, cst.Return, cst.Raise)


@rule.on(cst.Lambda, words=("for",))
def check_lambda(closure: cst.Lambda, here: Here) -> Iterator[Flag]:
    loop = here.around(closure, cst.For, cst.FunctionDef, cst.Lambda)
    if isinstance(loop, cst.For):
        yield from _check(closure, loop, here)


@rule.on(cst.FunctionDef, words=("for",))
def check_function(closure: cst.FunctionDef, here: Here) -> Iterator[Flag]:
    block = here.parent(closure)
    around = here.parent(block) if isinstance(block, cst.IndentedBlock) else None
    if around is None or isinstance(around, cst.ClassDef | cst.FunctionDef):
        return  # nearly all of them
    loop = here.around(closure, cst.For, cst.FunctionDef, cst.ClassDef)
    if isinstance(loop, cst.For):
        yield from _check(closure, loop, here)


def _check(closure: cst.Lambda | cst.FunctionDef, loop: cst.For, here: Here) -> Iterator[Flag]:
    used = _captured(closure, {each.value for each in find(loop.target, cst.Name)})
    if used and _outlives(closure, loop, here) and not _ends_loop(closure, here):
        what = "this lambda" if isinstance(closure, cst.Lambda) else f"`{closure.name.value}`"
        yield Flag(
            closure,
            f"`{used}` is looked up when {what} runs, and then has the loop's last value. "
            f"Bind it: `{used}={used}` as a default argument, or `functools.partial`.",
        )


def _captured(closure: cst.Lambda | cst.FunctionDef, names: set[str]) -> str:
    """The loop's variable that the body reads, if it is not a parameter."""
    own = {each.name.value for each in find(closure.params, cst.Param)}
    own |= {dotted(each.target) for each in find(closure.body, cst.AssignTarget)}
    for each in find(closure.body, cst.CompFor):
        own |= {name.value for name in find(each.target, cst.Name)}
    skipped = {id(each.attr) for each in find(closure.body, cst.Attribute)}
    skipped |= {id(each.keyword) for each in find(closure.body, cst.Arg)}
    for name in find(closure.body, cst.Name):
        if name.value in names - own and id(name) not in skipped:
            return name.value
    return ""


def _outlives(closure: cst.Lambda | cst.FunctionDef, loop: cst.For, here: Here) -> bool:
    """Whether it is surely kept beyond the step that makes it."""
    if isinstance(closure, cst.Lambda):
        return _is_kept(closure, here)
    name = closure.name.value
    uses = [each for each in find(loop.body, cst.Name) if each.value == name]
    return any(_is_kept(each, here) for each in uses if each is not closure.name)


def _is_kept(node: cst.CSTNode, here: Here) -> bool:
    match here.parent(node):
        case cst.Arg() as given:
            match here.parent(given):
                case cst.Call(func=func):
                    last = func.attr.value if isinstance(func, cst.Attribute) else dotted(func)
                    return last in _KEEPING
        case cst.Assign(targets=targets):
            return any(isinstance(t.target, cst.Subscript | cst.Attribute) for t in targets)
        case cst.DictElement() | cst.Element() as held:
            return _is_kept(here.parent(held) or held, here)
        case cst.Tuple() | cst.Dict() | cst.List() as container:
            return _is_kept(container, here)
    return False


def _ends_loop(closure: cst.CSTNode, here: Here) -> bool:
    """Whether the block that holds it leaves the loop at its end."""
    block = here.around(closure, cst.IndentedBlock)
    if block is None or not block.body:
        return False
    last = block.body[-1]
    return isinstance(last, cst.SimpleStatementLine) and any(
        isinstance(each, _LEAVES) for each in walk(last)
    )
