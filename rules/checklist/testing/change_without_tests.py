"""The change alters what the program does, and no test changed with it.

Nothing then holds the new behaviour: the next change can undo it unseen, and a reviewer has
only the reading of the code to go by. Add a test where the team keeps those of this module,
or change the one that should have failed. One finding stands for the whole change.

Before:
```python shop/orders.py
def total(lines):
    return sum(line.price for line in lines)
```
```python tests/test_orders.py
from shop.orders import total


def test_total_of_nothing_is_nothing():
    assert total([]) == 0
```
Bad:
```python shop/orders.py
def total(lines):
    if any(line.price < 0 for line in lines):  # flagged
        raise ValueError("negative price")
    return sum(line.price for line in lines)
```
```python tests/test_orders.py
from shop.orders import total


def test_total_of_nothing_is_nothing():
    assert total([]) == 0
```
Good:
```python shop/orders.py
def total(lines):
    if any(line.price < 0 for line in lines):
        raise ValueError("negative price")
    return sum(line.price for line in lines)
```
```python tests/test_orders.py
import pytest

from shop.orders import total


def test_total_of_nothing_is_nothing():
    assert total([]) == 0


def test_negative_prices_are_refused(line):
    with pytest.raises(ValueError):
        total([line(price=-1)])
```
Good: only the layout, the names, annotations, logging and messages change.
```python shop/orders.py
import logging

logger = logging.getLogger(__name__)


def total(lines: list[Line]) -> int:
    '''The sum of the prices.'''
    logger.debug("adding %s lines", len(lines))
    return sum(
        each.price
        for each in lines
    )
```
```python tests/test_orders.py
from shop.orders import total


def test_total_of_nothing_is_nothing():
    assert total([]) == 0
```
Good: code that moves to another module.
```python shop/sums.py
def total(lines):
    return sum(line.price for line in lines)
```
```python shop/orders.py
from shop.sums import total
```
```python tests/test_orders.py
from shop.orders import total


def test_total_of_nothing_is_nothing():
    assert total([]) == 0
```
Good: settings, migrations and scripts.
```python shop/orders.py
def total(lines):
    return sum(line.price for line in lines)
```
```python scripts/clean.py
def clean(orders):
    for order in orders:
        if order.is_old:
            order.delete()
```
```python shop/startup.py
def main(tasks):
    for each in tasks:
        if each.is_due:
            each.run()
        else:
            each.skip()


if __name__ == "__main__":
    main([])
```
```python tests/test_orders.py
from shop.orders import total


def test_total_of_nothing_is_nothing():
    assert total([]) == 0
```
Before:
```python shop/orders.py
def total(lines):
    return sum(line.price for line in lines)
```
```python tests/test_orders.py
from shop.orders import total


def test_total_of_nothing_is_nothing():
    assert total([]) == 0
```
```python shop/couriers.py
def status(code):
    return courier.get(code).status
```
```python tests/test_couriers.py
from shop.couriers import status


def test_status():
    assert status("1") == "on its way"
```
Bad: the change is tested, but one new function is left out.
```python shop/orders.py
def total(lines):
    if any(line.price < 0 for line in lines):
        raise ValueError("negative price")
    return sum(line.price for line in lines)
```
```python tests/test_orders.py
import pytest

from shop.orders import total


def test_total_of_nothing_is_nothing():
    assert total([]) == 0


def test_negative_prices_are_refused(line):
    with pytest.raises(ValueError):
        total([line(price=-1)])
```
```python shop/couriers.py
def status(code):
    return courier.get(code).status


def label(code):  # flagged
    answer = courier.get(code)
    if not answer.ok:
        raise LookupError(code)
    return answer.text
```
```python tests/test_couriers.py
from shop.couriers import status


def test_status():
    assert status("1") == "on its way"
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.behaviour import Changed, changes
from rules.facts.settings_modules import SettingsModules
from rules.facts.tests import Suite
from rules.kit import (
    Change,
    Confidence,
    FileChange,
    Flag,
    Here,
    PythonFile,
    Rule,
    Severity,
    dotted,
    find,
)
from rules.kit.paths import is_generated, is_migration, is_test
from rules.kit.positions import positions

rule = Rule(
    __name__,
    __doc__,
    code="TST101",
    severity=Severity.WARNING,
    quiet=True,
    checklist=("tests.present",),
    scope="project",
    yields_to=("TST102",),
)

_LEAST_SCORE = 3
_LEAST_CHANGE = 4  # of a function that was there: more than one more key or option
_MUCH = 8
_NEW = 3  # what a new function does at least to be missed in the tests
_MORE = 6  # what an old one does more: a decision with what follows from it
_TEST = re.compile(rb"(?m)^[ \t]*(?:async[ \t]+)?def test")
_NOT_TESTED = re.compile(
    r"(^|/)(scripts?|bin|tools?|examples?|docs?|benchmarks?|bench|demos?|samples?|playground|dev"
    r"|notebooks?|stubs|typings|fixtures|factories|locale|ci|\.[^/]+)/"
    r"|(^|/)(manage|setup|noxfile|fabfile|conftest|wsgi|asgi|admin|apps|urls|constants|choices"
    r"|enums|gunicorn[^/]*|celery|factories|fixtures|version|__main__|__version__)\.py$"
    r"|(^|/)(random|sample|demo|fake|populate|dummy|seed)_?(data|db|database)?(\.py$|/)"
)
_NO_NEW_BEHAVIOUR = re.compile(
    r"(?i)^\W*(revert|refactor|chore|docs?|style|bump|build|ci|typing|types|rename|clean|lint|format"
    r"|wip|move|release|i18n|l10n|translat|typo|perf|reformat|reduce|tidy|dedup|remove|delete|drop|deprecate|simplify|extract|upgrade|update dep)"
)
_GENERIC = frozenset(
    {"get", "post", "put", "patch", "delete", "save", "create", "update", "list", "retrieve"}
    | {"destroy", "run", "call", "handle", "execute", "main", "clean", "validate", "form", "forms"}
    | {"dispatch", "process", "view", "views", "model", "models", "utils", "tasks", "serializers"}
    | {"base", "helpers", "service", "services", "schema", "schemas", "types", "manager", "mixin"}
    | {"test", "tests", "api", "apps", "src", "core", "app", "common", "serializer", "handler"}
)
_WORD = re.compile(rb"[A-Za-z_]\w+")
_PART = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")


@rule.on(PythonFile)
def parse(_file: PythonFile, _here: Here) -> Iterator[Flag]:
    """Ask for the trees of all changed files; what they mean is said of the change."""
    yield from ()


@rule.on(Change)
def check(change: Change, here: Here) -> Iterator[Flag]:
    if _NO_NEW_BEHAVIOUR.match(change.title):
        return
    suite: Suite = change.after.facts(Suite)
    if not suite.by_path:
        return
    settings: SettingsModules = change.after.facts(SettingsModules)
    sources = {
        each.path: change.trees.get(each.path, (None, None))
        for each in change.files
        if each.path.endswith(".py") and not is_test(each.path)
    }
    found = [
        each
        for each in changes(sources)
        if _counts(each.path) and settings.at(each.path) is None and _is_much(each)
    ]
    found = [each for each in found if not _is_loader(each, change) and not _is_start(each, change)]
    if _adds_tests(change) or any(_exercises(test, found, change) for test in _tests(change)):
        found = [each for each in found if _is_forgotten(each, suite, change)]
    tested = [each for each in found if _is_awaited(each, suite)]
    if tested:
        chief = max(tested, key=lambda each: each.score)
        yield _flag(chief, suite, change)


def _is_much(changed: Changed) -> bool:
    return changed.score >= (_LEAST_SCORE if changed.is_added else _LEAST_CHANGE)


def _is_loader(changed: Changed, change: Change) -> bool:
    """Whether it is the method of a data loader, which the tests of its resolvers run."""
    module = change.trees[changed.path][1]
    name = changed.function.holder.rpartition(".")[2]
    if module is None or not name:
        return False
    bases = [
        dotted(base.value)
        for each in find(module, cst.ClassDef)
        if each.name.value == name
        for base in each.bases
    ]
    return any(each.endswith("Loader") for each in bases)


def _is_start(changed: Changed, change: Change) -> bool:
    """Whether it is what a program starts with: `if __name__ == "__main__": main()`."""
    module = change.trees[changed.path][1]
    if module is None or changed.function.qualname != "main":
        return False
    return any(
        isinstance(each, cst.If) and any(n.value == "__name__" for n in find(each.test, cst.Name))
        for each in module.body
    )


def _is_awaited(changed: Changed, suite: Suite) -> bool:
    """Whether the team would expect a test: it tests this module, or much is new in a tested area."""
    place = suite.place_for(changed.path, changed.function.node.name.value)
    if place is not None and place.exists:
        return True
    return changed.score >= _MUCH and suite.covers_area(changed.path)


def _adds_tests(change: Change) -> bool:
    """Whether more tests stand in the files of the change than before."""
    files = list(_tests(change))
    after = sum(len(_TEST.findall(each.after or b"")) for each in files)
    return after > sum(len(_TEST.findall(each.before or b"")) for each in files)


def _is_forgotten(new: Changed, suite: Suite, change: Change) -> bool:
    """A new function of a module with a test file of its own, that no test of the project names.

    What other code of the change calls may be exercised through that.
    """
    name = new.function.node.name.value
    if not new.is_added or name.startswith("_") or name in _GENERIC or new.function.holder:
        return False
    place = suite.place_for(new.path, name)
    stem = new.path.rpartition("/")[2].removesuffix(".py")
    if place is None or not place.exists or stem not in place.path.rpartition("/")[2]:
        return False
    if change.touched(place.path) or any(suite.naming(name)):
        return False
    return not _is_used(name, change)


def _is_used(name: str, change: Change) -> bool:
    """Whether code of the change names a function besides its definition."""
    modules = [after for _, after in change.trees.values() if after is not None]
    uses = sum(each.value == name for module in modules for each in find(module, cst.Name))
    return uses > 1


def _counts(path: str) -> bool:
    return not (_NOT_TESTED.search(path) or is_migration(path) or is_generated(path))


def _tests(change: Change) -> Iterator[FileChange]:
    """Files of tests, their data included, that the change adds or edits."""
    for each in change.files:
        if each.status != "removed" and (is_test(each.path) or "test" in each.path.lower()):
            yield each


def _exercises(test: FileChange, found: list[Changed], change: Change) -> bool:
    """Whether a changed test file names something of what changed, or stands beside it."""
    words = {each.decode() for each in _WORD.findall(test.after or b"")}
    folders = set(test.path.lower().split("/")[:-1])
    title = set(_parts(test.path.rpartition("/")[2].removesuffix(".py")))
    for each in found:
        names = _names_of(each)
        if names & words or _parts_of(names) & title:
            return True
        own = set(each.path.lower().split("/")[1:-1]) - _GENERIC
        if own & folders or _is_below(test.path, each.path):
            return True
    return _doctest(found, change)


def _names_of(changed: Changed) -> set[str]:
    stem = changed.path.rpartition("/")[2].removesuffix(".py")
    names = {*changed.function.qualname.split("."), stem}
    if stem == "__init__" or stem in _GENERIC:
        names.add(changed.path.rpartition("/")[0].rpartition("/")[2])
    return {each for each in names if each.lower() not in _GENERIC and not each.startswith("__")}


def _parts(name: str) -> list[str]:
    return [each.lower() for each in _PART.findall(name)]


def _parts_of(names: set[str]) -> set[str]:
    least = 4
    every = {part for each in names for part in _parts(each)}
    return {each for each in every if len(each) >= least} - _GENERIC


def _is_below(test: str, source: str) -> bool:
    folder = source.rpartition("/")[0]
    return bool(folder) and test.startswith(f"{folder}/")


def _doctest(found: list[Changed], change: Change) -> bool:
    """Whether an example in a docstring changed with the code."""
    paths = {each.path for each in found}
    return any(
        each.path in paths
        and (each.after or b"").count(b">>> ") > (each.before or b"").count(b">>> ")
        for each in change.files
    )


def _flag(chief: Changed, suite: Suite, change: Change) -> Flag:
    name = chief.function.qualname
    place = suite.place_for(chief.path, chief.function.node.name.value)
    if place is None:
        where = "add one beside the others of this project"
    elif place.exists:
        where = f"`{place.path}` is where the team would look for it"
    else:
        where = f"by the layout of the others it belongs in `{place.path}`"
    did = "is new" if chief.is_added else "does something new"
    message = f"`{name}` {did}, and no test that exercises it was added or changed; {where}."
    worth = _is_worth_a_word(chief) and not _is_cut_down(chief.path, change)
    sure = None if worth else Confidence.HOTSPOT
    identity = f"{name} untested"
    return Flag(_line(chief, change), message, path=chief.path, identity=identity, confidence=sure)


def _is_cut_down(path: str, change: Change) -> bool:
    """Whether far more lines leave a file than come: what is new is mostly put another way."""
    return any(
        each.path == path and len(each.removed) > 2 * len(each.added) for each in change.files
    )


def _is_worth_a_word(changed: Changed) -> bool:
    """Whether a reviewer would ask for the test unasked: not for a line or two, or a helper."""
    if changed.function.node.name.value.startswith("_"):
        return changed.score >= _MUCH
    return changed.score >= (_NEW if changed.is_added else _MORE)


def _line(chief: Changed, change: Change) -> int:
    """A line of the diff: the head of a new function, or the first statement that is new."""
    module = change.trees[chief.path][1]
    node = chief.function.node if chief.is_added else chief.new[0].node
    if module is None:
        return 0
    spans = positions(module, [node])
    return spans[id(node)].line if id(node) in spans else 0
