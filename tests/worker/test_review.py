from __future__ import annotations

import pytest
from findings import pull_request

from rules.engine.config import Config, parse
from worker.github.pulls import Opened
from worker.review import configure, reason_to_skip, why


@pytest.mark.parametrize(
    ("author", "skipped"),
    [("dependabot[bot]", True), ("Renovate[BOT]", True), ("robot", False), ("alice", False)],
)
def test_bots_are_those_whose_name_ends_in_bot_in_brackets(author: str, *, skipped: bool) -> None:
    reason = reason_to_skip(pull_request(author=author), Config.default())

    assert bool(reason) is skipped


def test_a_label_or_another_base_branch_skips_the_review() -> None:
    only_main = parse('[review]\nbase_branches = ["main", "release/*"]', ".stet.toml")

    assert reason_to_skip(pull_request(labels=frozenset({"stet:skip"})), Config.default())
    assert reason_to_skip(pull_request(base_branch="develop"), only_main)
    assert not reason_to_skip(pull_request(base_branch="release/1.2"), only_main)


def test_only_the_actions_that_are_named_start_a_review_by_themselves() -> None:
    once = parse('[review]\non = ["opened", "ready_for_review"]', ".stet.toml")

    assert reason_to_skip(pull_request(), once, "synchronize").startswith("`synchronize` starts no")
    assert not reason_to_skip(pull_request(), once, "opened")
    assert not reason_to_skip(pull_request(), once)


def test_the_file_of_its_own_wins_over_the_project_file() -> None:
    pull = pull_request()
    project = b"[tool.stet.review]\nmax_inline = 3\n"

    own = configure(Opened(pull, b"[review]\nmax_inline = 5\n", project))
    shared = configure(Opened(pull, None, project))
    none = configure(Opened(pull, None, b"[project]\nname = 'x'\n"))

    assert (own.config.review.max_inline, own.origin) == (5, ".stet.toml of main")
    assert (shared.config.review.max_inline, shared.origin) == (3, "pyproject.toml of main")
    assert (none.config, none.origin) == (Config.default(), "defaults")


def test_a_configuration_with_a_mistake_is_replaced_by_the_defaults() -> None:
    configured = configure(Opened(pull_request(), b"[review\n", None))

    assert configured.config == Config.default()
    assert [(each.path, each.line) for each in configured.problems] == [(".stet.toml", 1)]


def test_the_why_of_a_rule_is_its_prose_and_not_its_examples() -> None:
    text = why("SEC124")

    assert text.startswith("`requests`")
    assert "no timeout of their own" in text
    assert "Bad:" not in text
    assert "```" not in text
    assert why("XXX999") == ""
