"""Addresses of the pages, as GitHub has them."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote

from sandbox.entities import PullRequest, Repository

_LOCAL = re.compile(r"/(?![/\\])[\x21-\x7e]*")


def repository(one: Repository) -> str:
    return f"/{quote(one.owner.login, safe='')}/{quote(one.name, safe='')}"


def pull(one: PullRequest, tab: str = "") -> str:
    return f"{repository(one.repository)}/pull/{one.number}" + (f"/{tab}" if tab else "")


def blob(one: Repository, sha: str, path: str) -> str:
    return f"{repository(one)}/blob/{sha}/{quote(path)}"


def commit(one: Repository, sha: str) -> str:
    return f"{repository(one)}/commit/{sha}"


def file_anchor(path: str) -> str:
    return "diff-" + hashlib.sha256(path.encode("utf-8", "replace")).hexdigest()


def line_anchor(path: str, side: str, line: int) -> str:
    return f"{file_anchor(path)}{side[0]}{line}"


def is_local(address: str) -> bool:
    """Whether a browser sent there stays on these pages."""
    return _LOCAL.fullmatch(address) is not None
