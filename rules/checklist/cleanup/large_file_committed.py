"""A large file is under version control.

Git keeps every version of every file for good, and everybody who clones waits for all of them.
Keep large data in a storage made for it, or track it with Git LFS.

The limit is the option `max_kilobytes`. Lock files, translations, and what the tests record do
not count.

Bad:
```text model/weights.bin x16000 flagged
0123456789012345678901234567890123456789012345678901234567890123456789
```
Good:
```text model/weights.bin
version https://git-lfs.github.com/spec/v1
oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
size 1120000
```
Good: what programs write and people do not keep elsewhere.
```text frontend/package-lock.json x16000
"integrity": "sha512-0123456789012345678901234567890123456789012345"
```
```text locale/de/LC_MESSAGES/django.po x40000
msgid "Book"
msgstr "Buch"
```
Good: a picture for the documentation.
```text docs/overview.png x500
0123456789012345678901234567890123456789012345678901234567890123456789
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from rules.kit import CommittedFile, Flag, Here, Rule, Severity
from rules.kit.paths import name_of


@dataclass(frozen=True)
class Options:
    """How large a file may be."""

    max_kilobytes: Annotated[
        int, Meta(description="The largest size that is not reported, in thousands of bytes.")
    ] = 1000


_DEFAULT = Options()

rule = Rule(
    __name__,
    __doc__,
    code="CLN108",
    severity=Severity.WARNING,
    quiet=True,
    checklist=("cleanup.leftovers",),
    scope="pr",
    options=_DEFAULT,
    yields_to=("CLN102", "CLN104", "CLN107"),
)

_WRITTEN_BY_PROGRAMS = re.compile(
    r"(\.lock|[-.]lock\.(json|ya?ml)|\.(po|pot|mo|xlf|snap|ambr)|(^|/)(npm-shrinkwrap\.json|go\.sum))$"
    r"|(^|/)(cassettes|snapshots|__snapshots__)/"
)


@rule.on(CommittedFile)
def check(file: CommittedFile, here: Here) -> Iterator[Flag]:
    most = (here.options or _DEFAULT).max_kilobytes
    if file.size <= most * 1000 or _WRITTEN_BY_PROGRAMS.search(file.path):
        return
    size = (
        f"{file.size / 1_000_000:.1f} MB" if file.size >= 1_000_000 else f"{file.size // 1000} kB"
    )
    message = (
        f"`{name_of(file.path)[:80]}` has {size}, more than the {most} kB that a file may have here: "
        "every clone carries each of its versions for good. Keep it elsewhere, or in Git LFS."
    )
    yield Flag(0, message)
