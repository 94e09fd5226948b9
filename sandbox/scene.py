"""Setting the scene: accounts, repositories, forks, installations, commits."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sandbox.acts import pulls as pull_acts
from sandbox.apps import make_app
from sandbox.entities import App, Installation, Repository
from sandbox.events import emit_installation
from sandbox.git import Git, Person
from sandbox.shapes import repositories
from sandbox.state import State


class Scene:
    """What can be arranged on a stand-in. Repositories are named `owner/name`."""

    state: State
    app: App

    def create_user(self, login: str) -> str:
        """A personal token of the account, which is made where it is unknown."""
        with self.state.lock:
            return self.state.make_token(self.state.make_user(login))

    def create_app(
        self,
        name: str,
        *,
        webhook_url: str | None = None,
        webhook_secret: str = "another secret",  # noqa: S107 - a sample by intent
    ) -> App:
        """A second App beside the first."""
        with self.state.lock:
            return make_app(
                self.state, name, webhook_url=webhook_url, webhook_secret=webhook_secret
            )

    def create_repository(
        self,
        full_name: str,
        source: Path | str | None = None,
        *,
        private: bool = True,
        default_branch: str | None = None,
    ) -> int:
        """A repository with every branch of a local git repository, or with one first commit."""
        owner, _, name = full_name.partition("/")
        with self.state.lock:
            if self.state.repository(owner, name) is not None:
                raise ValueError(f"{full_name} exists already")
            account = self.state.make_user(owner, "Organization")
            number = self.state.new_id("repository")
            git = Git.create(self.state.folder / f"{number}.git")
            now = self.state.now()
            one = Repository(
                number, account, name, git, private, default_branch or "main", now, now
            )
            self.state.repositories[number] = one
            if source is not None:
                git.fetch(str(Path(source).resolve()), "+refs/heads/*:refs/heads/*")
                one.default_branch = default_branch or _default_branch(git, Path(source))
                if one.default_branch not in git.branches():
                    raise ValueError(f"{source} has no branch {one.default_branch}")
            else:
                who = Person(owner, f"{owner}@example.com", now)
                tree = git.write_tree(
                    None, [("100644", "README.md", git.write_blob(b"# " + name.encode() + b"\n"))]
                )
                first = git.write_commit(tree, [], "First commit", who, who)
                git.set_ref(f"refs/heads/{one.default_branch}", first)
            git.run("symbolic-ref", "HEAD", f"refs/heads/{one.default_branch}")
            return number

    def fork(self, full_name: str, owner: str) -> str:
        """A fork in somebody's account; answers its full name."""
        with self.state.lock:
            parent = self._repository(full_name)
            account = self.state.make_user(owner)
            number = self.state.new_id("repository")
            git = Git.create(self.state.folder / f"{number}.git")
            git.fetch(str(parent.git.path), "+refs/heads/*:refs/heads/*")
            now = self.state.now()
            self.state.repositories[number] = Repository(
                number, account, parent.name, git, parent.private, parent.default_branch,
                now, now, parent=parent,
            )  # fmt: skip
            return f"{account.login}/{parent.name}"

    def delete_repository(self, full_name: str) -> None:
        """Pull requests from a deleted fork stay; their head repository is gone."""
        with self.state.lock:
            one = self._repository(full_name)
            for pull in self.state.pull_requests.values():
                if pull.head_repository is one and pull.repository is not one:
                    pull.head_repository = None
            one.git.close()
            del self.state.repositories[one.id]
            shutil.rmtree(one.git.path, ignore_errors=True)

    def git_path(self, full_name: str) -> Path:
        return self._repository(full_name).git.path

    def install(
        self,
        repositories_: Iterable[str] | None = None,
        *,
        account: str | None = None,
        permissions: Mapping[str, str] | None = None,
        app: App | None = None,
    ) -> int:
        """Install the App on some repositories (None: all) of an account; answers the id."""
        names = None if repositories_ is None else list(repositories_)
        app = app or self.app
        with self.state.lock:
            login = account or (names[0].partition("/")[0] if names else None)
            if login is None:
                raise ValueError("install() needs repositories or an account")
            owner = self.state.make_user(login, "Organization")
            chosen = None if names is None else {self._repository(name).id for name in names}
            now = self.state.now()
            one = Installation(
                self.state.new_id("installation"),
                app,
                owner,
                {
                    "metadata": "read",
                    **(permissions if permissions is not None else app.permissions),
                },
                chosen,
                now,
                now,
            )
            self.state.installations[one.id] = one
            every = self.state.repositories.values()
            shapes = [repositories.installed_repository(r) for r in every if one.covers(r)]
            self._tell_installation(one, "created", repositories=shapes, requester=None)
            return one.id

    def _tell_installation(self, one: Installation, action: str, **fields: Any) -> None:
        emit_installation(self.state, one, action, one.account, **fields)

    def suspend(self, installation: int) -> None:
        with self.state.lock:
            one = self.state.installations[installation]
            one.suspended_at, one.suspended_by = self.state.now(), one.account
            self._tell_installation(one, "suspend")

    def unsuspend(self, installation: int) -> None:
        with self.state.lock:
            one = self.state.installations[installation]
            one.suspended_at = one.suspended_by = None
            self._tell_installation(one, "unsuspend")

    def uninstall(self, installation: int) -> None:
        with self.state.lock:
            one = self.state.installations[installation]
            self._tell_installation(one, "deleted")
            one.removed = True

    def change_repositories(
        self, installation: int, *, add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> None:
        """Add repositories to an installation of selected ones, or take them away."""
        with self.state.lock:
            one = self.state.installations[installation]
            added = [self._repository(name) for name in add]
            removed = [self._repository(name) for name in remove]
            chosen = one.repository_ids or set()
            one.repository_ids = (chosen | {r.id for r in added}) - {r.id for r in removed}
            for action, changed in (("added", added), ("removed", removed)):
                if changed:
                    self._tell_repositories(one, action, changed)

    def _tell_repositories(self, one: Installation, action: str, changed: list[Repository]) -> None:
        shapes = [repositories.installed_repository(repository) for repository in changed]
        emit_installation(
            self.state,
            one,
            action,
            one.account,
            "installation_repositories",
            repository_selection="selected",
            repositories_added=shapes if action == "added" else [],
            repositories_removed=shapes if action == "removed" else [],
            requester=None,
        )

    def set_permission(self, full_name: str, login: str, role: str | None) -> None:
        """read, triage, write, maintain, admin, or None to take it away."""
        with self.state.lock:
            account = self.state.make_user(login)
            pull_acts.set_role(self._repository(full_name), account, role)

    def commit(
        self,
        full_name: str,
        branch: str,
        files: Mapping[str, str | bytes | None],
        *,
        message: str = "Change",
        by: str = "alice",
        base: str | None = None,
        push: bool = True,
    ) -> str:
        """A commit that writes (None: removes) files on a branch, made from `base` if new."""
        with self.state.lock:
            one = self._repository(full_name)
            branches = one.git.branches()
            tip = branches.get(branch) or branches[base or one.default_branch]
            changes = [
                ("100644", path, None if content is None else one.git.write_blob(_bytes(content)))
                for path, content in files.items()
            ]
            tree = one.git.write_tree(one.git.commit(tip).tree, changes)
            author = self.state.make_user(by)
            who = Person(author.name, f"{author.login}@example.com", self.state.now())
            sha = one.git.write_commit(tree, [tip], message, who, who)
            if push:
                pull_acts.move_branch(self.state, one, branch, sha, author)
            return sha

    def push(
        self,
        full_name: str,
        branch: str,
        *,
        source: Path | str | None = None,
        revision: str | None = None,
        by: str = "alice",
    ) -> str:
        """Point a branch at a revision, fetched from a local repository where one is given."""
        with self.state.lock:
            one = self._repository(full_name)
            wanted = revision or branch
            if source is not None:
                one.git.fetch(str(Path(source).resolve()), f"+{wanted}:refs/stand-in/incoming")
                wanted = "refs/stand-in/incoming"
            sha = one.git.resolve(wanted)
            if sha is None:
                raise ValueError(f"no commit {revision or branch}")
            pull_acts.move_branch(self.state, one, branch, sha, self.state.make_user(by))
            return sha

    def delete_branch(self, full_name: str, branch: str, *, by: str = "alice") -> None:
        with self.state.lock:
            one = self._repository(full_name)
            pull_acts.move_branch(self.state, one, branch, None, self.state.make_user(by))

    def _repository(self, full_name: str) -> Repository:
        owner, _, name = full_name.partition("/")
        found = self.state.repository(owner, name)
        if found is None:
            raise ValueError(f"no repository {full_name}")
        return found


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _default_branch(git: Git, source: Path) -> str:
    """The branch that the source is on; where it is on none, main, master or the first."""
    branches = git.branches()
    done = Git(source, own=False).attempt("symbolic-ref", "--quiet", "--short", "HEAD")
    for name in (done.stdout.decode().strip(), "main", "master", *sorted(branches)):
        if name in branches:
            return name
    raise ValueError(f"{source} has no branch with a commit")
