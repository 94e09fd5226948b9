"""A new exception replaces the one that was caught, and does not say so.

Without `from`, the traceback reads as if handling the first failure had failed by accident,
and tools that group errors by their cause see none. Write `from error`, or `from None` where
the first failure is of no interest to anybody.

Bad:
```python
class ImportFailed(RuntimeError):
    pass


def load(text, parse):
    try:
        return parse(text)
    except Exception:
        raise ImportFailed("the file cannot be read")  # flagged
```
Good:
```python
class ImportFailed(RuntimeError):
    pass


def load(text, parse):
    try:
        return parse(text)
    except Exception as error:
        raise ImportFailed("the file cannot be read") from error
```
Bad:
```python
def charge(gateway, order):
    try:
        gateway.charge(order.total)
    except gateway.Failure as failure:
        order.mark_failed()
        raise RuntimeError(  # flagged
            f"order {order.id} was not paid",
        )
```
Good:
```python
def charge(gateway, order):
    try:
        gateway.charge(order.total)
    except gateway.Failure as failure:
        order.mark_failed()
        raise RuntimeError(
            f"order {order.id} was not paid",
        ) from failure
```
Good: the cause is named, or left out on purpose.
```python
def price(table, name):
    try:
        return table[name]
    except OSError:
        raise RuntimeError(f"no price for {name}") from None
    except Exception as error:
        raise ValueError("not a table") from error
```
Good: the new text says all that the first failure knew.
```python
def discount(table, name):
    try:
        return int(table[name])
    except (KeyError, ValueError):
        raise RuntimeError(f"no discount for {name}")
```
Good: the same exception goes on, with or without its name.
```python
def save(row):
    try:
        row.save()
    except ValueError as error:
        row.note(error)
        raise error
    except TypeError:
        raise
```
Good: an answer to the caller, in which no cause would be shown.
```python
from django.http import Http404
from rest_framework.exceptions import ValidationError

from shop.models import Book


def detail(request, number):
    try:
        return Book.objects.get(number=int(number))
    except ValueError:
        raise ValidationError("not a number")
    except Book.DoesNotExist:
        raise Http404
```
Good: what a protocol asks for.
```python
class Lazy:
    def __getattr__(self, name):
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name)
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.caught import handler_around, types_of, uses, variable
from rules.kit import Fix, Flag, Here, Replace, ReplaceHead, Rule, Severity, dotted

rule = Rule(
    __name__,
    __doc__,
    code="ERR103",
    severity=Severity.NOTICE,
    checklist=("errors.messages",),
    fix="suggestion",
    peers=("ruff:B904", "flake8:B904", "pylint:W0707"),
)

# An answer is made of these: the framework shows their text, never their cause.
_ANSWERS = re.compile(
    r"^(Http|HTTP|API|Usage)|Validation|NotFound|Forbidden|BadRequest|Unauthori[sz]ed|Redirect|Invalid"
    r"|(Denied|NotAuthenticated|AuthenticationFailed|Conflict|ParseError|Gone|Throttled|GraphQLError"
    r"|ArgumentTypeError|Unavailable|TooLarge|DoesNotExist)$"
    r"|^(CommandError|BadParameter|ClickException|Exit|Abort|SystemExit|StopIteration"
    r"|StopAsyncIteration|Retry|Reject|Ignore|ImproperlyConfigured|NotImplementedError"
    r"|KeyboardInterrupt|SkipTest)$"
)
_PROTOCOL = re.compile(r"^__\w+__$")
# Such a failure is a fact about a value: the new text says all there is to it.
_TOLD = re.compile(
    r"^(Value|Type|Lookup|Unicode\w*)Error$|Validation|Decode|Invalid|Expired|NotFound|Timeout|Bad"
    r"|DoesNotExist|Mismatch|Denied|^Cannot|Overflow|Parse"
)
_LOOKUPS = frozenset(
    {"KeyError", "IndexError", "AttributeError", "DoesNotExist", "StopIteration", "NoResultFound"}
    | {"ImportError", "ModuleNotFoundError", "LookupError", "Resolver404", "ObjectDoesNotExist"}
    | {"NoReverseMatch", "Empty", "StopAsyncIteration"}
)


@rule.on(cst.Raise, words=("except",))
def check(node: cst.Raise, here: Here) -> Iterator[Flag]:
    if node.exc is None or node.cause is not None or here.is_test:
        return
    handler = handler_around(node, here)
    if handler is None or _is_spared(node.exc, handler, here):
        return
    raised = _name(node.exc)
    caught = " or ".join(f"`{dotted(each)}`" for each in types_of(handler)[:2]) or "anything"
    message = (
        f"`{raised}` is raised while {caught} is handled and does not name it as its cause; "
        f"write `from {_variable(handler, here)}`, or `from None` if it does not matter."
    )
    yield Flag(node, message, fix=_fix(node, handler, here))


def _name(node: cst.BaseExpression) -> str:
    return dotted(node.func if isinstance(node, cst.Call) else node)


def _is_spared(raised: cst.BaseExpression, handler: cst.ExceptHandler, here: Here) -> bool:
    name = _name(raised)
    last = name.rpartition(".")[2]
    if not last or not last[:1].isupper() or last == "Exception" or _ANSWERS.search(last):
        # Of `raise make_error()` nobody can say what it holds.
        return True
    caught = {dotted(each).rpartition(".")[2] for each in types_of(handler)}
    if caught and all(each in _LOOKUPS or _TOLD.search(each) for each in caught):
        return True
    if last in caught:
        return True
    own = variable(handler)
    if uses(raised, own) or _is_chosen_by(own, raised, handler, here):
        return True
    function = here.function(raised)
    return function is not None and bool(_PROTOCOL.match(function.name.value))


def _is_chosen_by(
    own: str, raised: cst.BaseExpression, handler: cst.ExceptHandler, here: Here
) -> bool:
    """Whether the caught exception was asked before this one was chosen."""
    for around in here.scopes.ancestors(raised):
        if around is handler:
            return False
        if isinstance(around, cst.If) and uses(around.test, own):
            return True
    return False


def _variable(handler: cst.ExceptHandler, here: Here) -> str:
    own = variable(handler)
    if own:
        return own
    around = here.function(handler) or here.module
    taken = around is not None and uses(around, "error")
    return "exc" if taken else "error"


def _fix(node: cst.Raise, handler: cst.ExceptHandler, here: Here) -> Fix | None:
    name = _variable(handler, here)
    raising = Replace(node, node.with_changes(cause=cst.From(cst.Name(name))))
    if handler.name is not None:
        return Fix((raising,))
    if handler.type is None or not isinstance(handler.body, cst.IndentedBlock):
        return None
    head = ReplaceHead(handler, f"except {here.source(handler.type)} as {name}:")
    return Fix((head, raising))
