"""The graph of migrations: which come after which, and where that does not work out."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from posixpath import dirname

from rules.facts.django_apps import Apps
from rules.facts.migrations import MIGRATIONS, MigrationRecord
from rules.facts.python_modules import Modules
from rules.kit import Project
from rules.kit.paths import is_test

_ANY = frozenset({"__first__", "__latest__"})
Folder = Mapping[str, MigrationRecord]


@dataclass(frozen=True)
class MigrationGraph:
    """Problems of the graph by the file of the migration, in words for its author."""

    problems: Mapping[str, tuple[str, ...]]

    @classmethod
    def gather(cls, project: Project) -> MigrationGraph:
        found: dict[str, list[str]] = defaultdict(list)
        for path, said in (*_django(project), *_alembic(project)):
            found[path].append(said)
        return cls({path: tuple(each) for path, each in found.items()})


def _django(project: Project) -> Iterator[tuple[str, str]]:
    apps: Apps = project.facts(Apps)
    folders: dict[str, dict[str, MigrationRecord]] = defaultdict(dict)
    for path, record in project.records(MIGRATIONS).items():
        if not is_test(path) and not path.endswith("/__init__.py"):
            folders[dirname(path)][path.rpartition("/")[2].removesuffix(".py")] = record
    labels: dict[str, list[str]] = defaultdict(list)
    for app in apps.by_folder.values():
        if app.migrations in folders:
            labels[app.label].append(app.migrations)
    known = {label: folders[each[0]] for label, each in labels.items() if len(each) == 1}
    for label, folder in known.items():
        if any(
            not each.understood and not each.operations and not each.dependencies
            for each in folder.values()
        ):
            continue  # South's, or not migrations at all
        place = labels[label][0]
        for name, said in tuple(_missing(folder, known)) or _leaves(label, folder):
            yield f"{place}/{name}.py", said


def _leaves(label: str, folder: Folder) -> Iterator[tuple[str, str]]:
    """The last migrations, where there are several."""
    instead = {
        name: squash
        for squash, record in folder.items()
        for app, name in record.replaces
        if app == label
    }
    ends, roots = set(folder) - set(instead), set()
    for name, record in folder.items():
        own = [before for app, before in record.dependencies if app == label]
        if not own and name not in instead:
            roots.add(name)
        for each in own:
            ends.discard(each)
            if name not in instead or instead[name] != instead.get(each):
                ends.discard(instead.get(each, each))
    if len(ends) < 2 or len(roots) != 1:
        return  # dependencies that are not written out would make more roots
    for name in sorted(ends):
        others = " and ".join(f"`{each}`" for each in sorted(ends - {name})[:2])
        yield (
            name,
            (
                f"`{name}` and {others} are both the last migration of `{label}`: `migrate` refuses to "
                "run. Let one depend on the other, or run `makemigrations --merge`."
            ),
        )


def _missing(folder: Folder, known: Mapping[str, Folder]) -> Iterator[tuple[str, str]]:
    for name, record in folder.items():
        for app, before in record.dependencies:
            there = known.get(app)
            if there is None or before in there or before in _ANY:
                continue
            if any((app, before) in each.replaces for each in there.values()):
                continue
            yield (
                name,
                (
                    f"`{name}` depends on `{app}.{before}`, and there is no such migration: `migrate` "
                    "stops with `NodeNotFoundError`. Name the one that it comes after."
                ),
            )


@dataclass(frozen=True)
class _Revision:
    path: str
    name: str
    after: tuple[str, ...]


def _alembic(project: Project) -> Iterator[tuple[str, str]]:
    modules: Modules = project.facts(Modules)
    folders: dict[str, list[_Revision]] = defaultdict(list)
    branched: set[str] = set()
    for path, record in modules.by_path.items():
        said = {each.name: each.value for each in record.assignments}
        if "revision" not in said or "down_revision" not in said or is_test(path):
            continue
        name, after = _texts(said["revision"]), _texts(said["down_revision"])
        if name is None or len(name) != 1 or after is None:
            branched.add(dirname(path))
            continue
        if (
            _texts(said.get("branch_labels", "None")) != ()
            or said.get("depends_on", "None") != "None"
        ):
            branched.add(dirname(path))
        folders[dirname(path)].append(_Revision(path, name[0], after))
    everywhere = {each.name for revisions in folders.values() for each in revisions}
    for folder, revisions in folders.items():
        if folder not in branched:
            yield from _heads(revisions, everywhere)


def _heads(revisions: list[_Revision], everywhere: set[str]) -> Iterator[tuple[str, str]]:
    followed = {before for each in revisions for before in each.after}
    heads = [each for each in revisions if each.name not in followed]
    roots = [each for each in revisions if not each.after]
    for each in heads if len(heads) > 1 and len(roots) == 1 else ():
        other = next(one.name for one in heads if one is not each)
        yield (
            each.path,
            (
                f"`{each.name}` and `{other}` are both heads: `alembic upgrade head` refuses to run. Let "
                "one come after the other, or run `alembic merge heads`."
            ),
        )
    for each in revisions:
        for before in each.after:
            if before not in everywhere and len(revisions) > 1:
                yield (
                    each.path,
                    (
                        f"`{each.name}` comes after the revision `{before}`, and there is no such "
                        "revision: Alembic stops. Name the one that it comes after."
                    ),
                )


def _texts(source: str) -> tuple[str, ...] | None:
    """The revisions that a value names; None where it is not written out."""
    try:
        value = ast.literal_eval(source)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    if value is None:
        return ()
    given = value if isinstance(value, tuple | list | set) else (value,)
    return tuple(given) if all(isinstance(each, str) for each in given) else None
