"""An image is built on whatever its base is today.

`latest`, or no tag at all, is another system at every build: what was tested is not what is
deployed, and nobody can build the old image again. Name a version, best with its digest.

Bad:
```dockerfile Dockerfile
FROM python  # flagged
COPY . /app
```
Good:
```dockerfile Dockerfile
FROM python:3.12.7-slim-bookworm
COPY . /app
```
Bad: `latest` by name.
```dockerfile Dockerfile
FROM node:latest AS assets  # flagged
RUN npm ci

FROM python:3.12-slim
COPY --from=assets /dist /app
```
Good: digests, stages, variables that are filled in elsewhere, and nothing at all.
```dockerfile Dockerfile
ARG BASE
FROM python@sha256:9a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9 AS base
FROM base AS build
FROM ${BASE} AS other
FROM scratch
COPY --from=build /app /app
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rules.kit import Dockerfile, Flag, Here, Rule, Severity
from rules.kit.dockerfile import FILES

rule = Rule(
    __name__,
    __doc__,
    code="DEP105",
    severity=Severity.NOTICE,
    checklist=("deploy.docker",),
    scope="file",
    peers=("hadolint:DL3006", "hadolint:DL3007"),
    files=FILES,
)


@rule.on(Dockerfile)
def check(docker: Dockerfile, here: Here) -> Iterator[Flag]:
    for stage in docker.stages:
        image = stage.base
        if docker.parent(stage) is not None or "$" in image or "@" in image or image == "scratch":
            continue
        _, _, tag = image.rpartition("/")[2].partition(":")
        if tag in ("", "latest"):
            message = (
                f"`FROM {image}` takes whatever that is on the day of the build; name a version, so "
                "that what was tested is what is deployed."
            )
            yield Flag(stage.line, message, identity=image)
