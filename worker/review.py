"""One review, from the state of the pull request on GitHub to what is said about it."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from rules.engine import config as configuration
from rules.engine.apart import review_apart
from rules.engine.config import Config, ConfigError, ConfigProblem
from rules.engine.discover import find_rule, selected
from rules.engine.finding import Report
from rules.engine.options import options_of
from rules.engine.snapshot import RecordCache
from rules.engine.version import engine_version, rule_pack_version
from worker.github.change import Fetched, fetch_change
from worker.github.checks import Checks
from worker.github.client import Client
from worker.github.errors import GoneError, InstallationGoneError
from worker.github.gate import Gate
from worker.github.publish import Speaker
from worker.github.pulls import Opened, read_standing
from worker.open_checks import OpenChecks
from worker.plan import ReviewPlan, moved_to_summary, plan
from worker.pull_request import PullRequest
from worker.render.check import About, CheckText, check_text
from worker.turns import TurnSupersededError

log = logging.getLogger(__name__)

_MOST_WHY = 700
SKIP_LABEL = "stet:skip"


@dataclass(frozen=True)
class Tools:
    """What a review works with. `ensure_current` guards what is said, `ensure_held` the check."""

    client: Client
    cache: RecordCache
    ensure_current: Gate
    ensure_held: Gate
    open_checks: OpenChecks
    attempt: int = 1

    @property
    def checks(self) -> Checks:
        return Checks(self.client, self.ensure_held, self.open_checks)


class SupersededError(Exception):
    """The pull request moved on while it was reviewed."""

    def __init__(self, why: str, *, comes_again: bool) -> None:
        super().__init__(why)
        self.comes_again = comes_again


@dataclass(frozen=True)
class Configured:
    """The configuration of the base branch, where it stands, and what is wrong with it."""

    config: Config
    origin: str
    problems: tuple[ConfigProblem, ...] = ()


def review_pull_request(opened: Opened, tools: Tools) -> None:
    """Review and publish, with a check run that is open meanwhile.

    Raises SupersededError or TurnSupersededError, after closing the check run, if a newer
    state is to be reviewed.
    Any other exception leaves the check run open for the next try.
    """
    pull_request, configured = opened.pull_request, configure(opened)
    checks = tools.checks
    name = configured.config.check.name
    if configured.config.review.drafts == "off" and pull_request.is_draft:
        return
    skip = reason_to_skip(pull_request, configured.config)
    if skip:
        checks.conclude(name, pull_request.head, "neutral", f"Skipped: {skip}", _SKIPPED)
        return
    check = checks.start(name, pull_request.head, tools.attempt)
    try:
        done = _review(pull_request, configured, tools)
    except SupersededError as news:
        checks.finish(check, "cancelled", CheckText(str(news), _SUPERSEDED, "", ()))
        raise
    except TurnSupersededError:
        title = "Superseded by a newer push"
        checks.finish(check, "cancelled", CheckText(title, _SUPERSEDED, "", ()))
        raise
    except InstallationGoneError:
        raise
    except GoneError as gone:
        log.info("%s cannot be read: %s", pull_request.key, gone)
        checks.finish(check, "neutral", CheckText("Could not be read", _GONE, "", ()))
        return
    checks.finish(check, done.plan.conclusion, done.text)


_SKIPPED = "Nothing was reviewed. The configuration of the base branch, or a label, says so."
_GONE = (
    "GitHub does not give the change: its commit is gone, or it has no history in common with the "
    "base branch. Nothing was reviewed."
)
_SUPERSEDED = "The pull request changed while it was reviewed. Nothing was said about this commit."


@dataclass(frozen=True)
class _Done:
    plan: ReviewPlan
    text: CheckText


def _review(pull_request: PullRequest, configured: Configured, tools: Tools) -> _Done:
    began = time.monotonic()
    fetched = fetch_change(tools.client, pull_request, tools.cache)
    pull_request = replace(pull_request, merge_base=fetched.merge_base)
    report, configured = _report(fetched, configured)
    may_resolve = tools.client.may_resolve
    decided = plan(
        pull_request,
        report,
        configured.config,
        fetched.diff,
        configured.problems,
        may_resolve=may_resolve,
    )
    if decided.speaks:
        _ensure_unmoved(pull_request, tools.client)
        speaker = Speaker(tools.client, pull_request, tools.ensure_current, why)
        decided = moved_to_summary(decided, speaker.say(decided).refused, configured.config)
    else:
        tools.ensure_current()
    about = About(
        config_origin=configured.origin,
        engine=engine_version(),
        rule_pack=rule_pack_version(),
        seconds=time.monotonic() - began,
        problems=configured.problems,
    )
    log.info(
        "%s reviewed: %d findings, %d comments, %d calls, %.1f s",
        pull_request.key, len(report.findings), decided.comments, tools.client.calls, about.seconds,
    )  # fmt: skip
    return _Done(decided, check_text(pull_request, report, decided, about))


def _report(fetched: Fetched, configured: Configured) -> tuple[Report, Configured]:
    """Run the rules, in a process without our tokens. Raises ReviewFailedError."""
    try:
        options_of(configured.config, selected(configured.config))
    except ConfigError as error:
        configured = Configured(Config.default(), "defaults", error.problems)
    report = review_apart(fetched.snapshot, configured.config)
    read = report.files - len(report.skipped)
    skipped = (*fetched.skipped, *report.skipped)
    return replace(report, files=read, skipped=skipped), configured


def _ensure_unmoved(pull_request: PullRequest, client: Client) -> None:
    """Nothing is said about a commit that is no longer the newest, or on a closed pull request."""
    now = read_standing(client)
    if not now.is_open:
        raise SupersededError("The pull request was closed", comes_again=False)
    if now.head != pull_request.head:
        raise SupersededError("Superseded by a newer push", comes_again=True)
    if now.base_branch != pull_request.base_branch or now.is_draft != pull_request.is_draft:
        raise SupersededError("Superseded by a change of the pull request", comes_again=True)


def configure(opened: Opened) -> Configured:
    """The configuration at the tip of the base branch; the defaults where it has a mistake."""
    try:
        config = configuration.from_files(opened.stet_toml, opened.pyproject)
    except ConfigError as error:
        return Configured(Config.default(), "defaults", error.problems)
    branch = opened.pull_request.base_branch
    if opened.stet_toml is not None:
        return Configured(config, f".stet.toml of {branch}")
    if config != Config.default():
        return Configured(config, f"pyproject.toml of {branch}")
    return Configured(config, "defaults")


def reason_to_skip(pull_request: PullRequest, config: Config) -> str:
    """Why this pull request is not reviewed at all; empty if it is."""
    if SKIP_LABEL in pull_request.labels:
        return f"label {SKIP_LABEL}"
    if any(_matches(pull_request.author, each) for each in config.review.skip_authors):
        return f"opened by {pull_request.author}"
    branch = pull_request.base_branch
    if not any(_matches(branch, each) for each in config.review.base_branches):
        return "this base branch is not reviewed"
    return ""


def _matches(name: str, pattern: str) -> bool:
    """Globs in which brackets are letters: `*[bot]` means what it looks like."""
    return fnmatchcase(name.lower(), pattern.lower().replace("[", "[[]"))


def why(code: str) -> str:
    """The first paragraphs of a rule's page, behind its summary and before its examples."""
    rule = find_rule(code)
    if rule is None or not rule.doc:
        return ""
    text = rule.doc.strip().partition("\n")[2]
    for start in ("Bad:", "Before:", "Good:", "```"):
        text = text.split(f"\n{start}", 1)[0]
    kept = ""
    for paragraph in text.strip().split("\n\n"):
        if kept and len(kept) + len(paragraph) > _MOST_WHY:
            break
        kept = f"{kept}\n\n{' '.join(paragraph.split())}" if kept else " ".join(paragraph.split())
    return kept
