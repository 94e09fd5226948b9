"""Reads of one pull request that REST, GraphQL and the pages share."""

from __future__ import annotations

from sandbox.diffs import FileDiff, Side, files_between, moved_line
from sandbox.entities import Anchor, PullRequest, ReviewComment
from sandbox.git import EMPTY_TREE, Git


def merge_base(pull_request: PullRequest, head: str | None = None) -> str:
    """Where the head (or an older commit of it) left the base branch."""
    git = pull_request.repository.git
    return git.merge_base(pull_request.base_sha, head or pull_request.head_sha) or EMPTY_TREE


def files_of(pull_request: PullRequest, head: str | None = None) -> tuple[FileDiff, ...]:
    """The changed files with their hunks, at the head or at an older commit of it."""
    at = head or pull_request.head_sha
    return files_between(pull_request.repository.git, merge_base(pull_request, at), at)


def commits_of(pull_request: PullRequest) -> tuple[str, ...]:
    """The commits of the head that the base lacks, oldest first."""
    git = pull_request.repository.git
    return git.commits_between(pull_request.base_sha, pull_request.head_sha)


def file_at(
    pull_request: PullRequest, path: str, head: str | None = None, side: Side = "RIGHT"
) -> FileDiff | None:
    """The changed file of that name; on the left a renamed file also has its old name."""
    for file in files_of(pull_request, head):
        if file.path == path or (side == "LEFT" and file.previous_path == path):
            return file
    return None


def is_mergeable(pull_request: PullRequest) -> bool:
    git = pull_request.repository.git
    tip = git.branches().get(pull_request.base_ref, pull_request.base_sha)
    return git.merged_tree(tip, pull_request.head_sha) is not None


def anchor_now(comment: ReviewComment) -> Anchor | None:
    """Where a comment stands in today's diff, None once its lines are outdated.

    A line that only moved is followed; one that was changed, removed or is no longer in a
    hunk of the diff is outdated.
    """
    pull_request, was = comment.pull_request, comment.original
    file = file_at(pull_request, was.path, side=was.side)
    if file is None:
        return None
    if was.line is None:
        return was
    line = _moved(comment, was.line, was.side)
    found = file.find(line, was.side) if line else None
    if line is None or found is None:
        return None
    start = None
    if was.start_line is not None:
        start = _moved(comment, was.start_line, was.start_side or was.side)
        same_side = was.start_side in (None, was.side)
        if start is None or (same_side and line - start != was.line - was.start_line):
            return None
    return Anchor(was.path, line, was.side, start, was.start_side, found[1].position)


def _moved(comment: ReviewComment, number: int, side: Side) -> int | None:
    pull_request = comment.pull_request
    git = pull_request.repository.git
    if side == "RIGHT":
        old, new = comment.original_commit, pull_request.head_sha
    else:
        old, new = comment.original_merge_base, merge_base(pull_request)
    if old == new:
        return number
    path = comment.original.path
    if side == "LEFT" and (file := file_at(pull_request, path, comment.original_commit, "LEFT")):
        path = file.previous_path or path
    old_blob, new_blob = _blob_at(git, old, path), _blob_at(git, new, path)
    return moved_line(git, old_blob, new_blob, number) if old_blob and new_blob else None


def _blob_at(git: Git, commit: str, path: str) -> str | None:
    if commit == EMPTY_TREE:
        return None
    entry = git.entry_at(commit, path)
    return entry.sha if entry and entry.type == "blob" else None
