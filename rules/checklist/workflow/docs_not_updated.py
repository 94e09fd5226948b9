"""A setting changes, and the documentation that explains it does not.

Whoever runs the application reads that a variable of the environment exists which nothing reads
any more, or never learns of the new one. Change the documentation in the same pull request.

Before:
```python shop/settings.py
import os

SHOP_NAME = os.environ["SHOP_NAME"]
MAIL_FROM = os.environ.get("MAIL_FROM", "")
MAIL_HOST = os.environ.get("MAIL_HOST", "")
CACHE_URL = os.environ.get("CACHE_URL", "")
QUEUE_URL = os.environ.get("QUEUE_URL", "")
```
```text README.md
| Variable | Meaning |
|--|--|
| `SHOP_NAME` | what the shop is called |
| `MAIL_FROM` | the sender of its mails |
| `MAIL_HOST` | the server that sends them |
| `CACHE_URL` | where the cache is |
| `QUEUE_URL` | where the queue is |
```
Bad:
```python shop/settings.py flagged
import os

SHOP_NAME = os.environ["SHOP_NAME"]
MAIL_FROM = os.environ.get("MAIL_FROM", "")
MAIL_HOST = os.environ.get("MAIL_HOST", "")
MAIL_PORT = int(os.environ.get("MAIL_PORT", "25"))  # flagged
CACHE_URL = os.environ.get("CACHE_URL", "")
```
```text README.md
| Variable | Meaning |
|--|--|
| `SHOP_NAME` | what the shop is called |
| `MAIL_FROM` | the sender of its mails |
| `MAIL_HOST` | the server that sends them |
| `CACHE_URL` | where the cache is |
| `QUEUE_URL` | where the queue is |
```
Good:
```python shop/settings.py
import os

SHOP_NAME = os.environ["SHOP_NAME"]
MAIL_FROM = os.environ.get("MAIL_FROM", "")
MAIL_HOST = os.environ.get("MAIL_HOST", "")
MAIL_PORT = int(os.environ.get("MAIL_PORT", "25"))
CACHE_URL = os.environ.get("CACHE_URL", "")
```
```text README.md
| Variable | Meaning |
|--|--|
| `SHOP_NAME` | what the shop is called |
| `MAIL_FROM` | the sender of its mails |
| `MAIL_HOST` | the server that sends them |
| `MAIL_PORT` | its port |
| `CACHE_URL` | where the cache is |
```
Good: it is read in another module now.
```python shop/settings.py
import os

SHOP_NAME = os.environ["SHOP_NAME"]
MAIL_FROM = os.environ.get("MAIL_FROM", "")
MAIL_HOST = os.environ.get("MAIL_HOST", "")
CACHE_URL = os.environ.get("CACHE_URL", "")
```
```python shop/queue.py
import os

QUEUE_URL = os.environ.get("QUEUE_URL", "")
```
```text README.md
| Variable | Meaning |
|--|--|
| `SHOP_NAME` | what the shop is called |
| `MAIL_FROM` | the sender of its mails |
| `MAIL_HOST` | the server that sends them |
| `CACHE_URL` | where the cache is |
| `QUEUE_URL` | where the queue is |
```
Before:
```python shop/settings.py
import os

SHOP_NAME = os.environ["SHOP_NAME"]
```
```text README.md
The shop, with its orders.
```
Good: a project that explains no variables.
```python shop/settings.py
import os

SHOP_NAME = os.environ["SHOP_NAME"]
MAIL_PORT = int(os.environ.get("MAIL_PORT", "25"))
```
```text README.md
The shop, with its orders.
```
"""

from collections.abc import Iterator

from rules.facts.environment_documents import Variables, is_document, variables_read
from rules.kit import Change, FileChange, Flag, Here, Related, Rule, Severity
from rules.kit.paths import is_test

rule = Rule(
    __name__,
    __doc__,
    code="WFL101",
    severity=Severity.NOTICE,
    checklist=("workflow.documentation",),
    scope="pr",
)

_FEWEST = 5
_MOST_EXPLAINED = 0.7


@rule.on(Change)
def check(change: Change, _here: Here) -> Iterator[Flag]:
    sources = [
        each for each in change.files if each.path.endswith(".py") and not is_test(each.path)
    ]
    if not any(b"env" in (each.before or b"") + (each.after or b"") for each in sources):
        return
    before: Variables = change.before.facts(Variables)
    after: Variables = change.after.facts(Variables)
    for each in sources:
        yield from _gone(each, before, after, change)
    documents = any(is_document(each.path) for each in change.files)
    if not documents and len(before.read) >= _FEWEST and before.coverage >= _MOST_EXPLAINED:
        for each in sources:
            yield from _new(each, before, after)


def _gone(file: FileChange, before: Variables, after: Variables, change: Change) -> Iterator[Flag]:
    """Variables that nothing reads any more, and that the documentation still explains."""
    names = {each[1] for each in variables_read(_text(file.before))}
    for name in sorted(names):
        document = after.explained.get(name)
        if name in after.read or document is None or before.read.get(name) != file.old_path:
            continue
        if not change.touched(document) and file.status != "removed":
            yield Flag(
                0,
                f"Nothing reads `{name}` any more, and `{document}` still explains it.",
                path=file.path,
                related=(Related(document, 1, f"explains `{name}`"),),
                identity=f"documentation of {name}",
            )


def _new(file: FileChange, before: Variables, after: Variables) -> Iterator[Flag]:
    """Variables that the documentation leaves out, in a project that explains nearly all."""
    text = _text(file.after)
    seen: set[str] = set()
    for each in variables_read(text):
        name = each[1]
        line = text.count("\n", 0, each.start(1)) + 1
        if name in seen or name in before.read or name in after.explained or line not in file.added:
            continue
        seen.add(name)
        document = next(
            (before.explained[one] for one in before.read if one in before.explained), ""
        )
        yield Flag(
            line,
            f"`{name}` is new, and `{document}`, which explains the other variables of this "
            "project, does not mention it.",
            path=file.path,
            identity=f"documentation of {name}",
        )


def _text(data: bytes | None) -> str:
    return (data or b"").decode("utf-8", "replace")
