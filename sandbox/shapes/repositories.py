"""Repositories and what git holds in them, as GitHub writes them."""

from __future__ import annotations

from urllib.parse import quote

from sandbox.diffs import FileDiff
from sandbox.entities import Json, Label, Repository, Role, User
from sandbox.git import Commit, Person
from sandbox.shapes.accounts import user
from sandbox.state import State, node_id

BELOW = {  # key of a URL -> what follows the URL of the repository
    "archive": "/{archive_format}{/ref}",
    "assignees": "/assignees{/user}",
    "blobs": "/git/blobs{/sha}",
    "branches": "/branches{/branch}",
    "collaborators": "/collaborators{/collaborator}",
    "comments": "/comments{/number}",
    "commits": "/commits{/sha}",
    "compare": "/compare/{base}...{head}",
    "contents": "/contents/{+path}",
    "contributors": "/contributors",
    "deployments": "/deployments",
    "downloads": "/downloads",
    "events": "/events",
    "forks": "/forks",
    "git_commits": "/git/commits{/sha}",
    "git_refs": "/git/refs{/sha}",
    "git_tags": "/git/tags{/sha}",
    "hooks": "/hooks",
    "issue_comment": "/issues/comments{/number}",
    "issue_events": "/issues/events{/number}",
    "issues": "/issues{/number}",
    "keys": "/keys{/key_id}",
    "labels": "/labels{/name}",
    "languages": "/languages",
    "merges": "/merges",
    "milestones": "/milestones{/number}",
    "notifications": "/notifications{?since,all,participating}",
    "pulls": "/pulls{/number}",
    "releases": "/releases{/id}",
    "stargazers": "/stargazers",
    "statuses": "/statuses/{sha}",
    "subscribers": "/subscribers",
    "subscription": "/subscription",
    "tags": "/tags",
    "teams": "/teams",
    "trees": "/git/trees{/sha}",
}


def api(state: State, one: Repository) -> str:
    return f"{state.api_url}/repos/{one.full_name}"


def page(state: State, one: Repository) -> str:
    return f"{state.url}/{one.full_name}"


def permissions(role: Role | None) -> Json:
    order = ("read", "triage", "write", "maintain", "admin")
    rank = order.index(role) if role else -1
    names = ("pull", "triage", "push", "maintain", "admin")
    return {name: rank >= index for index, name in enumerate(names)}


def repository(state: State, one: Repository, viewer: Role | None = None) -> Json:
    """The short form, which nested objects and webhooks carry."""
    root, html = api(state, one), page(state, one)
    open_count = sum(1 for pull in state.pull_requests_of(one) if pull.state == "open")
    forks = sum(1 for other in state.repositories.values() if other.parent is one)
    host = state.url.removeprefix("http://")
    return {
        "id": one.id,
        "node_id": node_id("R", one.id),
        "name": one.name,
        "full_name": one.full_name,
        "owner": user(state, one.owner),
        "private": one.private,
        "visibility": "private" if one.private else "public",
        "html_url": html,
        "description": one.description,
        "fork": one.parent is not None,
        "url": root,
        **{f"{key}_url": root + rest for key, rest in BELOW.items()},
        "git_url": f"git://{host}/{one.full_name}.git",
        "ssh_url": f"git@{host}:{one.full_name}.git",
        "clone_url": f"{html}.git",
        "svn_url": html,
        "mirror_url": None,
        "homepage": None,
        "language": "Python",
        "license": None,
        "topics": [],
        "size": 0,
        "default_branch": one.default_branch,
        "forks": forks,
        "forks_count": forks,
        "stargazers_count": 0,
        "watchers": 0,
        "watchers_count": 0,
        "open_issues": open_count,
        "open_issues_count": open_count,
        "is_template": False,
        "has_issues": True,
        "has_projects": False,
        "has_wiki": False,
        "has_pages": False,
        "has_downloads": True,
        "has_discussions": False,
        "has_pull_requests": True,
        "pull_request_creation_policy": "all",
        "archived": False,
        "disabled": False,
        "allow_forking": True,
        "web_commit_signoff_required": False,
        "pushed_at": one.pushed_at,
        "created_at": one.created_at,
        "updated_at": one.pushed_at,
        "permissions": permissions(viewer),
    }


def pull_side_repository(state: State, one: Repository) -> Json:
    """The form inside `head` and `base` of a pull request."""
    return repository(state, one) | {
        "allow_squash_merge": True,
        "allow_merge_commit": True,
        "allow_rebase_merge": True,
        "allow_auto_merge": False,
        "allow_update_branch": False,
        "delete_branch_on_merge": False,
        "use_squash_pr_title_as_default": False,
        "squash_merge_commit_message": "COMMIT_MESSAGES",
        "squash_merge_commit_title": "COMMIT_OR_PR_TITLE",
        "merge_commit_message": "PR_TITLE",
        "merge_commit_title": "MERGE_MESSAGE",
    }


def full_repository(state: State, one: Repository, viewer: Role | None) -> Json:
    shape = pull_side_repository(state, one) | {
        "permissions": permissions(viewer),
        "temp_clone_token": None,
        "subscribers_count": 0,
        "network_count": 0,
    }
    if one.owner.type == "Organization":
        shape["organization"] = user(state, one.owner)
    if one.parent is not None:
        shape |= {
            "parent": repository(state, one.parent),
            "source": repository(state, one.parent),
        }
    return shape


def minimal(one: Repository, state: State) -> Json:
    """The three fields in `check_run.pull_requests[].head.repo`."""
    return {"id": one.id, "url": api(state, one), "name": one.name}


def installed_repository(one: Repository) -> Json:
    """The form in installation events."""
    return {
        "id": one.id,
        "node_id": node_id("R", one.id),
        "name": one.name,
        "full_name": one.full_name,
        "private": one.private,
    }


def label(state: State, one: Repository, given: Label) -> Json:
    return {
        "id": given.id,
        "node_id": node_id("LA", given.id),
        "url": f"{api(state, one)}/labels/{quote(given.name)}",
        "name": given.name,
        "description": given.description,
        "color": given.color,
        "default": False,
        "archived_by": None,
        "archived_at": None,
    }


def person(one: Person) -> Json:
    return {"name": one.name, "email": one.email, "date": one.date}


UNSIGNED = {
    "verified": False,
    "reason": "unsigned",
    "signature": None,
    "payload": None,
    "verified_at": None,
}


def account_of(state: State, one: Person) -> User | None:
    """GitHub finds accounts by mail address; here the login is the part before the @."""
    return state.user(one.email.partition("@")[0].rpartition("+")[2]) if one.email else None


def commit(state: State, one: Repository, given: Commit) -> Json:
    root, html = api(state, one), page(state, one)
    author, committer = account_of(state, given.author), account_of(state, given.committer)
    return {
        "sha": given.sha,
        "node_id": f"C_{given.sha}",
        "url": f"{root}/commits/{given.sha}",
        "html_url": f"{html}/commit/{given.sha}",
        "comments_url": f"{root}/commits/{given.sha}/comments",
        "commit": {
            "url": f"{root}/git/commits/{given.sha}",
            "author": person(given.author),
            "committer": person(given.committer),
            "message": given.message,
            "comment_count": 0,
            "tree": {"sha": given.tree, "url": f"{root}/git/trees/{given.tree}"},
            "verification": UNSIGNED,
        },
        "author": user(state, author) if author else None,
        "committer": user(state, committer) if committer else None,
        "parents": [
            {
                "sha": parent,
                "url": f"{root}/commits/{parent}",
                "html_url": f"{html}/commit/{parent}",
            }
            for parent in given.parents
        ],
    }


def git_commit(state: State, one: Repository, given: Commit) -> Json:
    root, html = api(state, one), page(state, one)
    return {
        "sha": given.sha,
        "node_id": f"C_{given.sha}",
        "url": f"{root}/git/commits/{given.sha}",
        "html_url": f"{html}/commit/{given.sha}",
        "author": person(given.author),
        "committer": person(given.committer),
        "message": given.message,
        "tree": {"sha": given.tree, "url": f"{root}/git/trees/{given.tree}"},
        "parents": [
            {
                "sha": parent,
                "url": f"{root}/git/commits/{parent}",
                "html_url": f"{html}/commit/{parent}",
            }
            for parent in given.parents
        ],
        "verification": UNSIGNED,
    }


def changed_file(state: State, one: Repository, file: FileDiff, sha: str) -> Json:
    root, html, path = api(state, one), page(state, one), quote(file.path)
    shape = {
        "sha": file.sha,
        "filename": file.path,
        "status": file.status,
        "additions": file.additions if file.shown else 0,
        "deletions": file.deletions if file.shown else 0,
        "changes": file.additions + file.deletions if file.shown else 0,
        "blob_url": f"{html}/blob/{sha}/{path}",
        "raw_url": f"{html}/raw/{sha}/{path}",
        "contents_url": f"{root}/contents/{path}?ref={sha}",
    }
    if file.patch is not None:
        shape["patch"] = file.patch
    if file.previous_path is not None:
        shape["previous_filename"] = file.previous_path
    return shape


def reference(state: State, one: Repository, name: str, sha: str, kind: str = "commit") -> Json:
    root = api(state, one)
    return {
        "ref": name,
        "node_id": f"REF_{one.id}_{name}",
        "url": f"{root}/git/{name}",
        "object": {"type": kind, "sha": sha, "url": f"{root}/git/{kind}s/{sha}"},
    }
