"""Every setting that holds for a folder, and where each comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from rules.engine import local
from rules.engine.config import Config, Found, found_in, table_of
from rules.engine.layers import with_folders

_FOLDERS = ("review.extend_exclude", "per_file")


def config_rows(config: Config, found: Found | None, root: Path) -> list[dict[str, Any]]:
    """Each key with its value and origin: a file, the project itself, or the defaults.

    `found` is the file that `config` was read from, None where there is none.
    """
    written = set(_keys(_as_kept(found.data))) if found is not None else set()
    name = found.path if found is not None else ""
    declared = local.declaration_of(root)
    version = ".".join(map(str, declared.python or ()))
    detected = {"python": version, "frameworks": list(declared.frameworks)}
    rows = []
    for key, value in _values(msgspec.to_builtins(config)):
        origin = name if key in written or _is_table(key, written) else "default"
        if not value and detected.get(key):
            rows.append({"key": key, "value": detected[key], "origin": "detected"})
        else:
            rows.append({"key": key, "value": value, "origin": origin})
    return rows


def with_folder_files(config: Config, rows: list[dict[str, Any]], root: Path) -> None:
    """Let the rows say what the `.stet.toml` of single folders add. Raises ConfigError."""
    files = local.folder_files(root, local.names_under(root, [root]))
    if not files:
        return
    data = msgspec.to_builtins(with_folders(config, files))
    now = dict(_values(data))
    for row in rows:
        if row["key"] in _FOLDERS and row["value"] != now[row["key"]]:
            row["value"] = now[row["key"]]
            own = [] if row["origin"] == "default" else [row["origin"]]
            row["origin"] = ", ".join([*own, *sorted(files)])


def found_at(root: Path) -> Found | None:
    """The configuration file of a folder. Raises ConfigError."""

    def bytes_of(name: str) -> bytes | None:
        path = root / name
        return path.read_bytes() if path.is_file() else None

    return found_in(bytes_of(".stet.toml"), bytes_of("pyproject.toml"))


def found_as(path: Path, text: str) -> Found:
    """A file that was named. Raises ConfigError."""
    table = ("tool", "stet") if path.name == "pyproject.toml" else ()
    return Found(str(path), text, table_of(text, str(path), table))


def _as_kept(data: Mapping[str, Any]) -> dict[str, Any]:
    """With the tables of single rules where the configuration keeps them."""
    rules = data.get("rules")
    if not isinstance(rules, dict):
        return dict(data)
    known = {field.name for field in msgspec.structs.fields(type(Config().rules))}
    options = {key: value for key, value in rules.items() if key not in known}
    kept = {key: value for key, value in rules.items() if key in known}
    return {**data, "rules": {**kept, **({"options": options} if options else {})}}


def _keys(data: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in data.items():
        yield f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _keys(value, f"{prefix}{key}.")


def _is_table(key: str, written: set[str]) -> bool:
    return any(each.startswith(f"{key}.") for each in written)


def _values(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    sections = {
        name
        for name, value in msgspec.to_builtins(Config()).items()
        if value and isinstance(value, dict)
    }
    for name, value in config.items():
        if name in sections:
            yield from ((f"{name}.{key}", each) for key, each in value.items())
        else:
            yield name, value
