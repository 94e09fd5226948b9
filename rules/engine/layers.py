"""Configuration in layers: the organisation's, the repository's, and that of single folders.

Each layer is held to the format by itself, so that a mistake is told where it stands; then
tables are merged key by key. Lists take the place of lists, `extend_…` lists add up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from rules.engine.config import (
    Config,
    ConfigError,
    ConfigProblem,
    Found,
    PerFile,
    Section,
    converted,
    decoded,
    found_in,
    line_with,
    pattern_problems,
    table_of,
)
from rules.engine.patterns import unused

ORG_FILE = "stet.toml"
MOST_FOLDERS = 50
_SPECIAL = re.compile(r"([\\*?\[\]!# ])")


class FolderRules(Section, frozen=True):
    """The rules of a folder."""

    ignore: Annotated[tuple[str, ...], Meta(description="The rules that are off here.")] = ()
    extend_ignore: Annotated[tuple[str, ...], Meta(description="Further rules that are off.")] = ()


class FolderConfig(Section, frozen=True):
    """A `.stet.toml` below the root: it can leave things out, and nothing else."""

    rules: FolderRules = FolderRules()
    exclude: Annotated[
        tuple[str, ...],
        Meta(description="Files that are not reviewed, as patterns of `.gitignore` from here on."),
    ] = ()


@dataclass(frozen=True, slots=True)
class Layered:
    """What holds, the names of the layers that it comes from, and what is wrong with others."""

    config: Config
    layers: tuple[str, ...] = ()
    problems: tuple[ConfigProblem, ...] = ()


def layered(org: bytes | None, stet_toml: bytes | None, pyproject: bytes | None) -> Layered:
    """The organisation's layer under the repository's; one with a mistake is left out."""
    own, own_problems = _usable(lambda: found_in(stet_toml, pyproject))
    wants_org = own is None or own.config.extends == "org"
    above, org_problems = _usable(lambda: _organisation(org) if wants_org else None)
    layers = [each for each in (above, own) if each is not None]
    data: dict[str, Any] = {}
    for layer in layers:
        data = merged(data, layer.data)
    config = converted(data, layers[-1].text, layers[-1].path, Config) if layers else Config()
    idle = [p for each in layers for p in pattern_problems(each.config, each.text, each.path)]
    problems = (*own_problems, *org_problems, *idle)
    return Layered(config, tuple(each.path for each in layers), problems)


def _organisation(data: bytes | None) -> Found | None:
    if data is None:
        return None
    text = decoded(data, ORG_FILE)
    return Found(ORG_FILE, text, table_of(text, ORG_FILE))


def _usable(find: Callable[[], Found | None]) -> tuple[Found | None, tuple[ConfigProblem, ...]]:
    try:
        found = find()
        if found is not None:
            _ = found.config
    except ConfigError as error:
        return None, error.problems
    return found, ()


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Both tables in one; `above` has the last word."""
    found = dict(below)
    for key, value in above.items():
        old = below.get(key)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            found[key] = merged(old, value)
        elif key.startswith("extend_") and isinstance(value, list) and isinstance(old, list):
            found[key] = [*old, *value]
        else:
            found[key] = value
    return found


def with_folders(config: Config, files: Mapping[str, bytes]) -> Config:
    """The configuration with what folders say of themselves. Raises ConfigError.

    `files` are the `.stet.toml` below the root, by path.
    """
    exclude, per_file = list(config.review.extend_exclude), dict(config.per_file)
    for each in _folders(files):
        here, given = each.here, each.given
        exclude += [_below(here, pattern) for pattern in given.exclude]
        codes = (*given.rules.ignore, *given.rules.extend_ignore)
        if codes:
            known = per_file.get(f"{here}/**", PerFile())
            per_file[f"{here}/**"] = PerFile(ignore=(*known.ignore, *codes))
    review = msgspec.structs.replace(config.review, extend_exclude=tuple(exclude))
    return msgspec.structs.replace(config, review=review, per_file=per_file)


def folder_problems(files: Mapping[str, bytes]) -> tuple[ConfigProblem, ...]:
    """The patterns of folders that match nothing. Raises ConfigError as `with_folders`."""
    found = []
    for each in _folders(files):
        written = {_below(each.here, pattern): pattern for pattern in each.given.exclude}
        for full, words in unused([*written]):
            found.append(ConfigProblem(each.path, line_with(each.text, written[full]), words))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Folder:
    path: str
    text: str
    here: str
    given: FolderConfig


def _folders(files: Mapping[str, bytes]) -> Iterator[_Folder]:
    for path, data in sorted(files.items())[:MOST_FOLDERS]:
        folder = path.rpartition("/")[0]
        if folder:
            text = decoded(data, path)
            given = converted(table_of(text, path), text, path, FolderConfig)
            yield _Folder(path, text, "/" + _SPECIAL.sub(r"\\\1", folder), given)


def _below(folder: str, pattern: str) -> str:
    """A pattern of a folder's own `.gitignore`, as the root's would say it."""
    negated = "!" if pattern.startswith("!") else ""
    bare = pattern.removeprefix("!")
    anchored = "/" in bare.rstrip("/")
    return f"{negated}{folder}/{'' if anchored else '**/'}{bare.removeprefix('/')}"
