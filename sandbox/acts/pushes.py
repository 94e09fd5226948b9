"""A branch moves: the ref, the `push` event and the check suites that GitHub opens."""

from __future__ import annotations

from sandbox.acts.checks import request_suites
from sandbox.diffs import files_between
from sandbox.entities import Json, Repository, User
from sandbox.events import emit
from sandbox.git import EMPTY_TREE, ZERO, Commit
from sandbox.shapes.repositories import api, page
from sandbox.state import State

MOST_COMMITS = 20  # listed in one push event


def push(state: State, repository: Repository, branch: str, sha: str | None, sender: User) -> str:
    """Point a branch at a commit and tell of it; answers where it pointed before."""
    git = repository.git
    ref = f"refs/heads/{branch}"
    before = git.branches().get(branch, ZERO)
    if before == (sha or ZERO):
        return before
    if sha is None:
        git.delete_ref(ref)
    else:
        git.set_ref(ref, sha)
    repository.pushed_at = state.now()
    _tell(state, repository, ref, (before, sha or ZERO), sender)
    if sha is not None:
        request_suites(state, repository, sha, sender, before=before, branch=branch)
    return before


def _tell(
    state: State, repository: Repository, ref: str, moved: tuple[str, str], sender: User
) -> None:
    git = repository.git
    before, after = moved
    commits: list[str] = []
    if after != ZERO:
        start = before if before != ZERO else git.branches().get(repository.default_branch, after)
        commits = list(git.commits_between(start, after))[-MOST_COMMITS:]
    created, deleted = before == ZERO, after == ZERO
    root = api(state, repository)
    frame = f"{before[:12]}...{after[:12]}"
    emit(
        state,
        repository,
        "push",
        None,
        sender,
        ref=ref,
        before=before,
        after=after,
        created=created,
        deleted=deleted,
        forced=not created and not deleted and not git.is_ancestor(before, after),
        base_ref=None,
        compare=f"{root}/compare/{frame}",
        commits=[_commit(state, repository, git.commit(sha)) for sha in commits],
        head_commit=None if deleted else _commit(state, repository, git.commit(after)),
        pusher={"name": sender.login, "email": f"{sender.login}@example.com"},
    )


def _commit(state: State, repository: Repository, commit: Commit) -> Json:
    parent = commit.parents[0] if commit.parents else EMPTY_TREE
    files = files_between(repository.git, parent, commit.sha)
    gone = [file.previous_path for file in files if file.status == "renamed" and file.previous_path]
    return {
        "id": commit.sha,
        "tree_id": commit.tree,
        "distinct": True,
        "message": commit.message,
        "timestamp": commit.committer.date,
        "url": f"{page(state, repository)}/commit/{commit.sha}",
        "author": {"name": commit.author.name, "email": commit.author.email},
        "committer": {"name": commit.committer.name, "email": commit.committer.email},
        "added": [file.path for file in files if file.status in ("added", "renamed", "copied")],
        "removed": [file.path for file in files if file.status == "removed"] + gone,
        "modified": [file.path for file in files if file.status in ("modified", "changed")],
    }
