"""The commands, as click knows them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import entry_points
from inspect import cleandoc
from typing import Any

import click

from rules.engine.docs.words import table


def command_sections() -> str:
    """Every command with its arguments and options."""
    # By name, as a shell finds it: the command line stands above the engine.
    (entry,) = entry_points(group="console_scripts", name="stet")
    main = entry.load()
    with click.Context(main, info_name="stet") as context:
        found = [(name, main.get_command(context, name)) for name in main.list_commands(context)]
        own = [each for each in found if _is_own(each[1])]
        others = [each for each in found if not _is_own(each[1])]
        parts = [
            *_sections(context, "For everyone", own),
            *_sections(context, "For operators", others),
        ]
    return "\n".join(parts)


def _is_own(command: click.Command) -> bool:
    return getattr(command.callback, "__module__", "").startswith("rules.")


def _sections(context: click.Context, title: str, commands: list[Any]) -> Iterator[str]:
    yield f"## {title}\n"
    for name, command in commands:
        yield from _section(context, name, command)


def _section(above: click.Context, name: str, command: click.Command) -> Iterator[str]:
    with click.Context(command, info_name=name, parent=above) as context:
        usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
        words = cleandoc(command.help or "")
        text = f"### `{context.command_path}`\n\n{words}\n\n```text\n{usage}\n```\n"
        rows = [_row(each, context) for each in command.params if isinstance(each, click.Option)]
        if rows:
            text += "\n" + table(("Option", "Meaning", "Default"), *rows)
        yield text
        if isinstance(command, click.Group):
            for inner in command.list_commands(context):
                found = command.get_command(context, inner)
                if found is not None:
                    yield from _section(context, inner, found)


def _row(option: click.Option, context: click.Context) -> tuple[str, str, str]:
    names = ", ".join(f"`{each}`" for each in (*option.opts, *option.secondary_opts))
    if not option.is_flag:
        names += f" `{_value(option, context)}`"
    default = option.to_info_dict()["default"]
    plain = default is None or default is False or default == () or "Sentinel" in repr(default)
    return names, option.help or "", "" if plain else f"`{default}`"


def _value(option: click.Option, context: click.Context) -> str:
    if isinstance(option.type, click.Choice):
        return "|".join(option.type.choices)
    if isinstance(option.type, click.types.IntParamType):
        return "N"
    return option.make_metavar(context)
