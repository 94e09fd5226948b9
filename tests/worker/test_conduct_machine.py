"""Whatever happens to a pull request, in whatever order: nobody is told twice, or against their word."""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from desk import MODELS, REPOSITORY, Desk
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from redis import Redis

from sandbox import faults
from sandbox.server import StandIn
from worker.github.errors import UnavailableError
from worker.request import Closing, DeletedComment

FUNCTIONS = ("rate_a", "rate_b", "rate_c")
PATHS = ("shop/rates.py", "shop/prices.py")
CRASHES = (
    ("POST", r"/reviews$"),
    ("DELETE", r"/pulls/comments/"),
    ("PATCH", r"/pulls/comments/"),
    ("PUT", r"/reviews/"),
    ("PATCH", r"/check-runs/"),
)
_SAYING = re.compile(r"/pulls/\d+/(?:reviews|comments)$")
_NAMED = re.compile(r"→ (rate_[abc])")
functions = st.sampled_from(FUNCTIONS)


def source(bad: frozenset[str], above: int, blanks: int) -> str:
    """Three functions, some without a time-out, laid out in one of many ways."""
    parts = ["import requests\n" + "# a note\n" * above]
    for name in FUNCTIONS:
        timeout = "" if name in bad else ", timeout=10"
        space = " " * blanks
        parts.append(
            f"\n\ndef {name}(host):\n"
            f'    """Ask {name}."""\n'
            f"    answer = requests.get({space}host{timeout})\n"
            f"    answer.raise_for_status()\n"
            f"    return answer.json()\n"
        )
    return "".join(parts)


class Conduct(RuleBasedStateMachine):
    """One pull request, its author alice and the maintainer walter."""

    redis_url: str
    desk: Desk

    def __init__(self) -> None:
        super().__init__()
        self.opened = ExitStack()
        self.patch = self.opened.enter_context(pytest.MonkeyPatch.context())
        self.github = self.opened.enter_context(StandIn.start())
        self.redis = self.opened.enter_context(
            Redis.from_url(self.redis_url, decode_responses=True)
        )
        self.redis.flushall()
        self.bad: frozenset[str] = frozenset(FUNCTIONS[:2])
        self.path = PATHS[0]
        self.above = self.blanks = 0
        self.settled: dict[str, int] = {}
        self.ignored = set[str]()
        self.pushes = 0

    def teardown(self) -> None:
        violations = self.github.violations
        self.opened.close()
        assert violations == []

    @initialize(may_write=st.booleans())
    def open(self, *, may_write: bool) -> None:
        folder = self.opened.enter_context(tempfile.TemporaryDirectory())
        key = Path(folder) / "key.pem"
        key.write_text(self.github.private_key_pem)
        key.chmod(0o600)
        for name, value in self.github.environment(key).items():
            self.patch.setenv(name, str(value))
        self.patch.setenv("STET_REDIS_URL", self.redis_url)
        self.patch.setenv("STET_AUTOFIX", "true")
        self.github.create_repository(REPOSITORY)
        for login, role in (("alice", "read"), ("walter", "write")):
            self.github.create_user(login)
            self.github.set_permission(REPOSITORY, login, role)
        self.desk = Desk(self.github, self.redis, self.github.install([REPOSITORY]))
        if may_write:
            installation = self.github.state.installations[self.desk.installation]
            installation.permissions["contents"] = "write"
        base = {"shop/models.py": MODELS, self.path: source(frozenset(), 0, 0)}
        self.github.commit(REPOSITORY, "main", base)
        self.desk.open({self.path: source(self.bad, 0, 0)}, by="alice")
        self.desk.review()

    def standing(self) -> list[dict[str, Any]]:
        """Stet's words that still hold."""
        ours = [c for c in self.desk.comments() if c["user"]["login"] == self.github.bot_login]
        return [
            c for c in ours if c.get("in_reply_to_id") is None and not c["body"].startswith("~~")
        ]

    def about(self, name: str) -> dict[str, Any] | None:
        return next((c for c in self.standing() if name in _NAMED.findall(c["body"])), None)

    def settle(self, name: str, comment: int) -> None:
        """From now on nobody wants to hear of this function again."""
        self.settled.setdefault(name, comment)

    def files(self) -> dict[str, str | bytes | None]:
        now: dict[str, str | bytes | None] = dict.fromkeys(PATHS)
        now[self.path] = source(self.bad, self.above, self.blanks)
        return now

    def push(self) -> None:
        self.desk.commit(self.files())
        self.desk.review()

    @rule()
    def force_push(self) -> None:
        self.pushes += 1
        squashed = self.github.commit(
            REPOSITORY, f"squashed-{self.pushes}", self.files(), base="main", push=False
        )
        self.github.push(REPOSITORY, "feature", revision=squashed)
        self.desk.review()

    @rule(name=functions)
    def break_or_mend(self, name: str) -> None:
        self.bad ^= {name}
        self.push()

    @rule(above=st.integers(0, 6), blanks=st.integers(0, 2))
    def lay_out(self, above: int, blanks: int) -> None:
        self.above, self.blanks = above, blanks
        self.push()

    @rule()
    def rename(self) -> None:
        self.path = PATHS[1 - PATHS.index(self.path)]
        self.push()

    @rule()
    def redeliver(self) -> None:
        self.desk.review()

    @rule(name=functions)
    def ignore(self, name: str) -> None:
        comment = self.about(name)
        if comment is not None:
            self.redis.delete(*self.redis.keys("{stet}:rate:*") or ["none"])
            self.desk.ask("/stet ignore we know", "walter", thread=comment["id"])
            self.settle(name, comment["id"])
            self.ignored.add(name)

    @rule(name=functions)
    def resolve(self, name: str) -> None:
        comment = self.about(name)
        if comment is not None:
            self.github.resolve(REPOSITORY, self.desk.number, comment["id"], by="walter")
            self.settle(name, comment["id"])
            self.desk.review()

    @rule(name=functions)
    def unresolve(self, name: str) -> None:
        comment = self.about(name)
        if comment is not None:
            number = self.desk.number
            self.github.unresolve(REPOSITORY, number, comment["id"], by="walter")
            if self.settled.get(name) == comment["id"] and name not in self.ignored:
                del self.settled[name]
            self.desk.review()

    @rule(name=functions, told=st.booleans())
    def delete(self, name: str, *, told: bool) -> None:
        comment = self.about(name)
        if comment is not None:
            number = self.desk.number
            self.github.delete_review_comment(REPOSITORY, number, comment["id"], by="walter")
            self.settle(name, comment["id"])
            self.ignored.add(name)
            if told:
                self.desk.errand(DeletedComment(self.desk.key, comment["id"], "walter"))
            self.desk.review()

    @rule(name=functions)
    def answer(self, name: str) -> None:
        comment = self.about(name)
        if comment is not None:
            self.github.reply(REPOSITORY, self.desk.number, comment["id"], "Hm.", by="alice")

    @rule()
    def lose_an_answer(self) -> None:
        self.github.faults.add(
            faults.bad_gateway_after_success(), method="POST", path=r"/reviews$", times=1
        )
        self.push()
        self.github.faults.clear()

    @rule(place=st.sampled_from(CRASHES))
    def crash(self, place: tuple[str, str]) -> None:
        """GitHub takes nothing of one kind any more, so that the job breaks off in the middle."""
        method, path = place
        self.github.faults.add(faults.server_error(), method=method, path=path, times=9)
        with suppress(UnavailableError):
            self.push()
        self.github.faults.clear()
        self.desk.turns.sweep()
        for pull, _due in self.redis.zscan_iter("{stet}:later"):
            self.redis.zadd("{stet}:later", {pull: 0})
        self.desk.turns.sweep()
        self.desk.turn()

    @rule()
    def close_and_reopen(self) -> None:
        self.github.close(REPOSITORY, self.desk.number)
        self.desk.errand(Closing(self.desk.key, is_merged=False))
        self.github.reopen(REPOSITORY, self.desk.number)
        self.desk.review("reopened")

    @rule()
    def draft_and_back(self) -> None:
        self.github.convert_to_draft(REPOSITORY, self.desk.number)
        self.push()
        self.github.ready_for_review(REPOSITORY, self.desk.number)
        self.desk.review("ready_for_review")

    @rule()
    def lose_the_ledger(self) -> None:
        self.redis.delete(*self.redis.keys("{stet}:ledger:*") or ["none"])

    @invariant()
    def nothing_is_said_twice(self) -> None:
        if not hasattr(self, "desk"):
            return
        names = [name for c in self.standing() for name in _NAMED.findall(c["body"])]
        assert sorted(names) == sorted(set(names))

    @invariant()
    def what_was_settled_does_not_return(self) -> None:
        if not hasattr(self, "desk"):
            return
        for name, comment in self.settled.items():
            now = self.about(name)
            assert now is None or now["id"] == comment

    @invariant()
    def each_commit_has_one_review_and_a_verdict(self) -> None:
        if not hasattr(self, "desk"):
            return
        commits = [each["commit_id"] for each in self.desk.reviews() if each["body"]]
        ours = [c for c in commits if c is not None]
        assert len(ours) == len(set(ours))
        assert set(self.desk.mails()) <= {"review"}
        assert all(each["status"] == "completed" for each in self.desk.checks())

    @invariant()
    def github_never_had_to_refuse_a_place(self) -> None:
        said = [e for e in self.github.exchanges if e.method == "POST" and _SAYING.search(e.path)]
        assert [e.path for e in said if e.status == 422] == []


@pytest.mark.fault(10, 18, 22)
@pytest.mark.timeout(3600)
def test_no_sequence_of_events_makes_stet_repeat_itself(redis_url: str) -> None:
    Conduct.redis_url = redis_url
    run_state_machine_as_test(
        Conduct,
        settings=settings(
            max_examples=int(os.environ.get("STET_CONDUCT_EXAMPLES", "5")),
            stateful_step_count=int(os.environ.get("STET_CONDUCT_STEPS", "8")),
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
