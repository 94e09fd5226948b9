"""The commands that a deployment starts: of images, Procfiles, units and compose files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rules.facts.operations import is_for_development
from rules.kit import DataFile, Dockerfile

FILES = (
    "Procfile*", "*/Procfile*", "*.service", "*compose*.yml", "*compose*.yaml", "*stack*.yml",
    "supervisord.conf", "*/supervisor*.conf",
)  # fmt: skip
_PRODUCTION = re.compile(
    r"(?i)(^|[/._-])(prod|production|deploy|deployment|staging|stack|swarm|live)([/._-]|$)"
)
_STAGE = re.compile(
    r"(?i)(^|[-_])(dev|devel|development|test|tests|testing|ci|local|debug|lint)([-_]|$)"
)


@dataclass(frozen=True)
class Command:
    """A command line with its lines in the file, 1-based."""

    text: str
    line: int
    end_line: int


def of_image(docker: Dockerfile) -> Iterator[Command]:
    """What the image runs that is deployed: the last stage that is not named for development."""
    stages = [each for each in docker.stages if not _STAGE.search(each.name or "")]
    if not stages or is_for_development(docker.path):
        return
    for key in ("ENTRYPOINT", "CMD"):
        given = [each for one in docker.chain(stages[-1])[::-1] for each in one.of(key)]
        if given and given[-1] in stages[-1].instructions:
            last = given[-1]
            yield Command(" ".join(last.words), last.line, last.end_line)


def is_production(path: str) -> bool:
    """Whether the name of a compose file says that it is what runs in production."""
    return bool(_PRODUCTION.search(path)) and not is_for_development(path)


def of_file(file: DataFile) -> Iterator[Command]:
    """What a Procfile, a unit or a compose file for production starts."""
    if is_for_development(file.path):
        return
    for path, value in file.walk():
        key = str(path[-1])
        if not isinstance(value.data, str | list):
            continue
        fits = (
            file.kind == "procfile"
            or (file.kind == "unit" and key == "ExecStart")
            or (file.kind == "ini" and key == "command" and "program:" in str(path[0]))
            or (
                file.kind == "yaml"
                and is_production(file.path)
                and key in ("command", "entrypoint")
                and len(path) == 3
                and path[0] == "services"
            )
        )
        if fits:
            data = value.data
            text = data if isinstance(data, str) else " ".join(str(each) for each in data)
            yield Command(text, value.line, value.span.end_line)
