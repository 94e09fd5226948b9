"""The image runs its process as root.

Without a `USER` the process is root in the container. Whoever breaks into it may change the
code, install tools and reach whatever the host lends it, and one flaw of the kernel is
enough to be root outside too. Give the application a user of its own, and switch to it
before the command.

Bad:
```dockerfile Dockerfile
FROM python:3.12-slim  # flagged
WORKDIR /app
COPY . .
RUN pip install --no-cache-dir -r requirements.txt
CMD ["gunicorn", "shop.wsgi", "--bind", "0.0.0.0:8000"]
```
Good:
```dockerfile Dockerfile
FROM python:3.12-slim
WORKDIR /app
COPY . .
RUN pip install --no-cache-dir -r requirements.txt
RUN useradd --create-home app
USER app
CMD ["gunicorn", "shop.wsgi", "--bind", "0.0.0.0:8000"]
```
Bad: a user is made, and never used.
```dockerfile Dockerfile
FROM python:3.12-alpine  # flagged
RUN addgroup -S shop && adduser -S -G shop shop
COPY . /app
ENTRYPOINT ["python", "/app/main.py"]
```
Good:
```dockerfile Dockerfile
FROM python:3.12-alpine
RUN addgroup -S shop && adduser -S -G shop shop
COPY . /app
USER shop
ENTRYPOINT ["python", "/app/main.py"]
```
Bad: root again, and it stays so.
```dockerfile Dockerfile
FROM python:3.12
RUN useradd shop
USER shop
COPY . /app
USER root  # flagged
RUN apt-get update && apt-get install -y libpq5
CMD ["python", "/app/main.py"]
```
Good:
```dockerfile Dockerfile
FROM python:3.12
RUN useradd shop
USER shop
COPY . /app
USER root
RUN apt-get update && apt-get install -y libpq5
USER shop
CMD ["python", "/app/main.py"]
```
Good: an earlier stage sets the user.
```dockerfile Dockerfile
FROM python:3.12-slim AS base
RUN useradd shop
USER shop

FROM base
COPY . /app
CMD ["python", "/app/main.py"]
```
Good: the base image sets one.
```dockerfile Dockerfile
FROM python:3.12 AS build
RUN pip install --target /deps -r requirements.txt

FROM gcr.io/distroless/python3-debian12:nonroot
COPY --from=build /deps /deps
CMD ["/deps/main.py"]
```
Good: the entry point steps down by itself.
```dockerfile Dockerfile
FROM python:3.12-slim
RUN apt-get update && apt-get install -y gosu
COPY docker/entrypoint.sh /
ENTRYPOINT ["/entrypoint.sh"]
```
```shell docker/entrypoint.sh
#!/bin/sh
chown app /data
exec gosu app "$@"
```
Good: an image for development.
```dockerfile docker/dev/Dockerfile
FROM python:3.12
CMD ["python", "manage.py", "runserver"]
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from posixpath import dirname

from rules.facts.privilege_drops import PrivilegeDrops
from rules.kit import Confidence, Fix, Flag, Here, ReplaceLines, Rule, Severity
from rules.kit.dockerfile import FILES, Dockerfile, Instruction, Stage
from rules.kit.paths import name_of

rule = Rule(
    __name__,
    __doc__,
    code="DEP104",
    severity=Severity.WARNING,
    checklist=("deploy.docker",),
    scope="file",
    fix="suggestion",
    cwe=250,
    peers=("hadolint:DL3002",),
    files=FILES,
)

_NOT_DEPLOYED = re.compile(
    r"(^|[/._-])(dev|devel|develop|development|devcontainer|local|tests?|testing|ci|e2e|debug|build"
    r"|builder|bench|benchmarks?|docs?|lint|examples?|samples?|demo|fixtures|playground|tools?"
    r"|gitpod|codespaces?|vagrant|\.github|\.circleci|cypress|playwright)([/._-]|$)",
    re.IGNORECASE,
)
# Official images that run as root unless told otherwise.
_ROOT = frozenset(
    {"python", "debian", "ubuntu", "alpine", "node", "golang", "ruby", "php", "rust", "pypy"}
    | {"fedora", "centos", "amazonlinux", "rockylinux", "almalinux", "busybox", "openjdk"}
    | {"eclipse-temurin", "amazoncorretto", "buildpack-deps", "perl", "bitwalker/alpine-elixir"}
    | {"continuumio/miniconda3", "continuumio/anaconda3", "ghcr.io/astral-sh/uv", "nvidia/cuda"}
    | {"tiangolo/uvicorn-gunicorn-fastapi", "tiangolo/uvicorn-gunicorn", "tiangolo/uwsgi-nginx"}
    | {"tiangolo/uwsgi-nginx-flask", "tiangolo/meinheld-gunicorn-flask", "phusion/baseimage"}
)
# Images with a user of their own, and Lambda, which does not ask.
_SETS_ONE = re.compile(
    r"unprivileged|^bitnami|^chainguard/|^cgr\.dev/|(^|/)jupyter/|^apache/|^grafana/|^prom/"
    r"|/ubi\d+/python-|^mambaorg/|^selenium/|^jenkins/|/lambda/|^amazon/aws-lambda"
    r"|^(postgres|mysql|mariadb|mongo|redis|valkey|memcached|rabbitmq|elasticsearch)$|/chiseled"
)
_NODE = frozenset({"node"})
_APT = frozenset({"python", "debian", "ubuntu", "ghcr.io/astral-sh/uv"})
_REGISTRIES = ("docker.io/", "index.docker.io/", "library/", "public.ecr.aws/docker/library/")
_TOOL = re.compile(
    r"\b(gosu|su-exec|setpriv|chpst|runuser|s6-setuidgid|setuidgid|fixuid|s6-overlay)\b"
)
_ELSE = re.compile(r"(^|[\s\"'])su[\s\"',]+-?\w|--(uid|user|setuid)\b|\bsudo[\s\"',]+-u\b")
_NEEDS_ROOT = re.compile(r"/root\b|--user\b|:(?:80|443)\b|\bcron\b|\bsshd\b")
_SCRIPT = re.compile(r"\.sh\b|entry-?point|\bstart\b|\brun-")
_CREATES = re.compile(r"\b(?:useradd|adduser)\s+(?P<rest>[^&;|\n]*)")
_VALUED = frozenset(
    {"-u", "-g", "-G", "-d", "-s", "-c", "-h", "-k", "-K", "-e", "-f", "-b", "-p"}
    | {"--uid", "--gid", "--home", "--shell", "--comment", "--ingroup", "--group", "--groups"}
    | {"--home-dir", "--gecos", "--base-dir", "--skel", "--password", "--key"}
)
_NAME = re.compile(r"^[a-z_][a-z0-9_-]*$")


@rule.on(Dockerfile)
def check(docker: Dockerfile, here: Here) -> Iterator[Flag]:
    if _NOT_DEPLOYED.search(docker.path) or _is_action(docker.path, here):
        return
    stage = _deployed(docker.stages)
    chain = docker.chain(stage)
    user = _last_user(chain)
    if user is not None and not _is_root(chain[0].filled(user.value)):
        return
    sure = _runs_as_root(chain[-1], user)
    if sure is None or _steps_down(chain, here):
        return
    where = user if user is not None and user in stage.instructions else stage.instructions[0]
    yield Flag(
        where.line,
        _message(docker.path, stage, where, user, sure=sure),
        fix=_fix(chain, docker),
        confidence=Confidence.PROVEN if sure else Confidence.HOTSPOT,
        identity=f"{stage.name or 'last'} stage",
    )


def _message(
    path: str, stage: Stage, where: Instruction, user: Instruction | None, *, sure: bool
) -> str:
    if user is not None and user is where:
        problem = f"`{where.keyword} {where.value}` is the last word on the user"
    elif user is not None:
        problem = f"The stage `{stage.base}` that this one starts from ends as root"
    else:
        problem = f"No `USER` follows `FROM {stage.base}`"
    doubt = "" if sure else ", unless that image sets one"
    return (
        f"{problem}, so the image of `{name_of(path)}` runs its process as root{doubt}. "
        "Switch to a user of its own before the command."
    )[:300]


def _is_action(path: str, here: Here) -> bool:
    """Container actions of GitHub have to run as root."""
    folder = dirname(path)
    prefix = f"{folder}/" if folder else ""
    return any(f"{prefix}action.{end}" in here.project.paths for end in ("yml", "yaml"))


def _deployed(stages: Sequence[Stage]) -> Stage:
    """The last stage, but for those that only serve development and tests."""
    kept = [each for each in stages if not _NOT_DEPLOYED.search(each.name)]
    return kept[-1] if kept else stages[-1]


def _last_user(chain: Sequence[Stage]) -> Instruction | None:
    return next((each.of("USER")[-1] for each in chain if each.of("USER")), None)


def _is_root(user: str) -> bool:
    return user.strip().strip("\"'").partition(":")[0] in ("root", "0")


def _image(stage: Stage) -> tuple[str, str]:
    """The name of an image without its usual registry, and its tag."""
    name = stage.base.lower().partition("@")[0]
    for each in _REGISTRIES:
        name = name.removeprefix(each)
    head, _, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return (f"{head}/{last}" if head else last), tag


def _runs_as_root(lowest: Stage, user: Instruction | None) -> bool | None:
    """True if it does, False if that depends on an image unknown here, None if it runs nothing."""
    if user is not None:
        return True
    name, tag = _image(lowest)
    if name == "scratch":
        return None if not lowest.of("CMD", "ENTRYPOINT") else True
    if "nonroot" in tag or "rootless" in tag or _SETS_ONE.search(name):
        return None
    return name in _ROOT


def _steps_down(chain: Sequence[Stage], here: Here) -> bool:
    """Whether the start of the container leads to something that changes the user."""
    for stage in chain:
        for each in stage.of("RUN", "CMD", "ENTRYPOINT"):
            text = " ".join((stage.filled(each.value), *each.heredocs))
            if _TOOL.search(text) or (each.keyword != "RUN" and _ELSE.search(text)):
                return True
    started = " ".join(
        each.value for stage in chain for each in stage.of("CMD", "ENTRYPOINT", "COPY", "ADD")
    )
    drops: PrivilegeDrops = here.project.facts(PrivilegeDrops)
    if "supervisord" in started and any("supervisor" in name for name in drops.names):
        return True
    return any(re.search(rf"(^|[/\"'\s]){re.escape(name)}\b", started) for name in drops.names)


def _fix(chain: Sequence[Stage], docker: Dockerfile) -> Fix | None:
    """The missing `USER` before the command, where a user is there or is easily made."""
    stage = chain[0]
    commands = stage.of("CMD", "ENTRYPOINT")
    if not commands:
        return None
    last = commands[0]
    if any(each.line > last.line for each in stage.of("RUN", "COPY", "ADD", "USER")):
        return None
    lines = _switch(chain)
    first = docker.lines[last.line - 1]
    return Fix((ReplaceLines(last.line, last.line, (*lines, first)),)) if lines else None


def _switch(chain: Sequence[Stage]) -> tuple[str, ...]:
    text = "\n".join(each.value for stage in chain for each in stage.instructions)
    if _NEEDS_ROOT.search(text) or any(
        _is_low(word) for stage in chain for each in stage.of("EXPOSE") for word in each.words
    ):
        return ()
    earlier = [each.value for stage in chain for each in stage.of("USER")]
    others = [each for each in earlier if not _is_root(each)]
    if others:
        return (f"USER {others[0]}",)
    made = _created(chain)
    if made:
        return (f"USER {made}",)
    if any(_SCRIPT.search(each.value) for each in chain[0].of("CMD", "ENTRYPOINT")):
        return ()  # nobody here knows what it writes
    name, tag = _image(chain[-1])
    if name in _NODE:
        return ("USER node",)
    if name == "alpine" or ("alpine" in tag and name in _ROOT):
        return ("RUN adduser -D app", "USER app")
    if name in _APT and "windows" not in tag:
        return ("RUN useradd --create-home app", "USER app")
    return ()


def _is_low(word: str) -> bool:
    port = word.partition("/")[0]
    return not port.isdecimal() or int(port) < 1024


def _created(chain: Sequence[Stage]) -> str:
    """The user that a stage makes, if its name can be told."""
    for stage in chain:
        for each in reversed(stage.of("RUN")):
            text = "\n".join((stage.filled(each.value), *each.heredocs))
            for made in _CREATES.finditer(text):
                name = _name_in(made["rest"].split())
                if name:
                    return name
    return ""


def _name_in(words: Sequence[str]) -> str:
    free = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in _VALUED or (re.fullmatch(r"-[a-zA-Z]+", word) and f"-{word[-1]}" in _VALUED):
            skip = True
        elif not word.startswith("-"):
            free.append(word)
    return free[0] if free and _NAME.match(free[0]) else ""
