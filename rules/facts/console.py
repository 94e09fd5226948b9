"""Whom a module talks to: the users of a server, or a person at a terminal."""

from __future__ import annotations

import re

import libcst as cst

from rules.kit import Here, dotted, find, paths, walk_own

_FRAMEWORKS = frozenset(
    {"django", "rest_framework", "ninja", "fastapi", "starlette", "flask", "sqlalchemy", "celery"}
    | {"graphene", "strawberry", "pyramid", "sanic", "tornado", "litestar", "quart", "falcon"}
    | {"dramatiq", "rq", "huey", "arq", "channels", "ariadne", "tortoise", "peewee", "sqlmodel"}
    | {"flask_login", "flask_restful", "flask_sqlalchemy", "django_filters", "graphene_django"}
    | {"procrastinate", "taskiq", "mongoengine", "beanie", "motor", "wtforms", "marshmallow"}
)
_COMMAND_LINE = frozenset(
    {"argparse", "click", "typer", "optparse", "fire", "docopt", "cmd", "getopt", "cleo", "invoke"}
    | {"fabric", "tqdm", "rich_click", "asyncclick", "plumbum", "prompt_toolkit", "cyclopts"}
    | {"curses", "getpass", "questionary", "nox"}
)
_APP_FILES = ("apps.py", "models.py", "views.py", "urls.py", "wsgi.py", "asgi.py", "endpoints.py")
_TALKERS = re.compile(
    r"^_*(main|cli|usage|help|handle|run_from_argv|print|pprint|dump|show|display|report|emit)(_|$)"
    r"|_(cli|command|report|to_console|to_stdout)$|^(__main__|__repr__|__str__)$"
)
_TALKING_CLASSES = re.compile(r"Command|Console|Print|Stdout|Terminal|Shell|Repl|Progress|Cli")
_EXITS = frozenset({"exit", "sys.exit", "quit", "os._exit"})
_GUARDS = re.compile(
    r"\b(verbose|verbosity|debug|quiet|interactive|dry_?run|isatty)\b", re.IGNORECASE
)
_STARTERS = re.compile(
    r"^((create|make|build)_app(lication)?|lifespan|startup|on_startup|bootstrap)$"
    r"|^(init|startup|bootstrap)_(?!_)"
)
_SETTINGS = re.compile(r"(^|/)(settings|config|conf)(/|[^/]*\.py$)|(^|/)gunicorn[^/]*\.py$")


def is_run_by_hand(here: Here) -> bool:
    """Scripts, commands and what a dotted folder holds for tools.

    `tasks.py` in a package holds the tasks of a queue, not those of a person.
    """
    if here.path.startswith(".") or "/." in here.path:
        return True
    folder, _, name = here.path.rpartition("/")
    if name == "tasks.py" and folder:
        return paths.is_script(f"{folder}/module.py")
    return here.is_script


def is_terminal_program(here: Here) -> bool:
    """Started by hand: a shebang, a main block, a library for command lines, an end of its own."""
    return here.kept(_is_terminal_program)


def _is_terminal_program(here: Here) -> bool:
    if here.module is None:
        return False
    header = here.module.header
    if header and header[0].comment and header[0].comment.value.startswith("#!"):
        return True
    return bool(_imported(here) & _COMMAND_LINE) or any(
        (isinstance(each, cst.If) and _tests_main(each)) or _ends_the_process(each)
        for each in here.module.body
    )


def _tests_main(statement: cst.If) -> bool:
    return any(name.value == "__name__" for name in find(statement.test, cst.Name))


def _ends_the_process(statement: cst.CSTNode) -> bool:
    """A module that exits while it is loaded is nothing that others import."""
    if isinstance(statement, cst.FunctionDef | cst.ClassDef | cst.Try):
        return False
    calls = (each for each in walk_own(statement) if isinstance(each, cst.Call))
    return any(dotted(each.func) in _EXITS for each in calls)


def _imported(here: Here) -> frozenset[str]:
    """The first parts of what the module imports at its top."""
    found = set()
    for line in here.module.body if here.module is not None else ():
        for each in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            if isinstance(each, cst.Import):
                found |= {dotted(alias.name).partition(".")[0] for alias in each.names}
            elif isinstance(each, cst.ImportFrom) and not each.relative:
                found.add(dotted(each.module).partition(".")[0])
                if dotted(each.module) == "django.core.management.base":
                    found.add("cmd")
    return frozenset(found)


def talks(call: cst.Call, here: Here) -> bool:
    """Whether the function or class around is there to print."""
    function, owner = here.function(call), here.around(call, cst.ClassDef)
    if function is not None and _TALKERS.search(function.name.value):
        return True
    return owner is not None and bool(_TALKING_CLASSES.search(owner.name.value))


def is_application(here: Here) -> bool:
    """Whether the module surely runs in a server or a queue's worker."""
    return here.kept(_is_application)


def _is_application(here: Here) -> bool:
    if _SETTINGS.search(here.path):
        return False
    if _imported(here) & _FRAMEWORKS:
        return True
    folder = here.path.rpartition("/")[0]
    while folder:
        if any(f"{folder}/{name}" in here.project.paths for name in _APP_FILES):
            return True
        folder = folder.rpartition("/")[0]
    return False


def is_at_start(call: cst.Call, here: Here) -> bool:
    """Whether this runs while the server starts, before the eyes of whoever starts it."""
    function = here.function(call)
    return function is not None and bool(_STARTERS.search(function.name.value))


def is_guarded(call: cst.Call, here: Here) -> bool:
    """Whether a switch for talkative runs is around the call."""
    around = here.around(call, cst.If)
    while around is not None:
        if _GUARDS.search(here.source(around.test)):
            return True
        around = here.around(around, cst.If)
    return False
