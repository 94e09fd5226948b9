"""Pull requests: reading, opening, changing, merging."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.access import has_role
from sandbox.acts import pulls as acts
from sandbox.call import Answer, Call, Handler
from sandbox.diffs import MOST_BYTES, MOST_DIFF_FILES, MOST_FILES, MOST_LINES
from sandbox.diffview import commits_of, files_of, merge_base
from sandbox.entities import PullRequest
from sandbox.refusal import Refused, invalid, not_found
from sandbox.shapes import accounts, pulls, repositories

MOST_COMMITS = 250  # listed of one pull request


def list_pulls(call: Call) -> Answer:
    one = call.repository()
    wanted = call.query.get("state", "open")
    found = [p for p in call.state.pull_requests_of(one) if wanted in ("all", p.state)]
    if base := call.query.get("base"):
        found = [p for p in found if p.base_ref == base]
    if head := call.query.get("head"):
        found = [p for p in found if f"{p.head_owner.login}:{p.head_ref}" == head]
    key = call.query.get("sort", "created")
    newest_first = call.query.get("direction", "desc" if key == "created" else "asc") == "desc"
    found.sort(
        key=lambda p: (p.updated_at if key == "updated" else p.created_at, p.number),
        reverse=newest_first,
    )
    return call.page(found, lambda p: pulls.simple(call.state, p))


def get_pull(call: Call) -> Answer:
    one = call.pull()
    if call.wants("diff") or call.wants("patch"):
        return Answer(200, _diff(one), media_type="application/vnd.github.diff; charset=utf-8")
    return Answer(body=pulls.full(call.state, one))


def _diff(one: PullRequest) -> bytes:
    files = files_of(one)
    patch = one.repository.git.diff(merge_base(one), one.head_sha)[1]
    lines = sum(file.additions + file.deletions for file in files)
    if len(files) > MOST_DIFF_FILES or lines > MOST_LINES or len(patch) > 2 * MOST_BYTES:
        entry = {"resource": "PullRequest", "field": "diff", "code": "too_large"}
        text = f"Sorry, the diff exceeded the maximum number of files ({MOST_DIFF_FILES})."
        raise Refused(406, text, [entry])
    return patch


def create_pull(call: Call) -> Answer:
    one, given = call.repository(), call.body
    if "title" not in given:
        raise invalid("PullRequest", "title", code="missing_field")
    pull = acts.open_pull_request(
        call.state,
        one,
        call.actor(),
        head=given["head"],
        base=given["base"],
        title=given["title"],
        body=given.get("body"),
        draft=given.get("draft", False),
        maintainer_can_modify=given.get("maintainer_can_modify", False),
    )
    shape = pulls.full(call.state, pull)
    return Answer(201, shape, {"Location": shape["url"]})


def update_pull(call: Call) -> Answer:
    one, given, actor = call.pull(), call.body, call.actor()
    role = call.identity.role(call.state, one.repository)
    if call.identity.app is None and actor is not one.user and not has_role(role, "triage"):
        raise Refused(403, "Must have triage rights to Repository.")
    acts.edit(
        call.state,
        one,
        actor,
        title=given.get("title"),
        body=given.get("body"),
        base=given.get("base"),
    )
    if given.get("state") == "closed":
        acts.close(call.state, one, actor)
    elif given.get("state") == "open":
        acts.reopen(call.state, one, actor)
    return Answer(body=pulls.full(call.state, one))


def list_files(call: Call) -> Answer:
    one = call.pull()
    files = files_of(one)[:MOST_FILES]
    repository, sha = one.repository, one.head_sha
    return call.page(
        files, lambda file: repositories.changed_file(call.state, repository, file, sha)
    )


def list_commits(call: Call) -> Answer:
    one = call.pull()
    git = one.repository.git
    return call.page(
        commits_of(one)[:MOST_COMMITS],
        lambda sha: repositories.commit(call.state, one.repository, git.commit(sha)),
    )


def check_merged(call: Call) -> Answer:
    if call.pull().merged_at is None:
        raise not_found()
    return Answer(204)


def merge(call: Call) -> Answer:
    one = call.pull()
    if call.body.get("sha", one.head_sha) != one.head_sha:
        raise Refused(409, "Head branch was modified. Review and try the merge again.")
    sha = acts.merge(call.state, one, call.actor(), title=call.body.get("commit_title"))
    body = {"sha": sha, "merged": True, "message": "Pull Request successfully merged"}
    return Answer(body=body)


def list_reviewers(call: Call) -> Answer:
    people = [accounts.user(call.state, one) for one in call.pull().reviewers]
    return Answer(body={"users": people, "teams": []})


def request_reviewers(call: Call) -> Answer:
    one = call.pull()
    for login in call.body.get("reviewers", ()):
        account = call.state.user(login)
        if account is None or call.state.role_of(account, one.repository) is None:
            text = "Reviews may only be requested from collaborators."
            raise Refused(422, text)
        if account is one.user:
            raise Refused(422, "Review cannot be requested from pull request author.")
        acts.request_reviewer(call.state, one, call.actor(), account)
    return Answer(201, pulls.simple(call.state, one))


HANDLERS: Mapping[str, Handler] = {
    "pulls/list": list_pulls,
    "pulls/get": get_pull,
    "pulls/create": create_pull,
    "pulls/update": update_pull,
    "pulls/list-files": list_files,
    "pulls/list-commits": list_commits,
    "pulls/check-if-merged": check_merged,
    "pulls/merge": merge,
    "pulls/list-requested-reviewers": list_reviewers,
    "pulls/request-reviewers": request_reviewers,
}
