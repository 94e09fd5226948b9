"""A release is used that nobody mends any more.

Holes that are found in it stay open. Move to a release that is supported.

Bad:
```dockerfile Dockerfile
FROM python:3.8-slim  # flagged
RUN pip install -r requirements.txt
```
```text requirements.txt
Django==3.2.25  # flagged
requests==2.32.3
```
```text runtime.txt
python-3.7.17  # flagged
```
Bad: the system below.
```dockerfile Dockerfile
FROM debian:buster  # flagged
RUN true
```
Good:
```dockerfile Dockerfile
FROM python:3.13-slim
RUN pip install -r requirements.txt
```
```text requirements.txt
Django==5.2.3
```
Good: variables that are filled in elsewhere, ranges, and what libraries test.
```dockerfile Dockerfile
ARG VERSION
FROM python:${VERSION}
```
```text requirements.txt
Django>=3.2
```
```ini tox.ini
[tox]
envlist = py38-django32
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from rules.facts.operations import is_for_development
from rules.kit import DataFile, Dockerfile, Flag, Here, Rule, Severity, TextFile
from rules.kit.dockerfile import FILES

rule = Rule(
    __name__,
    __doc__,
    code="DEP112",
    severity=Severity.WARNING,
    quiet=True,
    checklist=("security.dependencies", "scripts.dependency-audit"),
    scope="file",
    files=(
        *FILES,
        "*requirements*.txt",
        "*/requirements/*.txt",
        "requirements/*.txt",
        "runtime.txt",
        ".python-version",
    ),
)

_YEARS = {
    "Python": {
        "2.7": 2020.0, "3.5": 2020.7, "3.6": 2021.97, "3.7": 2023.48, "3.8": 2024.77,
        "3.9": 2025.83, "3.10": 2026.83, "3.11": 2027.83, "3.12": 2028.83,
    },
    "Django": {
        "1.11": 2020.3, "2.0": 2019.3, "2.1": 2020.0, "2.2": 2022.3, "3.0": 2021.3, "3.1": 2022.0,
        "3.2": 2024.3, "4.0": 2023.3, "4.1": 2024.0, "4.2": 2026.33, "5.0": 2025.3, "5.1": 2026.0,
        "5.2": 2028.3,
    },
    "Debian": {"jessie": 2020.5, "stretch": 2022.5, "buster": 2024.5, "bullseye": 2026.67},
    "Ubuntu": {"16.04": 2021.4, "18.04": 2023.5, "20.04": 2025.5, "22.04": 2027.4},
    "Alpine": {
        "3.14": 2023.4, "3.15": 2023.9, "3.16": 2024.5, "3.17": 2024.9, "3.18": 2025.4,
        "3.19": 2025.9, "3.20": 2026.3, "3.21": 2026.9,
    },
}  # fmt: skip
_VERSION = re.compile(r"^(\d+)\.(\d+)")
_NUMBERED = {"8": "jessie", "9": "stretch", "10": "buster", "11": "bullseye"}
_PYTHON_LINE = re.compile(r"^(?:python-|cpython-)?(?P<version>[23]\.\d+)")


@rule.on(Dockerfile)
def check_image(docker: Dockerfile, here: Here) -> Iterator[Flag]:
    if is_for_development(docker.path):
        return
    for stage in docker.stages:
        if docker.parent(stage) is None and "$" not in stage.base:
            for what, version in _of_image(stage.base):
                yield from _flags(what, version, stage.line)


def _of_image(image: str) -> Iterator[tuple[str, str]]:
    """The releases that the name of an image tells."""
    name, _, tag = image.rpartition("/")[2].partition("@")[0].partition(":")
    number = _VERSION.match(tag)
    dotted = f"{number[1]}.{number[2]}" if number else ""
    if name in ("python", "pypy", "cpython") and dotted:
        yield "Python", dotted
    elif name == "ubuntu":
        yield "Ubuntu", {"bionic": "18.04", "focal": "20.04", "xenial": "16.04"}.get(tag, dotted)
    elif name == "alpine":
        yield "Alpine", dotted
    elif name == "debian":
        first = re.split(r"[.-]", tag)[0]
        yield "Debian", _NUMBERED.get(first, first)
    for word in re.split(r"[-_]", tag) if name not in ("debian", "ubuntu") else ():
        if word in _YEARS["Debian"]:
            yield "Debian", word


@rule.on(DataFile)
def check_requirements(file: DataFile, here: Here) -> Iterator[Flag]:
    if file.kind != "requirements" or is_for_development(file.path) or "lib" in file.path:
        return
    for value in file.documents[0].items.values() if file.documents else ():
        told = value.data
        if not isinstance(told, dict) or str(told.get("name", "")).lower() != "django":
            continue
        exact = re.match(r"^(===?|~=)(\d+\.\d+)", str(told.get("specifier", "")))
        if exact and not told.get("marker"):
            yield from _flags("Django", exact[2], value.line)


@rule.on(TextFile)
def check_runtime(file: TextFile, here: Here) -> Iterator[Flag]:
    if file.path.rpartition("/")[2] not in ("runtime.txt", ".python-version"):
        return
    versions = [m for line in file.lines if (m := _PYTHON_LINE.match(line.strip()))]
    if len(versions) == 1:
        yield from _flags("Python", versions[0]["version"], 1)


def _flags(what: str, version: str, line: int) -> Iterator[Flag]:
    year = _YEARS[what].get(version)
    if year is None:
        return
    ended = date(int(year), 1, 1) + timedelta(days=round((year % 1) * 365))
    if ended <= date.today():  # noqa: DTZ011 - a day more or less is no matter
        message = (
            f"{what} {version} gets no repairs any more since {ended:%B %Y}: holes found in it stay open. "
            "Move to a supported release."
        )
        yield Flag(line, message, identity=f"{what} {version}")
