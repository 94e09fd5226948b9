"""Suggestion blocks: what they would change, and the commit that a click makes of one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.acts import pulls as pull_acts
from sandbox.diffs import HUNK, parse_hunks
from sandbox.diffview import anchor_now
from sandbox.entities import Anchor, Repository, ReviewComment, User
from sandbox.git import Person
from sandbox.pages.markdown import suggestions_in
from sandbox.refusal import Refused
from sandbox.state import State

_LINES = re.compile(rb"[^\n]*\n|[^\n]+")


@dataclass(frozen=True)
class Change:
    """The lines of the file that a suggestion replaces, with the number of the first."""

    first: int
    old: tuple[str, ...]
    new: tuple[str, ...]

    @property
    def changes_nothing(self) -> bool:
        return [line.removesuffix("\r") for line in self.old] == list(self.new)


def changes_of(comment: ReviewComment) -> tuple[Change, ...]:
    """Each suggestion of a comment against the lines it was written for, as they were then."""
    place = comment.original
    if place.line is None or place.side != "RIGHT":
        return ()
    first, last = place.start_line or place.line, place.line
    lines = {
        line.new: line.text
        for hunk in parse_hunks(comment.diff_hunk if HUNK.match(comment.diff_hunk) else "")
        for line in hunk.lines
        if line.new is not None and line.kind != "-"
    }
    old = tuple(lines.get(number, "") for number in range(first, last + 1))
    return tuple(Change(first, old, new) for new in suggestions_in(comment.body))


def commit_suggestion(state: State, comment: ReviewComment, number: int, by: User) -> str:
    """Commit one suggestion of a comment on the head branch; answers the new head."""
    pull = comment.pull_request
    changes = changes_of(comment)
    if number >= len(changes):
        raise Refused(404, "The comment has no such suggestion.")
    anchor = anchor_now(comment)
    head = pull.head_repository
    if pull.state != "open" or head is None:
        raise Refused(422, "The pull request is closed or its branch is gone.")
    if anchor is None:
        raise Refused(422, "The suggestion is outdated: its lines were changed.")
    if changes[number].changes_nothing:
        raise Refused(422, "The suggestion changes nothing.")
    content = _replaced(head, pull.head_sha, anchor, changes[number].new)
    mode = _mode(head, pull.head_sha, anchor.path)
    changed = [(mode, anchor.path, head.git.write_blob(content))]
    tree = head.git.write_tree(head.git.commit(pull.head_sha).tree, changed)
    who = Person(by.name, f"{by.login}@example.com", state.now())
    sha = head.git.write_commit(tree, [pull.head_sha], _message(comment, by), who, who)
    pull_acts.move_branch(state, head, pull.head_ref, sha, by)
    return sha


def _mode(repository: Repository, commit: str, path: str) -> str:
    entry = repository.git.entry_at(commit, path)
    if entry is None or entry.type != "blob":
        raise Refused(422, "The file is gone.")
    return entry.mode


def _replaced(repository: Repository, commit: str, anchor: Anchor, new: tuple[str, ...]) -> bytes:
    """The file's content with the lines in place, each with the line end that the file has."""
    entry = repository.git.entry_at(commit, anchor.path)
    content = repository.git.blob(entry.sha) if entry else None
    if content is None or anchor.line is None:
        raise Refused(422, "The file is gone.")
    lines: list[bytes] = _LINES.findall(content)
    start = (anchor.start_line or anchor.line) - 1
    replaced = lines[start : anchor.line]
    if not replaced:
        raise Refused(422, "The lines are gone.")
    end = b"\r\n" if replaced[0].endswith(b"\r\n") else b"\n"
    block = b"".join(line.encode() + end for line in new)
    if not replaced[-1].endswith(b"\n"):  # the file ends here, and without a line end
        block = block.removesuffix(end)
    return b"".join([*lines[:start], block, *lines[anchor.line :]])


def _message(comment: ReviewComment, by: User) -> str:
    """GitHub names who suggested it as a co-author: Stet counts its accepted suggestions so."""
    author = comment.user
    title = f"Update {comment.original.path}"
    if author is by:
        return title
    mail = f"{author.id}+{author.login}@users.noreply.github.com"
    return f"{title}\n\nCo-authored-by: {author.login} <{mail}>"
