"""The merge queue: what is queued is tried on a branch of its own, and merged if checks pass."""

from __future__ import annotations

from typing import Any, Literal

from sandbox.acts import pulls as pull_acts
from sandbox.acts.pushes import push
from sandbox.diffview import is_mergeable
from sandbox.entities import CheckRun, Json, PullRequest, QueueEntry, Repository, User
from sandbox.events import emit
from sandbox.git import Commit, Person
from sandbox.refusal import Refused
from sandbox.state import State

BRANCHES = "gh-readonly-queue"
PASSING = ("success", "neutral", "skipped")

Reason = Literal["merged", "invalidated", "dequeued"]


def enqueue(state: State, pull: PullRequest, sender: User) -> QueueEntry:
    """Try the pull request on the base branch as it is, and ask for checks of that commit."""
    if pull.state != "open" or pull.draft or not is_mergeable(pull):
        raise Refused(422, "The pull request cannot be queued.")
    if _entry_of(state, pull) is not None:
        raise Refused(422, "The pull request is queued already.")
    git = pull.repository.git
    tip = git.branches()[pull.base_ref]
    tree = git.merged_tree(tip, pull.head_sha)
    if tree is None:
        raise Refused(422, "The pull request cannot be queued.")
    who = Person(sender.name, f"{sender.login}@example.com", state.now())
    text = f"Merge pull request #{pull.number} from {pull.head_owner.login}/{pull.head_ref}"
    sha = git.write_commit(tree, (tip, pull.head_sha), text, who, who)
    branch = f"{BRANCHES}/{pull.base_ref}/pr-{pull.number}-{tip}"
    entry = QueueEntry(pull, branch, sha, tip, sender)
    state.merge_queue.append(entry)
    push(state, pull.repository, branch, sha, sender)
    pull_acts.tell(state, pull, "enqueued", sender)
    _tell(state, entry, "checks_requested")
    return entry


def leave(state: State, pull: PullRequest) -> None:
    """Take it out of the queue, as somebody who thought better of it."""
    entry = _entry_of(state, pull)
    if entry is None:
        raise Refused(422, "The pull request is not queued.")
    _end(state, entry, "dequeued")


def checked(state: State, run: CheckRun) -> None:
    """A check run has changed: the queue merges or drops what waits for that commit."""
    entry = next((e for e in state.merge_queue if _waits_for(e, run)), None)
    if entry is None:
        return
    repository, sha = run.suite.repository, entry.head_sha
    runs = state.check_runs_of(repository, sha)
    newest = {(each.suite.app.id, each.name): each for each in runs}
    if any(each.status != "completed" for each in newest.values()):
        return
    if any(each.conclusion not in PASSING for each in newest.values()):
        _end(state, entry, "dequeued")
    elif repository.git.branches().get(entry.pull_request.base_ref) == entry.base_sha:
        _end(state, entry, "merged")
        pull = entry.pull_request
        pull_acts.move_branch(state, repository, pull.base_ref, sha, entry.queued_by)
    else:
        _end(state, entry, "invalidated")


def _waits_for(entry: QueueEntry, run: CheckRun) -> bool:
    same = entry.pull_request.repository is run.suite.repository
    return same and entry.head_sha == run.suite.head_sha


def _entry_of(state: State, pull: PullRequest) -> QueueEntry | None:
    return next((each for each in state.merge_queue if each.pull_request is pull), None)


def _end(state: State, entry: QueueEntry, reason: Reason) -> None:
    state.merge_queue.remove(entry)
    _tell(state, entry, "destroyed", reason=reason)
    push(state, entry.pull_request.repository, entry.branch, None, entry.queued_by)


def _tell(state: State, entry: QueueEntry, action: str, **fields: Any) -> None:
    repository = entry.pull_request.repository
    emit(
        state, repository, "merge_group", action, entry.queued_by,
        merge_group=_shape(repository, entry), **fields,
    )  # fmt: skip


def _shape(repository: Repository, entry: QueueEntry) -> Json:
    return {
        "head_sha": entry.head_sha,
        "head_ref": f"refs/heads/{entry.branch}",
        "base_sha": entry.base_sha,
        "base_ref": f"refs/heads/{entry.pull_request.base_ref}",
        "head_commit": _commit(repository.git.commit(entry.head_sha)),
    }


def _commit(one: Commit) -> Json:
    return {
        "id": one.sha,
        "tree_id": one.tree,
        "message": one.message,
        "timestamp": one.committer.date,
        "author": {"name": one.author.name, "email": one.author.email},
        "committer": {"name": one.committer.name, "email": one.committer.email},
    }
