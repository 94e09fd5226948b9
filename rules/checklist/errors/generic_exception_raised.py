"""A plain `Exception` is raised in a project that has exceptions of its own.

Whoever wants to handle this failure has to catch everything, programming errors included, and
then read the text to know what it was. Raise the exception of the domain, or give it one.

Bad:
```python shop/payments.py
def charge(card, total):
    if card.is_expired:
        raise Exception("the card has expired")  # flagged
```
```python shop/exceptions.py
class ShopError(Exception):
    pass


class PaymentError(ShopError):
    pass
```
Good:
```python shop/payments.py
from shop.exceptions import PaymentError


def charge(card, total):
    if card.is_expired:
        raise PaymentError("the card has expired")
```
```python shop/exceptions.py
class ShopError(Exception):
    pass


class PaymentError(ShopError):
    pass
```
Good: the project has none; a built-in name that fits is better still.
```python shop/payments.py
def charge(card, total):
    if card.is_expired:
        raise Exception("the card has expired")
```
Good: another part of the project has some for its own use.
```python shop/readers/sheets.py
class SheetError(Exception):
    pass


class RangeError(SheetError):
    pass
```
```python shop/readers/couch.py
def read(answer):
    if answer.status_code == 401:
        raise Exception("wrong name or password")
```
Good: scripts and tests are their own callers.
```python shop/exceptions.py
class ShopError(Exception):
    pass


class PaymentError(ShopError):
    pass
```
```python scripts/release.py
def check(version):
    if not version:
        raise Exception("no version")
```
```python tests/test_payments.py
def test_charge(card):
    if card is None:
        raise Exception("no card")
```
Good: caught again at once.
```python shop/exceptions.py
class ShopError(Exception):
    pass


class PaymentError(ShopError):
    pass
```
```python shop/health.py
def is_healthy(answer):
    try:
        if answer.status_code != 200:
            raise Exception("not healthy")
    except Exception:
        return False
    return True
```
"""

from collections.abc import Iterator

import libcst as cst

from rules.facts.caught import is_broad
from rules.facts.console import is_run_by_hand, is_terminal_program
from rules.facts.domain_errors import DomainErrors
from rules.kit import Flag, Here, Rule, Severity, dotted

rule = Rule(
    __name__,
    __doc__,
    code="ERR107",
    severity=Severity.NOTICE,
    checklist=("errors.custom",),
    cwe=397,
    peers=("ruff:TRY002", "pylint:W0719"),
)


@rule.on(cst.Raise, words=("Exception", "BaseException"))
def check(node: cst.Raise, here: Here) -> Iterator[Flag]:
    raised = dotted(node.exc.func if isinstance(node.exc, cst.Call) else node.exc)
    if raised not in ("Exception", "BaseException") or _is_aside(node, here):
        return
    errors: DomainErrors = here.project.facts(DomainErrors)
    near = errors.near(here.path)
    if near is None or f"builtins.{raised}" not in here.names(node.exc):
        return
    message = (
        f"`raise {raised}` leaves callers nothing to catch but everything. Raise an exception of "
        f"the project's own, as `{near.path}` defines them, or add one there."
    )
    yield Flag(node, message)


def _is_aside(node: cst.Raise, here: Here) -> bool:
    if here.is_test or here.is_migration or is_run_by_hand(here) or is_terminal_program(here):
        return True
    at: cst.CSTNode = node
    for around in here.scopes.ancestors(node):
        if isinstance(around, cst.FunctionDef):
            return False
        if isinstance(around, cst.Try) and around.body is at:
            return any(is_broad(each) for each in around.handlers)
        at = around
    return False
