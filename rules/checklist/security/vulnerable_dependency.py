"""A version with a known hole is added.

Attackers read the same advisories and try them on every server they find. Take the patched
version. Stet asks GitHub's database of advisories about the packages whose versions a pull
request changes; without GitHub, as on your own machine, it does not know of any.

Before:
```text requirements.txt
django==4.2.1
requests==2.31.0
```
Bad: what GitHub knows stands in the second block.
```text requirements.txt
django==4.2.1
requests==2.30.0  # flagged
```
```json @advisories
[{"package": "requests", "id": "GHSA-j8r2-6x86-q33x", "severity": "MODERATE", "affected": ">= 2.3.0, < 2.31.0",
  "patched": "2.31.0", "summary": "Unintended leak of Proxy-Authorization header in requests"}]
```
Good:
```text requirements.txt
django==4.2.1
requests==2.31.0
```
```json @advisories
[{"package": "requests", "id": "GHSA-j8r2-6x86-q33x", "severity": "MODERATE", "affected": ">= 2.3.0, < 2.31.0",
  "patched": "2.31.0", "summary": "Unintended leak of Proxy-Authorization header in requests"}]
```
Good: the version was there before, and the advisory is about another one.
```text requirements.txt
django==4.2.1
requests==2.32.3
```
```json @advisories
[{"package": "requests", "id": "GHSA-j8r2-6x86-q33x", "severity": "MODERATE", "affected": ">= 2.3.0, < 2.31.0",
  "patched": "2.31.0", "summary": "Unintended leak of Proxy-Authorization header in requests"},
 {"package": "django", "id": "GHSA-jh3w-4vvf-mjgr", "severity": "HIGH", "affected": ">= 4.2, < 4.2.3",
  "patched": "4.2.3", "summary": "Denial of service in EmailValidator and URLValidator"}]
```
"""

from collections.abc import Iterator

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from rules.facts.pinned_versions import Pin, introduced_pins
from rules.kit import Advisory, Change, FileChange, Fix, Flag, Here, ReplaceLines, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="SEC142",
    severity=Severity.ERROR,
    checklist=("security.dependencies", "scripts.dependency-audit"),
    scope="pr",
    fix="suggestion",
    cwe=1395,
)

_WEIGHT = {"LOW": 0, "MODERATE": 1, "HIGH": 2, "CRITICAL": 3}


@rule.on(Change)
def check(change: Change, here: Here) -> Iterator[Flag]:
    if not change.advisories:
        return
    for file in change.files:
        for pin in introduced_pins(file):
            known = [each for each in change.advisories if _is_about(each, pin)]
            if known:
                yield _flag(pin, known, file)


def _is_about(advisory: Advisory, pin: Pin) -> bool:
    if advisory.package != pin.name:
        return False
    # GitHub writes `= 1.2` where Python writes `== 1.2`.
    parts = [each.strip() for each in advisory.affected.split(",")]
    affected = ",".join(f"={each}" if each.startswith("= ") else each for each in parts)
    try:
        return SpecifierSet(affected).contains(pin.version, prereleases=True)
    except InvalidSpecifier:
        return False


def _flag(pin: Pin, known: list[Advisory], file: FileChange) -> Flag:
    worst = max(known, key=lambda each: _WEIGHT.get(each.severity, 0))
    more = f" and {len(known) - 1} more" if len(known) > 1 else ""
    patched = _patched(known)
    cure = (
        f"`{patched}` is the first version without it." if patched else "No version cures it yet."
    )
    if more and patched:
        cure = f"`{patched}` is the first version without them."
    summary = worst.summary[:110].rstrip(".").replace("`", "'")
    message = f"`{pin.name}` {pin.version} has a known hole: {summary} ({worst.id}{more}). {cure}"
    line = (file.after or b"").decode("utf-8", "replace").splitlines()[pin.line - 1]
    is_list = (
        not file.path.endswith((".lock", ".toml")) and pin.version in line and "--hash" not in line
    )
    fix = (
        Fix((ReplaceLines(pin.line, pin.line, (line.replace(pin.version, patched, 1),)),))
        if patched and is_list
        else None
    )
    return Flag(
        pin.line,
        message,
        fix=fix,
        path=file.path,
        severity=Severity.WARNING if pin.dev else None,
        identity=f"{pin.name} {pin.version} {worst.id}",
    )


def _patched(known: list[Advisory]) -> str:
    """The version that cures all of them; nothing where one has no cure."""
    versions = []
    for each in known:
        try:
            versions.append(Version(each.patched))
        except InvalidVersion:
            return ""
    return str(max(versions))
