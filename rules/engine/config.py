"""The configuration of a repository: `.stet.toml` or `[tool.stet]`, TOML only."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

SeverityName = Literal["notice", "warning", "error"]
Count = Annotated[int, Meta(ge=0, le=1000)]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table of the file. Unknown keys are errors: a typing mistake must not pass silently."""


class ReviewConfig(Section, frozen=True):
    on: tuple[str, ...] = ("opened", "reopened", "synchronize", "ready_for_review")
    drafts: Literal["off", "check-only", "full"] = "check-only"
    scope: Literal["introduced", "added-lines", "changed-files"] = "introduced"
    max_inline: Count = 10
    max_file_level: Count = 3
    group_after: Count = 3
    inline_min: SeverityName = "warning"
    confidence: Literal["proven", "all"] = "proven"
    skip_authors: tuple[str, ...] = ("*[bot]",)
    base_branches: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    extend_exclude: tuple[str, ...] = ()
    on_fixed: Literal["auto", "delete", "edit", "resolve"] = "auto"


class CheckConfig(Section, frozen=True):
    name: Annotated[str, Meta(min_length=1, max_length=100)] = "Stet"
    fail_on: Literal["error", "warning", "never"] = "error"
    on_error: Literal["neutral", "failure"] = "neutral"
    annotations: Literal["none", "uncommented", "all"] = "uncommented"


class RulesConfig(Section, frozen=True):
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    extend_ignore: tuple[str, ...] = ()
    defer_to_linters: bool = True
    severity: dict[str, SeverityName] = {}
    options: dict[str, dict[str, Any]] = {}


class PerFile(Section, frozen=True):
    ignore: tuple[str, ...] = ()


class SuppressionsConfig(Section, frozen=True):
    require_reason: bool = True
    max_days: Annotated[int, Meta(ge=0)] = 180
    report_unused: bool = True
    honor_noqa: bool = False


class CommandsConfig(Section, frozen=True):
    authors_may_ignore: bool = False


class Config(Section, frozen=True):
    """All settings of a review; every one has a default."""

    version: Literal[1] = 1
    profile: Literal["quiet", "default", "strict"] = "default"
    extends: Literal["org", "none"] = "org"
    python: str = ""
    frameworks: tuple[str, ...] = ()
    review: ReviewConfig = ReviewConfig()
    check: CheckConfig = CheckConfig()
    rules: RulesConfig = RulesConfig()
    per_file: dict[str, PerFile] = {}
    suppressions: SuppressionsConfig = SuppressionsConfig()
    commands: CommandsConfig = CommandsConfig()

    @classmethod
    def default(cls) -> Config:
        return cls()


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """What is wrong with a configuration file, where, and what would be right."""

    path: str
    line: int
    message: str


class ConfigError(ValueError):
    """A configuration that cannot be used. Its problems are meant for its author."""

    def __init__(self, *problems: ConfigProblem) -> None:
        super().__init__("; ".join(f"{p.path}:{p.line}: {p.message}" for p in problems))
        self.problems = problems


_RULE_TABLE = re.compile(r"^[A-Z]{3}\d{3}$")
_MAX_BYTES = 64 * 1024


def parse(text: str, path: str, table: tuple[str, ...] = ()) -> Config:
    """Read TOML. `table` names the part of the file that is meant, such as ("tool", "stet").

    Raises ConfigError with the line and, for a misspelt key, the nearest known one.
    """
    if len(text) > _MAX_BYTES:
        raise ConfigError(ConfigProblem(path, 1, "longer than 64 kB; a configuration is short"))
    try:
        data: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        line = re.search(r"at line (\d+)", str(problem))
        message = f"not valid TOML: {problem}"
        raise ConfigError(ConfigProblem(path, int(line[1]) if line else 1, message)) from None
    for key in table:
        data = data.get(key, {}) if isinstance(data, dict) else {}
    if not isinstance(data, dict):
        raise ConfigError(ConfigProblem(path, 1, f"`{'.'.join(table)}` must be a table"))
    try:
        return msgspec.convert(_with_options(data), Config)
    except msgspec.ValidationError as problem:
        raise ConfigError(_explain(str(problem), text, path)) from None


def _with_options(data: Mapping[str, Any]) -> dict[str, Any]:
    """`[rules.QLT110]` tables become `rules.options`."""
    rules = data.get("rules")
    if not isinstance(rules, dict):
        return dict(data)
    options = {key: value for key, value in rules.items() if _RULE_TABLE.match(key)}
    rest = {key: value for key, value in rules.items() if key not in options}
    return {**data, "rules": {**rest, "options": options}}


def _explain(message: str, text: str, path: str) -> ConfigProblem:
    unknown = re.search(r"unknown field `([^`]+)`", message)
    where = re.search(r"at `\$\.?([^`]*)`", message)
    place = where[1] if where else ""
    if unknown:
        near = get_close_matches(unknown[1], _known_keys(), n=1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        return ConfigProblem(path, _line_of(text, unknown[1]), f"unknown key `{unknown[1]}`{hint}")
    key = re.split(r"[.\[]", place)[-1].rstrip("]") or place
    plain = message.partition(" - at ")[0]
    key = next((part for part in reversed(place.split(".")) if "[" not in part), key)
    return ConfigProblem(path, _line_of(text, key), f"`{place}`: {plain}")


def _known_keys() -> list[str]:
    sections = (Config, *(type(getattr(Config(), name)) for name in Config.__struct_fields__))
    return sorted(
        {key for each in sections for key in getattr(each, "__struct_fields__", ())} - {"options"}
    )


def _line_of(text: str, key: str) -> int:
    for number, line in enumerate(text.splitlines(), start=1):
        if re.match(rf"\s*\[?.*\b{re.escape(key)}\b", line):
            return number
    return 1


def from_files(stet_toml: bytes | None, pyproject: bytes | None) -> Config:
    """The configuration of a tree: `.stet.toml` wins over `[tool.stet]`; neither means defaults."""
    if stet_toml is not None:
        return parse(_text(stet_toml, ".stet.toml"), ".stet.toml")
    if pyproject is not None and b"tool.stet" in pyproject:
        return parse(_text(pyproject, "pyproject.toml"), "pyproject.toml", ("tool", "stet"))
    return Config.default()


def _text(data: bytes, path: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError(ConfigProblem(path, 1, "not UTF-8; TOML must be")) from None
