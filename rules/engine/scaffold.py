"""`stet new`: the file of a rule, ready to be filled in."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

import rules.checklist
from rules.engine.catalogue import catalogue, rows_of

_TEMPLATE = '''"""Say in one sentence what is wrong.

Say why it hurts, and what to do instead, in two to six lines.

Bad:
```python
bad()  # flagged
```
Good:
```python
good()
```
Good: a near miss that must stay silent.
```python
nearly_bad()
```
"""

from collections.abc import Iterator

import libcst as cst

from rules.kit import Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="{code}",
    severity=Severity.{severity},
    checklist=({rows}),
)


@rule.on(cst.Call, calls=("bad",))
def check(node: cst.Call, here: Here) -> Iterator[Flag]:
    if "builtins.bad" in here.names(node):
        yield Flag(node, "Say what happens here, with the code's own names, and what to do.")
'''


class ScaffoldError(Exception):
    """Why no file was written."""


def new_rule(section: str, name: str, folder: Path | None = None) -> Path:
    """Write `<section>/<name>.py`. Raises ScaffoldError if it stands already or cannot."""
    top = folder or Path(rules.checklist.__path__[0])
    module = name.strip().lower().replace("-", "_")
    if not re.fullmatch(r"[a-z][a-z0-9_]{2,60}", module) or keyword.iskeyword(module):
        raise ScaffoldError(
            f"`{name}` is no name for a rule: words joined by dashes, as bare-except"
        )
    known = sorted(each.name for each in top.iterdir() if (each / "__init__.py").is_file())
    if section not in known:
        raise ScaffoldError(f"no section is called `{section}`; there are {', '.join(known)}")
    path = top / section / f"{module}.py"
    if path.exists():
        raise ScaffoldError(f"{path} stands already")
    row = next((each for each in catalogue() if each.name == module.replace("_", "-")), None)
    code = row.code if row else "XXX000"
    rows = "".join(f'"{each}", ' for each in rows_of(code)).strip()
    severity = (row.severity if row else "warning").upper()
    path.write_text(_TEMPLATE.format(code=code, severity=severity, rows=rows), "utf-8")
    return path
