"""A function is patched where it is defined, and the module under test has imported it already.

The module under test holds the real function under its own name, so the patch changes nothing
there and the real one runs. Patch the name where it is used.

Bad:
```python shop/__init__.py
"the shop"
```
```python shop/mail.py
def send(order):
    return order
```
```python shop/orders.py
from shop.mail import send


def close(order):
    return send(order)
```
```python tests/test_orders.py
from unittest.mock import patch

from shop.orders import close


def test_close(order):
    with patch("shop.mail.send") as send:  # flagged
        close(order)
    send.assert_called_once_with(order)
```
Good:
```python shop/__init__.py
"the shop"
```
```python shop/mail.py
def send(order):
    return order
```
```python shop/orders.py
from shop.mail import send


def close(order):
    return send(order)
```
```python tests/test_orders.py
from unittest.mock import patch

from shop.orders import close


def test_close(order):
    with patch("shop.orders.send") as send:
        close(order)
    send.assert_called_once_with(order)
```
Good: the module under test looks the name up when it calls.
```python shop/__init__.py
"the shop"
```
```python shop/mail.py
def send(order):
    return order
```
```python shop/orders.py
from shop import mail


def close(order):
    return mail.send(order)
```
```python tests/test_orders.py
from unittest.mock import patch

from shop.orders import close


@patch("shop.mail.send")
def test_close(send, order):
    close(order)
    send.assert_called_once_with(order)
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.python_modules import Modules, absolute_target
from rules.kit import Flag, Here, Rule, Severity, argument, string

rule = Rule(
    __name__,
    __doc__,
    code="TST117",
    severity=Severity.NOTICE,
    checklist=("tests.mocks",),
    default=False,
)


@rule.on(cst.Call, calls=("patch",))
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    if not here.is_test:
        return
    target = string(argument(call, 0, "target")) or ""
    module, _, name = target.rpartition(".")
    modules: Modules = here.project.facts(Modules)
    home = modules.by_path.get(modules.path_of.get(module, ""))
    if home is None:
        return
    functions = {each.name for each in home.functions}
    if name not in functions | {each.name for each in home.classes}:
        return
    user = _user(target, module, here, modules)
    if user:
        message = (
            f"`{user}` has imported `{name}` by name and goes on with the real one: this patch "
            f'changes nothing there. Patch it where it is used: `"{user}.{name}"`.'
        )
        yield Flag(call, message)


def _user(target: str, home: str, here: Here, modules: Modules) -> str:
    """The one module that the test imports and that holds the function under its own name."""
    record = modules.by_path.get(here.path)
    own = modules.name_of.get(here.path, "")
    if record is None:
        return ""
    users = set()
    for each in record.imports.values():
        full = modules.canonical(absolute_target(each, own, is_package=False))
        module = full if full in modules.path_of else full.rpartition(".")[0]
        if module == home:
            return ""
        path = modules.path_of.get(module, "")
        imports = modules.by_path[path].imports if path in modules.by_path else {}
        name = modules.name_of.get(path, "")
        package = path.endswith("__init__.py")
        if any(absolute_target(t, name, is_package=package) == target for t in imports.values()):
            users.add(module)
    return users.pop() if len(users) == 1 else ""
