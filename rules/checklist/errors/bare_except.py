"""An `except:` names no exception.

It also catches `KeyboardInterrupt`, `SystemExit` and every programming error, so a worker
can no longer be stopped and a typing mistake looks like a handled failure. Name what can go
wrong, or at least write `except Exception:`.

Bad:
```python
def total(order):
    try:
        return order["total"]
    except:  # flagged
        return 0
```
Good:
```python
def total(order):
    try:
        return order["total"]
    except Exception:
        return 0
```
Good: everything is caught, and raised again.
```python
def charge(card, ledger):
    try:
        card.charge()
    except:
        ledger.undo()
        raise
```
"""

from collections.abc import Iterator

import libcst as cst

from rules.kit import Fix, Flag, Here, ReplaceHead, Rule, Severity, walk_own

rule = Rule(
    __name__,
    __doc__,
    code="ERR101",
    severity=Severity.WARNING,
    checklist=("errors.specific",),
    fix="suggestion",
    peers=("ruff:E722", "flake8:E722", "pylint:W0702"),
)


@rule.on(cst.ExceptHandler)
def check(handler: cst.ExceptHandler, here: Here) -> Iterator[Flag]:
    if handler.type is None and not _raises_again(handler):
        message = (
            "A bare `except:` also swallows `KeyboardInterrupt` and `SystemExit`; "
            "name the exceptions that can happen here."
        )
        yield Flag(handler, message, fix=Fix((ReplaceHead(handler, "except Exception:"),)))


def _raises_again(handler: cst.ExceptHandler) -> bool:
    """A bare `raise` that always runs, or runs last, lets the exception go on."""
    last = handler.body.body[-1] if handler.body.body else None
    return last is not None and any(
        isinstance(each, cst.Raise) and each.exc is None for each in walk_own(last)
    )
