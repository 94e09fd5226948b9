"""A mark of an unfinished merge was left in a file.

Git writes these marks where two versions contradict each other. A module with one does not
import; elsewhere both versions, and the marks, are what users get. Decide for one version.

Bad:
```python shop/prices.py
TAX = 0.19
<<<<<<< HEAD  # flagged
SHIPPING = 4
=======
SHIPPING = 5
>>>>>>> cheaper-shipping
```
```html templates/cart.html
<p>Your cart</p>
>>>>>>> 3f2a91c (Show the total) <!-- flagged -->
```
Good:
```python shop/prices.py
TAX = 0.19
SHIPPING = 5
```
```html templates/cart.html
<p>Your cart</p>
```
Good: headings, quotations of answers, and text about merging.
```rst docs/index.rst
Prices
=======

The price of a book.
```
```text notes.txt
>>>>>>> quoted seven times
```
```markdown docs/merging.md
Git leaves marks:

<<<<<<< HEAD
SHIPPING = 4
=======
SHIPPING = 5
>>>>>>> cheaper-shipping
```
Good: a text about such marks.
```python shop/merge.py
MARKS = '''
<<<<<<< HEAD
=======
>>>>>>> other
'''
```
Good: what tests of merging read.
```text tests/data/conflict.txt
<<<<<<< HEAD
a
=======
b
>>>>>>> other
```
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from rules.facts.artifacts import TEST_DATA
from rules.kit import Flag, Here, Rule, Severity, TextFile

rule = Rule(
    __name__,
    __doc__,
    code="CLN113",
    severity=Severity.ERROR,
    checklist=("cleanup.leftovers",),
    scope="file",
    files=("*",),
    peers=("pre-commit:check-merge-conflict",),
)

_FAILURES = (SyntaxError, ValueError, RecursionError, MemoryError)
_BEGIN = re.compile(r"^<{7} \S")
_END = re.compile(
    r"^>{7} (HEAD|[0-9a-f]{7,40}\b|[\w./-]{1,100}(?: \([^)\n]{1,120}\))?\s*(?:#.*|<!--.*)?$)"
)
_ABOUT_MERGING = re.compile(r"\.(md|rst|mdx|adoc|patch|diff|orig|rej|eml|mbox|snap)$|(^|/)docs?/")


@rule.on(TextFile)
def check(file: TextFile, here: Here) -> Iterator[Flag]:
    text = file.text
    if "<<<<<<< " not in text and ">>>>>>> " not in text:
        return
    if _ABOUT_MERGING.search(file.path) or TEST_DATA.search(file.path):
        return
    if file.path.endswith((".py", ".pyi")) and _is_whole(text):
        return
    inside = False
    for number, line in enumerate(file.lines, start=1):
        if _BEGIN.match(line):
            inside = True
            yield _flag(number)
        elif _END.match(line):
            if not inside and _is_of_merge(line, file):
                yield _flag(number)
            inside = False


def _is_whole(text: str) -> bool:
    """Whether Python understands the file: then the marks stand in a string."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes are the author's affair
        try:
            ast.parse(text)
        except _FAILURES:
            return False
    return True


def _is_of_merge(line: str, file: TextFile) -> bool:
    """A mark without its beginning; in running text it quotes an answer to an answer."""
    return not file.path.endswith((".txt", ".log")) or "=======" in file.lines


def _flag(number: int) -> Flag:
    return Flag(number, "A merge was not finished here. Keep one version and delete the marks.")
