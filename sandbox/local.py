"""A local git repository served as if it were on GitHub: its branches become pull requests.

The original is only ever read. When one of its branches moves, the stand-in hears of a push.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.git import Git, GitError
from sandbox.refusal import Refused
from sandbox.server import StandIn

INCOMING = "refs/stand-in/branches/"
MOST_PULL_REQUESTS = 50
USUAL_NAMES = ("main", "master", "trunk", "develop")

Say = Callable[[str], None]


@dataclass
class LocalRepository:
    """The link between a folder with a git repository and its copy on the stand-in."""

    github: StandIn
    source: Path
    full_name: str
    base: str
    say: Say
    seen: dict[str, str] = field(default_factory=dict)  # branch -> commit of the original
    numbers: dict[str, int] = field(default_factory=dict)  # branch -> pull request

    @classmethod
    def serve(cls, github: StandIn, source: Path, *, base: str | None, say: Say) -> LocalRepository:
        """Copy the repository, install the App on it and open a pull request for each branch.

        Raises GitError where the folder holds no git repository with a commit on a branch.
        """
        original = Git(source, own=False)
        branches = original.branches()
        chosen = base or default_branch(original)
        if chosen not in branches:
            raise GitError(f"{source} has no branch {chosen!r} with a commit")
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", source.resolve().name).strip("-.") or "repository"
        full_name = f"local/{name}"
        github.create_repository(full_name, source, default_branch=chosen)
        github.install([full_name])
        one = cls(github, source, full_name, chosen, say, seen=branches)
        others = [branch for branch in _newest_first(original) if branch != chosen]
        for branch in others[:MOST_PULL_REQUESTS]:
            one.open(branch)
        if len(others) > MOST_PULL_REQUESTS:
            say(f"{len(others) - MOST_PULL_REQUESTS} older branches are left out")
        return one

    def open(self, branch: str) -> None:
        """A pull request from the branch, unless it has nothing that the base lacks."""
        git = Git(self.github.git_path(self.full_name))
        tip = git.branches()[branch]
        commit = git.commit(tip)
        headline, _, rest = commit.message.partition("\n")
        author = _login(commit.author.email or commit.author.name)
        git.close()
        try:
            self.github.set_permission(self.full_name, author, "write")
            number = self.github.open_pull_request(
                self.full_name,
                head=branch,
                base=self.base,
                title=headline[:250] or branch,
                body=rest.strip() or None,
                by=author,
            )
        except Refused as refused:
            self.say(f"no pull request for {branch}: {_reason(refused)}")
            return
        self.numbers[branch] = number
        self.say(f"#{number}  {branch}  {self.github.url}/{self.full_name}/pull/{number}")

    def look_again(self) -> None:
        """Turn what moved in the original since the last look into pushes."""
        now = Git(self.source, own=False).branches()
        moved = {name for name, sha in now.items() if self.seen.get(name) != sha}
        gone = self.seen.keys() - now.keys()
        for branch in sorted(moved):
            self.github.push(
                self.full_name, branch, source=self.source, revision=f"refs/heads/{branch}"
            )
            self.say(f"pushed {branch} at {now[branch][:10]}")
        for branch in sorted(gone):
            self.github.delete_branch(self.full_name, branch)
            self.numbers.pop(branch, None)
            self.say(f"deleted {branch}")
        self.seen = now
        for branch in sorted(moved):
            if branch != self.base and branch not in self.numbers:
                self.open(branch)


def default_branch(original: Git) -> str:
    """The branch that others start from: what the remote says, or a usual name, or the current."""
    branches = original.branches()
    remote = _short(original, "refs/remotes/origin/HEAD").removeprefix("origin/")
    current = _short(original, "HEAD")
    bare = original.attempt("rev-parse", "--is-bare-repository").stdout.strip() == b"true"
    first = [current] if bare else []
    candidates: list[str] = [*first, remote, *USUAL_NAMES, current, *sorted(branches)]
    for name in candidates:
        if name in branches:
            return name
    raise GitError(f"{original.path} is no git repository with a commit on a branch")


def _short(original: Git, name: str) -> str:
    done = original.attempt("symbolic-ref", "--quiet", "--short", name)
    return done.stdout.decode("utf-8", "replace").strip()


def _newest_first(original: Git) -> list[str]:
    listing = original.run(
        "for-each-ref", "--sort=-committerdate", "--format=%(refname:lstrip=2)", "refs/heads"
    )
    return listing.decode("utf-8", "replace").splitlines()


def _login(address: str) -> str:
    """A login made from a mail address, as plain as GitHub asks for."""
    name = address.partition("@")[0].rpartition("+")[2]
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:39] or "somebody"


def _reason(refused: Refused) -> str:
    entries = (entry for entry in refused.errors if isinstance(entry, dict))
    return next((str(entry["message"]) for entry in entries if "message" in entry), refused.message)
