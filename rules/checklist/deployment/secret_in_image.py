"""A secret is built into an image.

Whoever can pull the image can read it: `ENV` and `ARG` stand in its history, and a copied file
stays in its layer even if a later one deletes it. Hand secrets over when the container runs, or
mount them for one step of the build (`RUN --mount=type=secret`).

Bad:
```dockerfile Dockerfile
FROM python:3.12-slim
ENV SECRET_KEY=kz8Ff2mQ9xLw4Rt7  # flagged
ARG PYPI_TOKEN  # flagged
RUN pip install -r requirements.txt
COPY .env /app/.env  # flagged
```
Good:
```dockerfile Dockerfile
FROM python:3.12-slim
RUN --mount=type=secret,id=pypi pip install -r requirements.txt
COPY shop /app
```
Good: values for the build only, empty ones, names of files, and stages that are left behind.
```dockerfile Dockerfile
FROM python:3.12 AS build
ARG PYPI_TOKEN
RUN pip install --target /deps -r requirements.txt

FROM python:3.12-slim
ENV SECRET_KEY=dummy DATABASE_PASSWORD="" SECRET_KEY_FILE=/run/secrets/key TOKEN_LIFETIME=3600
ENV API_KEY=${API_KEY}
RUN SECRET_KEY=only-here python manage.py collectstatic
COPY --from=build /deps /deps
COPY .env.example /app/
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.facts.operations import is_for_development
from rules.kit import Dockerfile, Flag, Here, Rule, Severity
from rules.kit.dockerfile import FILES, Instruction, Stage

rule = Rule(
    __name__,
    __doc__,
    code="DEP106",
    severity=Severity.ERROR,
    checklist=("deploy.secrets",),
    scope="file",
    cwe=798,
    files=FILES,
    hides_match=True,
)

_NAME = re.compile(
    r"(?i)(^|_)(secret|secret_key|password|passwd|token|api_?key|private_?key|access_?key|credentials?|auth_?key)$"
    r"|(^|_)(secret|password)_"
)
_NO_SECRET = re.compile(
    r"(?i)_(file|path|dir|url|name|id|lifetime|ttl|expir\w*|header|field|length|type|class|algorithm|backend)$|^disable|public"
)
_DUMMY = re.compile(
    r"(?i)dummy|changeme|change_me|placeholder|example|not.?(used|needed|a.?secret|set)|build|fake|test|secret.?key$"
    r"|insecure|^x+$|^\W*$|^(true|false|none|null|no|yes|1|0|secret|password|foo|bar|unused|temp|tmp|default|collectstatic)$|\$"
)
_PAIR = re.compile(r"(?<!\w)([A-Za-z_]\w*)=(\"(?:[^\"\\]|\\.)*\"|'[^']*'|\S*)")
_FILES = re.compile(
    r"(^|/)(\.env(\.(prod|production|staging|local))?|\.pypirc|\.netrc|\.npmrc|id_(rsa|dsa|ecdsa|ed25519)"
    r"|[\w.-]+\.pem|[\w.-]+\.p12|\.aws/credentials|credentials\.json|service[-_]?account[\w-]*\.json|\.htpasswd)$"
)


@rule.on(Dockerfile)
def check(docker: Dockerfile, here: Here) -> Iterator[Flag]:
    if is_for_development(docker.path) or not docker.stages:
        return
    for stage in docker.chain(docker.stages[-1]):
        for each in stage.of("ENV", "ARG", "COPY", "ADD"):
            yield from _flags(each, stage)


def _flags(each: Instruction, stage: Stage) -> Iterator[Flag]:
    if each.keyword in ("COPY", "ADD"):
        if "from" in each.flags:
            return
        for source in each.words[:-1]:
            if _FILES.search(source) and not re.search(
                r"(?i)example|sample|template|dist|public|ca[-_.]|cert", source
            ):
                message = (
                    f"`{source}` becomes a layer of the image, where whoever pulls it can read it; hand it "
                    "over when the container runs."
                )
                yield Flag(each.line, message, identity=f"copy {source}")
        return
    for name, value in _pairs(each):
        if not _NAME.search(name) or _NO_SECRET.search(name):
            continue
        literal = value.strip("'\"")
        if each.keyword == "ARG" and not literal:
            why = f"`ARG {name}` stands in the history of the image with its value"
        elif literal and not _DUMMY.search(literal):
            why = f"The value of `{name}` stands in the image"
        else:
            continue
        message = f"{why}, where whoever pulls it can read it; hand it over at run time, or mount it for one step of the build."
        yield Flag(each.line, message, identity=f"{each.keyword} {name}")


def _pairs(each: Instruction) -> Iterator[tuple[str, str]]:
    if "=" not in each.value:
        name, _, value = each.value.strip().partition(" ")
        yield name, value
        return
    yield from _PAIR.findall(each.value)
