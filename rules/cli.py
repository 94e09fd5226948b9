"""The `stet` command: check, review, explain, rules, checklist, config, init, new.

Commands of the server and of the stand-in join through the entry-point group
`stet.commands`, so that nothing here imports them.
"""

from __future__ import annotations

import gc
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

FORMATS = ("text", "json", "sarif", "rdjson", "github", "markdown")
_EXTRA = {"serve": "server", "work": "server", "up": "server", "queue": "server",
          "sandbox": "sandbox", "demo": "server,sandbox"}  # fmt: skip
_RECURSION = 10_000
# What a command loads it keeps: to look through it for garbage again and again costs a sixteenth of a start.
_OBJECTS_LOADED = 1_000_000


class Misuse(click.ClickException):
    """Said in one line on stderr; exit code 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(f"stet: {self.message}", file=file, err=file is None)


class _Commands(click.Group):
    """Finds the commands of the other packages when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from importlib.metadata import entry_points

        joined = {each.name for each in entry_points(group="stet.commands")}
        return sorted({*super().list_commands(ctx), *joined})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        from importlib.metadata import entry_points

        for each in entry_points(group="stet.commands", name=cmd_name):
            try:
                found = each.load()
            except ImportError as problem:
                extra = _EXTRA.get(cmd_name, "server")
                raise Misuse(
                    f"`stet {cmd_name}` needs more packages ({problem.name} is missing): "
                    f"pip install 'stet-review[{extra}]'"
                ) from None
            if isinstance(found, click.Command):
                return found
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = []
        for name in self.list_commands(ctx):
            try:
                command = self.get_command(ctx, name)
                words = command.get_short_help_str(60) if command is not None else ""
            except Misuse:
                words = f"(needs stet-review[{_EXTRA.get(name, 'server')}])"
            rows.append((name, words))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="stet-review", prog_name="stet")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Stet reviews Python backends against a code-review checklist."""
    sys.setrecursionlimit(_RECURSION)
    if ctx.invoked_subcommand in main.commands:  # not a server, which lives on
        gc.set_threshold(_OBJECTS_LOADED)
        ctx.call_on_close(gc.freeze)  # the interpreter's end need not look for cycles in it all


def _codes(_ctx: click.Context, _param: click.Parameter, values: Sequence[str]) -> tuple[str, ...]:
    from rules.engine.discover import unknown_selectors

    codes = tuple(each.strip() for value in values for each in value.split(",") if each.strip())
    unknown = unknown_selectors(codes)
    if unknown:
        raise Misuse(f"no rule is called `{unknown[0]}`; `stet rules` lists them")
    return codes


def _review_options(function: F) -> F:
    """The options that `check` and `review` share."""
    options = [
        click.option(
            "--format",
            "format_",
            type=click.Choice(FORMATS),
            default="text",
            help="For people, or for another program.",
        ),
        click.option(
            "--output", type=click.Path(path_type=Path), help="Write here, not to stdout."
        ),
        click.option(
            "--select",
            multiple=True,
            callback=_codes,
            help="Codes, prefixes, names or ALL, with commas.",
        ),
        click.option(
            "--ignore",
            multiple=True,
            callback=_codes,
            help="Codes, prefixes or names, with commas.",
        ),
        click.option(
            "--confidence",
            type=click.Choice(["proven", "all"]),
            default=None,
            help="Only what is proven, or also what a person should look at.",
        ),
        click.option(
            "--config",
            "config_file",
            type=click.Path(path_type=Path),
            help="Read this, and no other configuration.",
        ),
        click.option("--isolated", is_flag=True, help="Read no configuration."),
        click.option("--fix", "fix", is_flag=True, help="Apply safe fixes in the work tree."),
        click.option("--exit-zero", is_flag=True, help="Exit 0 also with findings."),
        click.option("--statistics", is_flag=True, help="Count the findings of each rule."),
        click.option("--jobs", type=click.IntRange(1, 64), default=1, help="Processes."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


@main.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@_review_options
def check(paths: tuple[Path, ...], **given: Any) -> None:
    """Review whole files (default: everything below this folder)."""
    from rules.engine import command

    _finish(command.check(paths or (Path(),), command.Options(**given)), given)


@main.command()
@click.option("--repo", type=click.Path(path_type=Path), default=Path(), help="A git repository.")
@click.option("--base", help="Compare with this (default: the default branch).")
@click.option("--head", help="Review this (default: the work tree).")
@_review_options
def review(repo: Path, base: str | None, head: str | None, **given: Any) -> None:
    """Review what a change introduces, as the bot would."""
    from rules.engine import command

    _finish(command.review(repo, base, head, command.Options(**given)), given)


def _finish(outcome: Any, given: dict[str, Any]) -> None:
    if outcome.misuse:
        raise Misuse(outcome.misuse)
    output: Path | None = given["output"]
    if output is not None:
        try:
            output.write_text(outcome.text, "utf-8")
        except OSError as problem:
            raise Misuse(f"cannot write {output}: {problem.strerror}") from None
    else:
        click.echo(outcome.text, nl=False)
    for note in outcome.notes:
        click.echo(f"stet: {note}", err=True)
    sys.exit(0 if given["exit_zero"] else outcome.code)


@main.command()
@click.argument("rule")
def explain(rule: str) -> None:
    """Show the page of a rule, by code or name."""
    from rich.console import Console
    from rich.markdown import Markdown

    from rules.engine.discover import find_rule
    from rules.engine.pages import page

    found = find_rule(rule)
    if found is None:
        raise Misuse(f"no rule is called `{rule}`; `stet rules` lists them")
    text = page(found)
    if sys.stdout.isatty():
        Console().print(Markdown(text))
    else:
        click.echo(text)


@main.command("rules")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json", "markdown"]),
    default="table",
    help="For people, for a program, or for a page.",
)
def rules_command(format_: str) -> None:
    """List the rules."""
    from rules.engine import pages

    click.echo(pages.rules_as(format_), nl=False)


@main.command()
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json"]),
    default="table",
    help="For people, or for a program.",
)
def checklist(format_: str) -> None:
    """List every row of the checklist with its rules and questions."""
    from rules.engine import pages

    click.echo(pages.checklist_as(format_), nl=False)


@main.command()
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    help="Read this, and no other configuration.",
)
@click.option("--isolated", is_flag=True, help="Read no configuration: what are the defaults?")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json"]),
    default="table",
    help="For people, or for a program.",
)
def config(config_file: Path | None, *, isolated: bool, format_: str) -> None:
    """Show every setting that holds here, and where it comes from."""
    from rules.engine import command

    try:
        rows = command.config_rows(Path(), config_file, isolated=isolated)
        notes = () if isolated else command.config_notes(Path(), config_file)
    except command.ConfigError as problem:
        raise Misuse(str(problem)) from None
    for note in notes:
        click.echo(f"stet: {note}", err=True)
    if format_ == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        click.echo(f"{row['key']} = {json.dumps(row['value'])}  # {row['origin']}")


@main.command()
@click.option("--repo", type=click.Path(path_type=Path), default=Path(), help="A git repository.")
@click.option("--yes", is_flag=True, help="Write every file without asking.")
@click.option("--dry-run", is_flag=True, help="Write nothing and ask nothing.")
@click.option(
    "--changes",
    type=click.IntRange(0, 200),
    default=10,
    show_default=True,
    help="How many merged changes to try it on.",
)
@click.option(
    "--package", help="What pip installs elsewhere. Default: this version of stet-review."
)
def init(repo: Path, *, yes: bool, dry_run: bool, changes: int, package: str | None) -> None:  # fmt: skip
    """Bring Stet into a repository: looks, asks, writes; shows what it would have said.

    Proposes a configuration, a workflow and a hook. Nothing that stands already is changed.
    """
    from rules.engine.adopt.command import Talk, adopt
    from rules.engine.git import GitError
    from rules.engine.version import engine_version

    def ask(question: str) -> bool:
        return yes or (not dry_run and sys.stdin.isatty() and click.confirm(question, default=True))

    wanted = package or f"stet-review=={engine_version()}"
    if not re.fullmatch(r"[\w.+\[\],=<>~!@:/-]{1,300}", wanted):
        raise Misuse("--package: pip would not understand that")
    try:
        adopt(repo, wanted, changes, Talk(click.echo, ask))
    except (GitError, OSError) as problem:
        raise Misuse(str(problem)) from None


@main.command()
@click.argument("section")
@click.argument("name")
def new(section: str, name: str) -> None:
    """Write the file of a new rule, ready to be filled in."""
    from rules.engine import scaffold

    try:
        path = scaffold.new_rule(section, name)
    except scaffold.ScaffoldError as problem:
        raise Misuse(str(problem)) from None
    click.echo(f"Wrote {path}")
    click.echo(
        "Next: its Bad and Good, its check, then `make test ARGS=tests/rules/test_examples.py`."
    )


if __name__ == "__main__":
    main()
