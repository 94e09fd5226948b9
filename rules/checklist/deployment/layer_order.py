"""Every change of the code makes the image install all dependencies again, or keep pip's cache.

Layers are built anew from the first one that changed. Copy the list of dependencies first,
install them, then copy the source; and keep what pip downloaded out of the image.

Bad:
```dockerfile Dockerfile
FROM python:3.12-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt  # flagged
COPY . .
```
Good:
```dockerfile Dockerfile
FROM python:3.12-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
```
Bad: the source first.
```dockerfile Dockerfile
FROM python:3.12-slim
ENV PIP_NO_CACHE_DIR=1
WORKDIR /app
COPY . .  # flagged
RUN pip install -r requirements.txt
```
Good: a cache that is mounted or switched off, the project itself, and stages that are left behind.
```dockerfile Dockerfile
FROM python:3.12 AS build
COPY requirements.txt .
RUN pip install --target /deps -r requirements.txt

FROM python:3.12-slim
ENV PIP_NO_CACHE_DIR=1
COPY --from=build /deps /deps
COPY requirements.txt .
RUN pip install -r requirements.txt
RUN --mount=type=cache,target=/home/app/.cache/pip pip install gunicorn==23.0
COPY . .
RUN pip install --no-deps .
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.facts.operations import is_for_development
from rules.kit import Dockerfile, Fix, Flag, Here, ReplaceLines, Rule, Severity
from rules.kit.dockerfile import FILES, Instruction, Stage

rule = Rule(
    __name__,
    __doc__,
    code="DEP107",
    severity=Severity.NOTICE,
    checklist=("deploy.docker",),
    scope="file",
    fix="suggestion",
    peers=("hadolint:DL3042",),
    defers=False,
    files=FILES,
)

_INSTALLS = re.compile(
    r"\bpip3?\s+install\b[^&;|]*\s-r\s|\bpoetry\s+install\b|\buv\s+sync\b|\buv\s+pip\s+install\b[^&;|]*\s-r\s"
    r"|\bpipenv\s+(install|sync)\b|\bpdm\s+(install|sync)\b"
)
_PIP = re.compile(r"(?<!uv )\bpip3?\s+install\b")
_WHOLE = frozenset({".", "./", "*"})


@rule.on(Dockerfile)
def check(docker: Dockerfile, here: Here) -> Iterator[Flag]:
    if is_for_development(docker.path) or not docker.stages:
        return
    final = docker.stages[-1]
    for stage in docker.chain(final):
        yield from _order(stage)
        yield from _cache(stage, docker)


def _order(stage: Stage) -> Iterator[Flag]:
    copied: Instruction | None = None
    installed = False
    for each in stage.instructions:
        if (
            each.keyword in ("COPY", "ADD")
            and "from" not in each.flags
            and _WHOLE & set(each.words[:-1])
        ):
            copied = copied or each
        elif each.keyword == "RUN" and _INSTALLS.search(each.value):
            if copied is not None and not installed:
                message = (
                    "The whole source is copied before the dependencies are installed, so every change of "
                    "the code installs them all again; copy their list first, then install, then the rest."
                )
                yield Flag(copied.line, message, identity="order")
            installed = True


def _cache(stage: Stage, docker: Dockerfile) -> Iterator[Flag]:
    if any(key in ("PIP_NO_CACHE_DIR", "PIP_CACHE_DIR") for key in stage.known):
        return
    for each in stage.of("RUN"):
        text = each.value
        if not _PIP.search(text) or "no-cache" in text or "mount" in each.flags:
            continue
        if "rm -rf" in text and "cache" in text:
            continue
        message = (
            "pip keeps what it downloaded in this layer, and nobody uses it again; say `--no-cache-dir`, "
            "or mount a cache (`RUN --mount=type=cache`)."
        )
        yield Flag(each.line, message, fix=_fix(each, docker), identity="pip cache")


def _fix(each: Instruction, docker: Dockerfile) -> Fix | None:
    lines = docker.lines[each.line - 1 : each.end_line]
    new = tuple(_PIP.sub(lambda found: f"{found[0]} --no-cache-dir", line) for line in lines)
    return Fix((ReplaceLines(each.line, each.end_line, new),)) if new != tuple(lines) else None
