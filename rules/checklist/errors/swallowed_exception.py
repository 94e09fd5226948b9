"""A broad `except` makes every failure disappear.

Nobody learns that something went wrong: not the caller, who gets a default, nor the logs. A
typing mistake, a lost database connection and the one error that was meant all look the same.
Catch what can be expected here, and log or pass on the rest.

Bad:
```python
def rate(client, currency):
    try:
        return client.fetch(currency)["rate"]
    except Exception:  # flagged
        return None
```
Good:
```python
import logging

logger = logging.getLogger(__name__)


def rate(client, currency):
    try:
        return client.fetch(currency)["rate"]
    except Exception:
        logger.exception("no rate for %s", currency)
        return None
```
Bad:
```python
from contextlib import suppress


def notify(users, mailer):
    for user in users:
        try:
            mailer.send(user)
        except (ValueError, Exception):  # flagged
            continue
    with suppress(Exception):  # flagged
        mailer.report(len(users))
```
Good:
```python
import smtplib
from contextlib import suppress


def notify(users, mailer):
    for user in users:
        try:
            mailer.send(user)
        except smtplib.SMTPException as error:
            user.mark_unreachable(error)
    with suppress(smtplib.SMTPException):
        mailer.report(len(users))
```
Bad: the work is undone, and nobody is told.
```python
def save(session, order):
    try:
        session.add(order)
        session.commit()
    except Exception:  # flagged
        session.rollback()
        return None
    return order.id
```
Good: a narrow error may be expected.
```python
def quantity(text):
    try:
        return int(text)
    except ValueError:
        return 1
```
Good: an import that may fail in any way, and tidying up that must not fail.
```python
try:
    import uvloop
except Exception:
    uvloop = None


def stop(connection):
    try:
        connection.close()
    except Exception:
        pass
```
Good: the failure is kept, or told.
```python
def check(services):
    failed = {}
    for service in services:
        try:
            service.ping()
        except Exception as error:
            failed[service.name] = str(error)
    return failed


def state(database):
    try:
        database.ping()
    except Exception:
        return "unreachable"
    return "fine"
```
"""

import re
from collections.abc import Iterator, Sequence

import libcst as cst

from rules.facts.caught import handler_around, is_broad
from rules.kit import Confidence, Flag, Here, Rule, Severity, dotted

rule = Rule(
    __name__,
    __doc__,
    code="ERR102",
    severity=Severity.WARNING,
    quiet=True,
    checklist=("errors.specific",),
    cwe=391,
    peers=("ruff:S110", "ruff:S112", "ruff:BLE001", "bandit:B110", "bandit:B112", "pylint:W0718"),
)

_TIDIES = re.compile(
    r"^(a?close|rollback|cleanup|clean_up|disconnect|shutdown|unlink|remove|rmtree|rmdir|kill"
    r"|terminate|stop|cancel|release|detach|logout|quit|__exit__|__aexit__|flush|delete_temp\w*"
    r"|unsubscribe|dispose|abort)$"
)
_TIDYING = re.compile(
    r"^(__del__|__exit__|__aexit__|__repr__|__str__|close|stop|shutdown|cleanup|tearDown)"
)
_ASKING = re.compile(r"^_*(is|has|can|check|valid|validate|supports|should|exists|looks)_?")
_WORD = re.compile(r"[A-Za-z]{2,}")
_FOR_TOOLS = re.compile(
    r"#\s*(noqa|pylint|pragma|type:|todo|fixme|xxx|nosec|stet|ruff)", re.IGNORECASE
)
_FEWEST_WORDS = 3


@rule.on(cst.ExceptHandler, words=("Exception", "BaseException"))
def check(handler: cst.ExceptHandler, here: Here) -> Iterator[Flag]:
    if handler.type is None or not is_broad(handler) or here.is_test:
        return
    statements = _statements(handler.body)
    outcome = _outcome(statements)
    around = here.around(handler, cst.Try)
    if not outcome or around is None or _is_spared(around.body, here):
        return
    function = here.function(handler)
    place = f" in `{function.name.value}`" if function is not None else ""
    message = (
        f"Every failure{place} ends in this `{_last_line(statements, here)}`, a mistake in the "
        "code included, and nobody learns of it. Catch what is expected here, or log it."
    )
    doubt = (
        here.is_script
        or here.is_migration
        or handler_around(around, here) is not None
        or _is_explained(handler.body, handler)
        or _answers(outcome, function)
    )
    yield Flag(handler, message, confidence=Confidence.HOTSPOT if doubt else None)


@rule.on(cst.Call, calls=("suppress",))
def check_suppress(call: cst.Call, here: Here) -> Iterator[Flag]:
    given = [dotted(each.value).rpartition(".")[2] for each in call.args]
    if not {"Exception", "BaseException"} & set(given) or here.is_test:
        return
    around = here.around(call, cst.With)
    if "contextlib.suppress" not in here.names(call.func) or around is None:
        return
    if _is_spared(around.body, here):
        return
    message = (
        f"`suppress({given[0]})` makes every failure of this block disappear, a mistake in the "
        "code included. Name what is expected here."
    )
    doubt = here.is_script or _is_explained(around.body, around)
    yield Flag(call, message, confidence=Confidence.HOTSPOT if doubt else None)


Statement = cst.BaseStatement | cst.BaseSmallStatement


def _statements(body: cst.BaseSuite) -> list[Statement]:
    """The statements of a block, those that share a line one by one."""
    found: list[Statement] = []
    for each in body.body:
        found += each.body if isinstance(each, cst.SimpleStatementLine) else [each]
    return found


def _outcome(statements: Sequence[Statement]) -> str:
    """How the failure goes under: `pass`, `loop`, `assigned`, `default`, `no`; or nothing."""
    outcome = ""
    for each in statements:
        match each:
            case cst.Pass() | cst.Expr(value=cst.Ellipsis() | cst.SimpleString()):
                outcome = outcome or "pass"
            case cst.Continue() | cst.Break():
                outcome = "loop"
            case cst.Return(value=value) if value is None or _is_default(value):
                is_answer = isinstance(value, cst.Name) and value.value in ("True", "False")
                outcome = "no" if is_answer else "default"
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Name())], value=value) if (
                _is_default(value) and dotted(value) not in ("True", "False")
            ):
                outcome = "assigned"
            case cst.Expr() if _tidies(each):
                outcome = outcome or "pass"
            case _:
                return ""
    return outcome


def _is_default(node: cst.BaseExpression) -> bool:
    """A value that says nothing of a failure: None, a number, an empty text or container."""
    match node:
        case cst.Name(value="None" | "False" | "True") | cst.Integer() | cst.Float():
            return True
        case cst.SimpleString():
            return not node.raw_value
        case cst.List(elements=[]) | cst.Tuple(elements=[]) | cst.Dict(elements=[]):
            return True
        case cst.UnaryOperation(expression=inner):
            return _is_default(inner)
        case cst.Tuple(elements=elements):
            return all(_is_default(each.value) for each in elements)
        case cst.Call(func=cst.Name(value="dict" | "list" | "set" | "tuple" | "str"), args=[]):
            return True
        case _:
            return False


def _is_spared(body: cst.BaseSuite, here: Here) -> bool:
    """Imports that may fail, and tidying up."""
    function = here.function(body)
    if function is not None and _TIDYING.search(function.name.value):
        return True
    statements = _statements(body)
    imports = any(isinstance(each, cst.Import | cst.ImportFrom) for each in statements)
    return imports or all(_tidies(each) for each in statements)


def _tidies(statement: Statement) -> bool:
    match statement:
        case cst.Expr(value=cst.Await(expression=cst.Call(func=func))):
            return _is_tidying(func)
        case cst.Expr(value=cst.Call(func=func)):
            return _is_tidying(func)
        case cst.If() | cst.With() | cst.For():
            return all(_tidies(each) for each in _statements(statement.body))
        case cst.Pass():
            return True
        case _:
            return False


def _is_tidying(func: cst.BaseExpression) -> bool:
    last = func.attr.value if isinstance(func, cst.Attribute) else dotted(func)
    return bool(_TIDIES.search(last))


def _answers(outcome: str, function: cst.FunctionDef | None) -> bool:
    """Whether `False` is the answer to the question that the function asks."""
    return outcome == "no" and function is not None and bool(_ASKING.search(function.name.value))


def _is_explained(body: cst.BaseSuite, around: cst.CSTNode) -> bool:
    """Whether a comment says why the failure may go under."""
    for each in _comments(body, around):
        if not _FOR_TOOLS.match(each) and len(_WORD.findall(each)) >= _FEWEST_WORDS:
            return True
    return False


def _comments(body: cst.BaseSuite, around: cst.CSTNode) -> Iterator[str]:
    lines: list[cst.EmptyLine | cst.TrailingWhitespace] = [
        *getattr(around, "leading_lines", ()),
    ]
    if isinstance(body, cst.IndentedBlock):
        lines += [body.header, *body.footer]
        for each in body.body:
            lines += getattr(each, "leading_lines", ())
            if isinstance(each, cst.SimpleStatementLine):
                lines.append(each.trailing_whitespace)
    elif isinstance(body, cst.SimpleStatementSuite):
        lines.append(body.trailing_whitespace)
    for line in lines:
        if line.comment is not None:
            yield line.comment.value


def _last_line(statements: Sequence[Statement], here: Here) -> str:
    return here.source(statements[-1]).rstrip(";").strip()
