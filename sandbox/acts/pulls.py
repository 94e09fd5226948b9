"""What people do to pull requests. Each act changes the state and tells the installations."""

from __future__ import annotations

from typing import Any, cast

from sandbox.acts.checks import request_suites
from sandbox.acts.pushes import push
from sandbox.diffview import is_mergeable, merge_base
from sandbox.entities import Json, Label, PullRequest, Repository, Role, User
from sandbox.events import emit
from sandbox.git import ZERO, Person
from sandbox.refusal import Refused, invalid
from sandbox.shapes import pulls, repositories
from sandbox.shapes.accounts import user
from sandbox.state import State


def head_branch(
    state: State, repository: Repository, head: str
) -> tuple[Repository, str, str] | None:
    """Repository, branch and commit that `branch` or `owner:branch` names."""
    owner, colon, branch = head.rpartition(":")
    candidates = [
        one
        for one in state.repositories.values()
        if (one is repository or one.parent is repository)
        and (one.owner.login.lower() == owner.lower() if colon else one is repository)
    ]
    for one in candidates:
        if sha := one.git.branches().get(branch):
            return one, branch, sha
    return None


def open_pull_request(
    state: State,
    repository: Repository,
    author: User,
    *,
    head: str,
    base: str,
    title: str,
    body: str | None = None,
    draft: bool = False,
    maintainer_can_modify: bool = False,
) -> PullRequest:
    """Open a pull request from a branch (`owner:branch` for a fork) into a base branch."""
    base_sha = repository.git.branches().get(base)
    if base_sha is None:
        raise invalid("PullRequest", "base")
    found = head_branch(state, repository, head)
    if found is None:
        raise invalid("PullRequest", "head")
    head_repository, branch, sha = found
    _refuse_twin(state, repository, head_repository, branch, base)
    number = repository.last_number + 1
    _bring(repository, head_repository, branch, number)
    if not repository.git.commits_between(base_sha, sha):
        raise invalid("PullRequest", "head", f"No commits between {base} and {head}")
    repository.last_number = number
    pull = PullRequest(
        id=state.new_id("pull"),
        number=number,
        repository=repository,
        title=title,
        body=body,
        user=author,
        head_repository=head_repository,
        head_owner=head_repository.owner,
        head_ref=branch,
        head_sha=sha,
        base_ref=base,
        base_sha=base_sha,
        draft=draft,
        created_at=state.now(),
        updated_at=state.now(),
        maintainer_can_modify=maintainer_can_modify,
    )
    state.pull_requests[repository.id, number] = pull
    set_merge_ref(pull)
    if head_repository is not repository:
        request_suites(state, repository, sha, author, before=ZERO)
    tell(state, pull, "opened", author)
    return pull


def _refuse_twin(
    state: State, repository: Repository, head_repository: Repository, branch: str, base: str
) -> None:
    for one in state.pull_requests_of(repository):
        same = (one.head_repository, one.head_ref, one.base_ref) == (head_repository, branch, base)
        if same and one.state == "open":
            name = f"{head_repository.owner.login}:{branch}"
            text = f"A pull request already exists for {name}."
            raise invalid("PullRequest", "base", text)


def _bring(base: Repository, head: Repository, branch: str, number: int) -> None:
    """The head's commits belong to the base repository too, under refs/pull/N/head."""
    ref = f"refs/pull/{number}/head"
    if head is base:
        base.git.set_ref(ref, base.git.branches()[branch])
    else:
        base.git.fetch(str(head.git.path), f"+refs/heads/{branch}:{ref}")


def set_merge_ref(pull: PullRequest) -> None:
    """refs/pull/N/merge: the merge that GitHub tries, as a commit, where there is no conflict."""
    git = pull.repository.git
    tip = git.branches().get(pull.base_ref, pull.base_sha)
    tree = git.merged_tree(tip, pull.head_sha)
    if tree is None:
        pull.merge_commit_sha = None
        return
    who = Person("GitHub stand-in", "noreply@example.com", git.commit(pull.head_sha).committer.date)
    text = f"Merge {pull.head_sha} into {tip}"
    pull.merge_commit_sha = git.write_commit(tree, (tip, pull.head_sha), text, who, who)
    git.set_ref(f"refs/pull/{pull.number}/merge", pull.merge_commit_sha)


def tell(state: State, pull: PullRequest, action: str, sender: User, **fields: Any) -> None:
    """Send a `pull_request` event."""
    emit(
        state,
        pull.repository,
        "pull_request",
        action,
        sender,
        number=pull.number,
        pull_request=pulls.full(state, pull),
        **fields,
    )


def head_moved(state: State, pull: PullRequest, before: str, after: str, sender: User) -> None:
    """The head branch was pushed: `synchronize`."""
    head = pull.head_repository
    if head is not None:
        _bring(pull.repository, head, pull.head_ref, pull.number)
    pull.head_sha = after
    tip = pull.repository.git.branches().get(pull.base_ref)
    pull.base_sha = tip or pull.base_sha
    touch(state, pull)
    set_merge_ref(pull)
    if head is not pull.repository:
        request_suites(state, pull.repository, after, sender, before=before)
    tell(state, pull, "synchronize", sender, before=before, after=after)


def touch(state: State, pull: PullRequest) -> None:
    pull.updated_at = state.now()


def close(state: State, pull: PullRequest, sender: User) -> None:
    if pull.state == "closed":
        return
    pull.state, pull.closed_at = "closed", state.now()
    touch(state, pull)
    tell(state, pull, "closed", sender)


def reopen(state: State, pull: PullRequest, sender: User) -> None:
    if pull.state == "open":
        return
    if pull.merged_at or pull.head_repository is None:
        raise invalid("PullRequest", "state", "state cannot be changed. The branch is gone.")
    now = pull.head_repository.git.branches().get(pull.head_ref)
    if now is None:
        raise invalid("PullRequest", "state", "state cannot be changed. The branch was deleted.")
    pull.state, pull.closed_at = "open", None
    pull.head_sha = now
    _bring(pull.repository, pull.head_repository, pull.head_ref, pull.number)
    touch(state, pull)
    tell(state, pull, "reopened", sender)


def set_draft(state: State, pull: PullRequest, sender: User, *, draft: bool) -> None:
    if pull.draft == draft:
        return
    pull.draft = draft
    touch(state, pull)
    tell(state, pull, "converted_to_draft" if draft else "ready_for_review", sender)


def edit(
    state: State,
    pull: PullRequest,
    sender: User,
    *,
    title: str | None = None,
    body: str | None = None,
    base: str | None = None,
) -> None:
    """Change title, body or base branch; all in one `edited` event."""
    changes: Json = {}
    if title is not None and title != pull.title:
        changes["title"], pull.title = {"from": pull.title}, title
    if body is not None and body != pull.body:
        changes["body"], pull.body = {"from": pull.body or ""}, body
    if base is not None and base != pull.base_ref:
        tip = pull.repository.git.branches().get(base)
        if tip is None:
            raise invalid("PullRequest", "base")
        changes["base"] = {"ref": {"from": pull.base_ref}, "sha": {"from": pull.base_sha}}
        pull.base_ref, pull.base_sha = base, tip
        set_merge_ref(pull)
    if changes:
        touch(state, pull)
        tell(state, pull, "edited", sender, changes=changes)


def make_label(
    state: State, repository: Repository, name: str, color: str = "ededed", text: str | None = None
) -> Label:
    known = next(
        (one for key, one in repository.labels.items() if key.lower() == name.lower()), None
    )
    if known is None:
        known = Label(state.new_id("label"), name, color, text)
        repository.labels[name] = known
    return known


def add_label(state: State, pull: PullRequest, sender: User, name: str) -> None:
    label = make_label(state, pull.repository, name)
    if label.name not in pull.labels:
        pull.labels.append(label.name)
        shape = repositories.label(state, pull.repository, label)
        tell(state, pull, "labeled", sender, label=shape)


def remove_label(state: State, pull: PullRequest, sender: User, name: str) -> None:
    found = next((one for one in pull.labels if one.lower() == name.lower()), None)
    if found is None:
        raise Refused(404, "Label does not exist")
    pull.labels.remove(found)
    shape = repositories.label(state, pull.repository, pull.repository.labels[found])
    tell(state, pull, "unlabeled", sender, label=shape)


def request_reviewer(state: State, pull: PullRequest, sender: User, reviewer: User) -> None:
    if reviewer in pull.reviewers:
        return
    pull.reviewers.append(reviewer)
    shape = user(state, reviewer)
    tell(state, pull, "review_requested", sender, requested_reviewer=shape)


def merge(state: State, pull: PullRequest, sender: User, *, title: str | None = None) -> str:
    """Merge with a merge commit; answers its SHA."""
    if pull.state != "open":
        raise Refused(405, "Pull Request is not mergeable")
    if pull.draft:
        raise Refused(405, "Pull Request is still a draft")
    git = pull.repository.git
    tip = git.branches()[pull.base_ref]
    tree = git.merged_tree(tip, pull.head_sha) if is_mergeable(pull) else None
    if tree is None:
        raise Refused(405, "Merge conflict")
    who = Person(sender.name, f"{sender.login}@example.com", state.now())
    text = (
        title or f"Merge pull request #{pull.number} from {pull.head_owner.login}/{pull.head_ref}"
    )
    sha = git.write_commit(tree, (tip, pull.head_sha), text, who, who)
    pull.merged_at, pull.merged_by, pull.merge_commit_sha = state.now(), sender, sha
    pull.state, pull.closed_at = "closed", state.now()
    touch(state, pull)
    move_branch(state, pull.repository, pull.base_ref, sha, sender)
    tell(state, pull, "closed", sender)
    return sha


def move_branch(
    state: State, repository: Repository, branch: str, sha: str | None, sender: User
) -> None:
    """A branch points elsewhere from now on; a SHA of None deletes it."""
    before = push(state, repository, branch, sha, sender)
    after = sha or ZERO
    if before == after:
        return
    for pull in list(state.pull_requests.values()):
        if pull.head_repository is repository and pull.head_ref == branch and pull.state == "open":
            if sha is None:
                close(state, pull, sender)
            else:
                head_moved(state, pull, before, after, sender)
        elif pull.repository is repository and pull.base_ref == branch and sha:
            _base_moved(state, pull, sha, sender)


def _base_moved(state: State, pull: PullRequest, tip: str, sender: User) -> None:
    if pull.state != "open":
        return
    if pull.repository.git.is_ancestor(pull.head_sha, tip):  # merged by hand
        pull.merged_at, pull.merged_by = state.now(), sender
        pull.merge_commit_sha = tip
        close(state, pull, sender)
    else:
        set_merge_ref(pull)


def set_role(repository: Repository, account: User, role: str | None) -> None:
    """Give somebody a role on the repository, or take it away with None."""
    if role is None:
        repository.collaborators.pop(account.login, None)
    elif role in ("read", "triage", "write", "maintain", "admin"):
        repository.collaborators[account.login] = cast("Role", role)
    else:
        raise ValueError(f"no such role: {role}")


def is_part_of(pull: PullRequest, sha: str) -> bool:
    """Whether a commit belongs to the pull request as it stands."""
    git = pull.repository.git
    return sha == pull.head_sha or (
        sha in git.commits_between(pull.base_sha, pull.head_sha) and sha != merge_base(pull)
    )
