"""The configuration of a repository: `.stet.toml` or `[tool.stet]`, TOML only."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from rules.engine.patterns import unused

SeverityName = Literal["notice", "warning", "error"]
FrameworkName = Literal[
    "django", "drf", "ninja", "flask", "fastapi", "starlette", "sqlalchemy", "pydantic"
]
Count = Annotated[int, Meta(ge=0, le=1000)]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table of the file. Unknown keys are errors: a typing mistake must not pass silently."""


class ReviewConfig(Section, frozen=True):
    """What is reviewed, and how much of it is said in the pull request."""

    on: Annotated[
        tuple[Literal["opened", "reopened", "synchronize", "ready_for_review"], ...],
        Meta(
            description="The actions on a pull request that start a review. `/stet review` and the button of the check always do."
        ),
    ] = ("opened", "reopened", "synchronize", "ready_for_review")
    drafts: Annotated[
        Literal["off", "check-only", "full"],
        Meta(
            description="What a draft gets: nothing, the check run without comments, or all of it."
        ),
    ] = "check-only"
    scope: Annotated[
        Literal["introduced", "added-lines", "changed-files"],
        Meta(
            description="Which findings count: those that the change introduces, wherever they stand; of these, only those on added lines; or everything in the changed files."
        ),
    ] = "introduced"
    max_inline: Annotated[
        Count,
        Meta(
            description="The most comments on lines in one review. The rest stands in the check run."
        ),
    ] = 10
    max_file_level: Annotated[
        Count,
        Meta(
            description="The most comments on whole files, for what no line of the diff can carry."
        ),
    ] = 3
    group_after: Annotated[
        Count,
        Meta(
            description="From how many findings of one rule on, further ones are folded into its first comment."
        ),
    ] = 3
    inline_min: Annotated[
        SeverityName,
        Meta(
            description="The least severity that is worth a comment. What is below stands in the check run."
        ),
    ] = "warning"
    confidence: Annotated[
        Literal["proven", "all"],
        Meta(
            description="`proven`: only what a rule can prove. `all`: also the places that a person should look at."
        ),
    ] = "proven"
    skip_authors: Annotated[
        tuple[str, ...],
        Meta(description="Logins whose pull requests are not reviewed; `*` stands for any text."),
    ] = ("*[bot]",)
    base_branches: Annotated[
        tuple[str, ...],
        Meta(
            description="The branches into which pull requests are reviewed; `*` stands for any text."
        ),
    ] = ("*",)
    exclude: Annotated[
        tuple[str, ...],
        Meta(description="Files that are not reviewed, as patterns of `.gitignore`."),
    ] = ()
    extend_exclude: Annotated[
        tuple[str, ...],
        Meta(description="Further patterns, added to `exclude` and not put in its place."),
    ] = ()
    on_fixed: Annotated[
        Literal["auto", "delete", "edit", "resolve"],
        Meta(
            description="What happens to a comment whose finding is gone. `auto`: resolved where the App may, else deleted if nobody answered, else struck through."
        ),
    ] = "auto"


class CheckConfig(Section, frozen=True):
    """The check run beside the pull request, and the exit code of the command line."""

    name: Annotated[
        str,
        Meta(
            min_length=1, max_length=100, description="Its name, which branch protection refers to."
        ),
    ] = "Stet"
    fail_on: Annotated[
        Literal["error", "warning", "notice", "never"],
        Meta(description="The least severity that fails the check, and makes `stet` exit with 1."),
    ] = "error"
    on_error: Annotated[
        Literal["neutral", "failure"],
        Meta(description="How the check concludes when Stet itself could not do its work."),
    ] = "neutral"
    annotations: Annotated[
        Literal["none", "uncommented", "all"],
        Meta(
            description="Which findings the check run marks in the diff: none, those without a comment, or all."
        ),
    ] = "uncommented"


class RulesConfig(Section, frozen=True):
    """Which rules speak, and how loud. Rules are meant by code, by name or by the start of a code."""

    select: Annotated[
        tuple[str, ...],
        Meta(
            description="The rules that are on. Empty: those of the profile. `ALL`, or a code in full, also turns on what is not in it."
        ),
    ] = ()
    ignore: Annotated[tuple[str, ...], Meta(description="The rules that are off.")] = ()
    extend_ignore: Annotated[
        tuple[str, ...],
        Meta(description="Further rules that are off, added to `ignore` and not put in its place."),
    ] = ()
    keep: Annotated[
        tuple[str, ...],
        Meta(
            description="Rules, by code, that go on to comment however often people here dismiss them."
        ),
    ] = ()
    defer_to_linters: Annotated[
        bool,
        Meta(
            description="Leave a rule to ruff, bandit, pylint or flake8 where the repository runs their equivalent."
        ),
    ] = True
    severity: Annotated[
        dict[str, SeverityName],
        Meta(description="Another severity for a rule, by its code."),
    ] = {}
    options: Annotated[
        dict[str, dict[str, Any]],
        Meta(
            description="The options of a rule, by its code; `[rules.CODE]` is the usual way to write it."
        ),
    ] = {}


class PerFile(Section, frozen=True):
    """What holds for the files of one pattern."""

    ignore: Annotated[
        tuple[str, ...], Meta(description="The rules that are off in these files.")
    ] = ()


class SuppressionsConfig(Section, frozen=True):
    """Comments in the code that silence a rule: `# stet: ignore[CODE] reason (until=DATE)`."""

    require_reason: Annotated[bool, Meta(description="Report those that give no reason.")] = True
    max_days: Annotated[
        int,
        Meta(ge=0, description="The most days that an `until` may lie ahead; 0 for any number."),
    ] = 180
    report_unused: Annotated[
        bool, Meta(description="Report those that silence nothing any more.")
    ] = True
    honor_noqa: Annotated[
        bool,
        Meta(
            description="Let `# noqa: CODE` silence Stet too, with a code of Stet or of a linter that a rule names as its peer."
        ),
    ] = False


class CommandsConfig(Section, frozen=True):
    """Who may give orders in comments (`/stet ...`)."""

    authors_may_ignore: Annotated[
        bool,
        Meta(
            description="Let authors dismiss findings on their own pull requests without write access."
        ),
    ] = False


class Config(Section, frozen=True):
    """All settings of a review; every one has a default."""

    version: Annotated[Literal[1], Meta(description="The version of this format.")] = 1
    profile: Annotated[
        Literal["quiet", "default", "strict"],
        Meta(
            description="Which rules are on where `rules.select` names none. `default`: those that were right in at least 80 of 100 cases read. `quiet`: of these the errors, and warnings that were right in at least 90. `strict`: every rule, those of taste too. The page of each rule names its profile."
        ),
    ] = "default"
    extends: Annotated[
        Literal["org", "none"],
        Meta(
            description="Whether the organisation's `stet.toml` in its `.github` repository holds here too. The App must be installed on it."
        ),
    ] = "org"
    python: Annotated[
        str,
        Meta(
            pattern=r"^$|^3\.\d{1,2}$",
            description="The oldest Python that the project runs on, such as `3.12`: no fix uses what came later. Empty: as the project declares it, in `requires-python` and the like.",
        ),
    ] = ""
    frameworks: Annotated[
        tuple[FrameworkName, ...],
        Meta(
            description="The frameworks that the project uses: rules about others are off. Empty: each rule looks whether it finds its own, and the check names those in the dependencies."
        ),
    ] = ()
    review: ReviewConfig = ReviewConfig()
    check: CheckConfig = CheckConfig()
    rules: RulesConfig = RulesConfig()
    per_file: Annotated[
        dict[str, PerFile],
        Meta(description="What holds for the files that a pattern of `.gitignore` means."),
    ] = {}
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


C = TypeVar("C", bound=Section)


def table_of(text: str, path: str, table: tuple[str, ...] = ()) -> dict[str, Any]:
    """The part of a TOML file that is meant, such as ("tool", "stet"). Raises ConfigError."""
    if len(text) > _MAX_BYTES:
        raise ConfigError(ConfigProblem(path, 1, "longer than 64 kB; a configuration is short"))
    try:
        data: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        line = re.search(r"at line (\d+)", str(problem))
        message = f"not valid TOML: {problem}"
        raise ConfigError(ConfigProblem(path, int(line[1]) if line else 1, message)) from None
    except (ValueError, RecursionError):
        raise ConfigError(ConfigProblem(path, 1, "not valid TOML")) from None
    for key in table:
        data = data.get(key, {}) if isinstance(data, dict) else {}
    if not isinstance(data, dict):
        raise ConfigError(ConfigProblem(path, 1, f"`{'.'.join(table)}` must be a table"))
    return data


def converted(data: Mapping[str, Any], text: str, path: str, kind: type[C]) -> C:
    """A table as settings. Raises ConfigError with the line and the nearest known key."""
    try:
        return msgspec.convert(_with_options(data) if kind is Config else data, kind)
    except msgspec.ValidationError as problem:
        raise ConfigError(_explain(str(problem), text, path)) from None


def parse(text: str, path: str, table: tuple[str, ...] = ()) -> Config:
    """Read TOML. `table` names the part of the file that is meant, such as ("tool", "stet").

    Raises ConfigError with the line and, for a misspelt key, the nearest known one.
    """
    return converted(table_of(text, path, table), text, path, Config)


def pattern_problems(config: Config, text: str, path: str) -> tuple[ConfigProblem, ...]:
    """The patterns of a file that match nothing. All else in it holds."""
    review = config.review
    lists = ([*review.exclude, *review.extend_exclude], [*config.per_file])
    return tuple(
        ConfigProblem(path, line_with(text, pattern), words)
        for each in lists
        for pattern, words in unused(each)
    )


def line_with(text: str, pattern: str) -> int:
    """Where a pattern stands, as it is or with its backslashes doubled; 1 if not on one line."""
    spellings = (pattern, pattern.replace("\\", "\\\\"))
    for number, line in enumerate(text.splitlines(), start=1):
        if any(each in line for each in spellings):
            return number
    return 1


def _with_options(data: Mapping[str, Any]) -> dict[str, Any]:
    """`[rules.QLT110]` tables become `rules.options`."""
    rules = data.get("rules")
    if not isinstance(rules, dict):
        return dict(data)
    options = {key: value for key, value in rules.items() if _RULE_TABLE.match(key)}
    rest = {key: value for key, value in rules.items() if key not in options}
    if "options" in rest:  # where they are kept, not how they are written
        raise msgspec.ValidationError("Object contains unknown field `options` - at `$.rules`")
    return {**data, "rules": {**rest, "options": options}}


def _explain(message: str, text: str, path: str) -> ConfigProblem:
    unknown = re.search(r"unknown field `([^`]+)`", message)
    where = re.search(r"at `\$\.?([^`]*)`", message)
    place = where[1] if where else ""
    if unknown:
        near = get_close_matches(unknown[1], _known_keys(), n=1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        return ConfigProblem(path, _line_of(text, unknown[1]), f"unknown key `{unknown[1]}`{hint}")
    key = re.sub(r"\[[^\]]*\]", "", place).rpartition(".")[2] or place
    plain = message.partition(" - at ")[0]
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


@dataclass(frozen=True, slots=True)
class Found:
    """The part of a file that is Stet's configuration."""

    path: str
    text: str
    data: dict[str, Any]

    @property
    def config(self) -> Config:
        """Raises ConfigError."""
        return converted(self.data, self.text, self.path, Config)


def found_in(stet_toml: bytes | None, pyproject: bytes | None) -> Found | None:
    """`.stet.toml` wins over `[tool.stet]`; None where neither is there. Raises ConfigError."""
    if stet_toml is not None:
        text = decoded(stet_toml, ".stet.toml")
        return Found(".stet.toml", text, table_of(text, ".stet.toml"))
    if pyproject is not None and b"tool.stet" in pyproject:
        text = decoded(pyproject, "pyproject.toml")
        data = table_of(text, "pyproject.toml", ("tool", "stet"))
        return Found("pyproject.toml", text, data) if data else None
    return None


def from_files(stet_toml: bytes | None, pyproject: bytes | None) -> Config:
    """The configuration of a tree: `.stet.toml` wins over `[tool.stet]`; neither means defaults."""
    found = found_in(stet_toml, pyproject)
    return found.config if found else Config.default()


def decoded(data: bytes, path: str) -> str:
    """The text of a configuration file. Raises ConfigError."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError(ConfigProblem(path, 1, "not UTF-8; TOML must be")) from None
