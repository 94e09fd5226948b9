"""The stand-in GitHub as one object: start it, act as people, look at what happened.

It is no GitHub: it was written from GitHub's published descriptions and never compared
with the real service.
"""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn

from sandbox.acts import checks as check_acts
from sandbox.acts import comments as comment_acts
from sandbox.acts import pulls as pull_acts
from sandbox.acts import reviews as review_acts
from sandbox.apps import DEFAULT_EVENTS, DEFAULT_PERMISSIONS, make_app
from sandbox.clock import Clock
from sandbox.contract import Contract
from sandbox.deliveries import Deliveries, Delivery
from sandbox.entities import (
    App,
    Installation,
    Json,
    Mail,
    PullRequest,
    Repository,
    ReviewComment,
    User,
)
from sandbox.events import emit_installation, emit_ping
from sandbox.exchange import Exchange
from sandbox.faults import Faults
from sandbox.gateway import Gateway
from sandbox.git import Git, Person
from sandbox.graphql import GraphQL
from sandbox.limits import Limits
from sandbox.shapes import accounts, checks, comments, repositories
from sandbox.state import State, node_id
from sandbox.web import application, handlers

START_TIMEOUT = 20.0  # seconds


@dataclass(frozen=True)
class Thread:
    """A review thread as a person sees it."""

    id: str  # the GraphQL id
    path: str
    line: int | None
    outdated: bool
    resolved_by: str | None
    comments: list[Json]


class StandIn:
    """A running stand-in GitHub with one App. Use it as a context manager."""

    def __init__(
        self,
        state: State,
        gateway: Gateway,
        app: App,
        server: uvicorn.Server,
        thread: threading.Thread,
    ) -> None:
        self.state = state
        self.clock = state.clock
        self.faults = state.faults
        self.app = app
        self._gateway = gateway
        self._server = server
        self._thread = thread

    @classmethod
    def start(
        cls,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        webhook_url: str | None = None,
        webhook_secret: str = "a secret of the stand-in",  # noqa: S107 - a sample by intent
        app_name: str = "Stet",
        permissions: Mapping[str, str] = DEFAULT_PERMISSIONS,
        events: Iterable[str] = DEFAULT_EVENTS,
        requests_per_hour: int = 5000,
        content_per_minute: int = 80,
    ) -> StandIn:
        """Serve on a port of this machine (0: any free one) in a thread of its own."""
        contract, clock = Contract.load(), Clock()
        faults = Faults(clock)
        state = State(
            folder=Path(tempfile.mkdtemp(prefix="stand-in-github-")),
            contract=contract,
            clock=clock,
            faults=faults,
            deliveries=Deliveries(contract, clock, faults),
        )
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        state.url = f"http://{host}:{listener.getsockname()[1]}"
        limits = Limits(clock, requests_per_hour, content_per_minute)
        gateway = Gateway(state, handlers(), GraphQL(state, limits), limits)
        app = make_app(
            state,
            app_name,
            webhook_url=webhook_url,
            webhook_secret=webhook_secret,
            permissions=permissions,
            events=events,
        )
        server = uvicorn.Server(
            uvicorn.Config(
                application(state, gateway),
                lifespan="off",
                ws="none",
                log_config=None,
                log_level="critical",
                access_log=False,
                timeout_graceful_shutdown=1,
            )
        )
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="stand-in", daemon=True
        )
        thread.start()
        one = cls(state, gateway, app, server, thread)
        one._wait_until_started()
        return one

    def _wait_until_started(self) -> None:
        end = time.monotonic() + START_TIMEOUT
        while not self._server.started:
            if time.monotonic() > end or not self._thread.is_alive():
                self.stop()
                raise RuntimeError("the stand-in GitHub did not start")
            time.sleep(0.01)

    def stop(self) -> None:
        """End the server and remove the repositories."""
        self._server.should_exit = True
        self._thread.join(timeout=START_TIMEOUT)
        self.state.deliveries.close()
        for repository in self.state.repositories.values():
            repository.git.close()
        shutil.rmtree(self.state.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # What a client must know

    @property
    def url(self) -> str:
        """Of the pages, without a slash at the end."""
        return self.state.url

    @property
    def api_url(self) -> str:
        """Of the REST API; GraphQL is found from it as on GitHub Enterprise Server."""
        return self.state.api_url

    @property
    def app_id(self) -> int:
        return self.app.id

    @property
    def client_id(self) -> str:
        return self.app.client_id

    @property
    def app_slug(self) -> str:
        return self.app.slug

    @property
    def bot_login(self) -> str:
        return self.app.bot.login

    @property
    def private_key_pem(self) -> str:
        return self.app.private_key_pem

    @property
    def webhook_secret(self) -> str:
        return self.app.webhook_secret

    def environment(self, key_file: Path) -> dict[str, str]:
        """The settings of a client of this App, given where its private key is written."""
        return {
            "STET_GITHUB_API_URL": self.api_url,
            "STET_APP_ID": str(self.app_id),
            "STET_PRIVATE_KEY_FILE": str(key_file),
            "STET_WEBHOOK_SECRET": self.webhook_secret,
        }

    def set_webhook(self, url: str | None, *, ping: bool = True) -> None:
        with self.state.lock:
            self.app.webhook_url = url
            if url and ping:
                emit_ping(self.state, self.app)

    # People, repositories, installations

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

    # Code

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

    # Pull requests, as people

    def open_pull_request(
        self,
        full_name: str,
        *,
        head: str,
        base: str | None = None,
        title: str | None = None,
        by: str = "alice",
        body: str | None = None,
        draft: bool = False,
    ) -> int:
        """Open one from a branch (`owner:branch` for a fork's); answers its number."""
        with self.state.lock:
            one = self._repository(full_name)
            pull = pull_acts.open_pull_request(
                self.state,
                one,
                self.state.make_user(by),
                head=head,
                base=base or one.default_branch,
                title=title or head,
                body=body,
                draft=draft,
            )
            return pull.number

    def comment(self, full_name: str, number: int, body: str, *, by: str) -> int:
        with self._acting(full_name, number, by) as (pull, user):
            return comment_acts.comment(self.state, pull, user, body).id

    def reply(self, full_name: str, number: int, comment: int, body: str, *, by: str) -> int:
        """Answer in the thread that a comment belongs to."""
        with self._acting(full_name, number, by) as (pull, user):
            thread = self._thread_of(pull, comment)
            return review_acts.reply(self.state, pull, user, thread, body).id

    def resolve(self, full_name: str, number: int, comment: int, *, by: str) -> None:
        self._set_resolved(full_name, number, comment, by, resolved=True)

    def unresolve(self, full_name: str, number: int, comment: int, *, by: str) -> None:
        self._set_resolved(full_name, number, comment, by, resolved=False)

    def _set_resolved(
        self, full_name: str, number: int, comment: int, by: str, *, resolved: bool
    ) -> None:
        with self._acting(full_name, number, by) as (pull, user):
            thread = self.state.threads[self._thread_of(pull, comment)]
            review_acts.set_resolved(self.state, thread, user, resolved=resolved)

    def close(self, full_name: str, number: int, *, by: str = "alice") -> None:
        with self._acting(full_name, number, by) as (pull, user):
            pull_acts.close(self.state, pull, user)

    def reopen(self, full_name: str, number: int, *, by: str = "alice") -> None:
        with self._acting(full_name, number, by) as (pull, user):
            pull_acts.reopen(self.state, pull, user)

    def ready_for_review(self, full_name: str, number: int, *, by: str = "alice") -> None:
        with self._acting(full_name, number, by) as (pull, user):
            pull_acts.set_draft(self.state, pull, user, draft=False)

    def convert_to_draft(self, full_name: str, number: int, *, by: str = "alice") -> None:
        with self._acting(full_name, number, by) as (pull, user):
            pull_acts.set_draft(self.state, pull, user, draft=True)

    def retarget(self, full_name: str, number: int, *, base: str, by: str = "alice") -> None:
        with self._acting(full_name, number, by) as (pull, user):
            pull_acts.edit(self.state, pull, user, base=base)

    def merge(self, full_name: str, number: int, *, by: str = "alice") -> str:
        with self._acting(full_name, number, by) as (pull, user):
            return pull_acts.merge(self.state, pull, user)

    def add_label(self, full_name: str, number: int, name: str, *, by: str = "alice") -> None:
        with self._acting(full_name, number, by) as (pull, user):
            pull_acts.add_label(self.state, pull, user, name)

    def remove_label(self, full_name: str, number: int, name: str, *, by: str = "alice") -> None:
        with self._acting(full_name, number, by) as (pull, user):
            pull_acts.remove_label(self.state, pull, user, name)

    def rerequest_check(self, full_name: str, check_run: int, *, by: str = "alice") -> None:
        """Press "Re-run" on a check run."""
        with self.state.lock:
            self._repository(full_name)
            run = self.state.check_runs[check_run]
            check_acts.rerequest_run(self.state, run, self.state.make_user(by))

    def rerequest_suite(self, full_name: str, ref: str, *, by: str = "alice") -> None:
        """Press "Re-run all checks" for a commit or branch."""
        with self.state.lock:
            one = self._repository(full_name)
            sha = one.git.resolve(ref) or ref
            for suite in list(self.state.check_suites.values()):
                if suite.repository is one and suite.head_sha == sha:
                    check_acts.rerequest_suite(self.state, suite, self.state.make_user(by))

    def request_action(
        self, full_name: str, check_run: int, identifier: str, *, by: str = "alice"
    ) -> None:
        """Press one of the App's own buttons on a check run."""
        with self.state.lock:
            self._repository(full_name)
            run = self.state.check_runs[check_run]
            check_acts.request_action(self.state, run, identifier, self.state.make_user(by))

    # What was recorded

    @property
    def exchanges(self) -> list[Exchange]:
        return list(self._gateway.exchanges)

    @property
    def deliveries(self) -> list[Delivery]:
        return self.state.deliveries.log

    @property
    def mails(self) -> list[Mail]:
        return list(self.state.mails)

    @property
    def violations(self) -> list[str]:
        """Everything that was not as GitHub describes it. Empty when all is well."""
        said = [
            f"{one.method} {one.path}: {text}" for one in self.exchanges for text in one.violations
        ]
        told = [f"{one.name}: {text}" for one in self.deliveries for text in one.violations]
        return said + told

    def wait_until_delivered(self, timeout: float = 30.0) -> bool:
        """Whether all events so far were handed over within so many seconds."""
        return self.state.deliveries.wait_until_sent(timeout)

    def pull_request(self, full_name: str, number: int) -> PullRequest:
        return self.state.pull_requests[self._repository(full_name).id, number]

    def reviews(self, full_name: str, number: int) -> list[Json]:
        with self.state.lock:
            pull = self.pull_request(full_name, number)
            return [comments.review(self.state, one) for one in self.state.reviews_of(pull)]

    def review_comments(self, full_name: str, number: int) -> list[Json]:
        with self.state.lock:
            pull = self.pull_request(full_name, number)
            found = self.state.review_comments_of(pull)
            return [comments.review_comment(self.state, one) for one in found]

    def issue_comments(self, full_name: str, number: int) -> list[Json]:
        with self.state.lock:
            pull = self.pull_request(full_name, number)
            found = self.state.issue_comments_of(pull)
            return [comments.issue_comment(self.state, one) for one in found]

    def threads(self, full_name: str, number: int) -> list[Thread]:
        with self.state.lock:
            pull = self.pull_request(full_name, number)
            return [
                self._thread_shape(thread.id, thread.resolved_by, members)
                for thread, members in self.state.threads_of(pull)
            ]

    def _thread_shape(
        self, number: int, resolved_by: User | None, members: list[ReviewComment]
    ) -> Thread:
        from sandbox.diffview import anchor_now

        now = anchor_now(members[0])
        return Thread(
            id=node_id("PRRT", number),
            path=members[0].original.path,
            line=now.line if now else None,
            outdated=now is None,
            resolved_by=resolved_by.login if resolved_by else None,
            comments=[comments.review_comment(self.state, one) for one in members],
        )

    def check_runs(self, full_name: str, ref: str) -> list[Json]:
        """The check runs of a commit or branch, oldest first, with `annotations` and `actions`."""
        with self.state.lock:
            one = self._repository(full_name)
            sha = one.git.resolve(ref) or ref
            return [
                checks.run(self.state, run)
                | {"annotations": list(run.annotations), "actions": list(run.actions)}
                for run in self.state.check_runs_of(one, sha)
            ]

    def user_shape(self, login: str) -> Json:
        return accounts.user(self.state, self.state.make_user(login))

    # Inside

    def _repository(self, full_name: str) -> Repository:
        owner, _, name = full_name.partition("/")
        found = self.state.repository(owner, name)
        if found is None:
            raise ValueError(f"no repository {full_name}")
        return found

    def _thread_of(self, pull: PullRequest, comment: int) -> int:
        for thread, members in self.state.threads_of(pull):
            if any(one.id == comment for one in members):
                return thread.id
        raise ValueError(f"no review comment {comment} in #{pull.number}")

    @contextmanager
    def _acting(self, full_name: str, number: int, by: str) -> Iterator[tuple[PullRequest, User]]:
        with self.state.lock:
            yield self.pull_request(full_name, number), self.state.make_user(by)


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _default_branch(git: Git, source: Path) -> str:
    """The branch that the source is on; where it is on none, main, master or the first."""
    branches = git.branches()
    done = Git(source).attempt("symbolic-ref", "--quiet", "--short", "HEAD")
    for name in (done.stdout.decode().strip(), "main", "master", *sorted(branches)):
        if name in branches:
            return name
    raise ValueError(f"{source} has no branch with a commit")
