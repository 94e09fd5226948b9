"""One review, from the state of the pull request on GitHub to what is said about it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import msgspec

from rules.engine.apart import review_apart
from rules.engine.config import Config, ConfigError, ConfigProblem
from rules.engine.discover import find_rule, selected
from rules.engine.finding import Report
from rules.engine.layers import ORG_FILE, folder_problems, layered, with_folders
from rules.engine.options import options_of
from rules.engine.snapshot import RecordCache
from rules.engine.version import engine_version, rule_pack_version
from worker import keepsakes
from worker.accepted import accepted
from worker.github.change import Fetched, fetch_change
from worker.github.checks import Checks
from worker.github.client import Client
from worker.github.errors import GoneError, InstallationGoneError
from worker.github.gate import Gate
from worker.github.publish import Speaker
from worker.github.pulls import Opened, read_numbers_of, read_standing
from worker.journal import Detail
from worker.journal_entry import Stages, ended, reviewed
from worker.ledger import Ledger, Place
from worker.open_checks import OpenChecks
from worker.outcomes import Record, demoted
from worker.patch import Patched, as_diff, patched
from worker.placing import FileComment, InlineComment
from worker.plan import PLAIN, Asked, Conclusion, ReviewPlan, moved_to_summary, plan
from worker.pull_request import PullRequest
from worker.render.check import About, CheckText, Preview, check_text
from worker.render.together import with_others, worst
from worker.turns import TurnSupersededError
from worker.verdicts import Verdict, Verdicts

log = logging.getLogger(__name__)

_MOST_WHY = 700
SKIP_LABEL = "stet:skip"
STRICT_LABEL = "stet:strict"


@dataclass(frozen=True)
class Tools:
    """What a review works with. `ensure_current` guards what is said, `ensure_held` the check.

    `remember` keeps the ledger, `records` tells how the rules fared in this repository,
    `verdicts` what was said of other pull requests; `journal` is for operators.
    A review that nobody asked for runs inside `spending`, which may put it back.
    """

    client: Client
    cache: RecordCache
    ensure_current: Gate
    ensure_held: Gate
    open_checks: OpenChecks
    remember: Callable[[Ledger], None]
    verdicts: Verdicts
    records: Callable[[], Mapping[str, Record]]
    attempt: int = 1
    journal: Callable[[Detail], None] = lambda _: None
    spending: Callable[[PullRequest], AbstractContextManager[None]] = lambda _: nullcontext()

    @property
    def checks(self) -> Checks:
        return Checks(self.client, self.ensure_held, self.open_checks)


class SupersededError(Exception):
    """The pull request moved on while it was reviewed.

    `conclusion` of the check run: cancelled where another takes its place, neutral where
    nobody asks for a verdict any more.
    """

    def __init__(
        self, why: str, *, comes_again: bool, conclusion: Conclusion = "cancelled"
    ) -> None:
        super().__init__(why)
        self.comes_again = comes_again
        self.conclusion: Conclusion = conclusion


@dataclass(frozen=True)
class Configured:
    """The configuration of the base branch, where it stands, and what is wrong with it."""

    config: Config
    origin: str
    problems: tuple[ConfigProblem, ...] = ()


@dataclass(frozen=True)
class Reviewed:
    """What a review leaves behind. No `check`: there was nothing to review."""

    ledger: Ledger
    check: int | None = None
    patched: tuple[Patched, ...] = ()


def review_pull_request(
    opened: Opened, tools: Tools, ledger: Ledger, wish: Asked = PLAIN
) -> Reviewed:
    """Review and publish, with a check run that is open meanwhile.

    Raises SupersededError or TurnSupersededError, after closing the check run, if a newer
    state is to be reviewed.
    Any other exception leaves the check run open for the next try.
    """
    pull_request, configured = opened.pull_request, configure(opened)
    checks = tools.checks
    name = configured.config.check.name
    off = configured.config.review.drafts == "off" and not wish.everything
    if off and pull_request.is_draft:
        _take_back(tools, pull_request, name)
        return Reviewed(ledger)
    skip = reason_to_skip(pull_request, configured.config, wish.action)
    if skip:
        checks.conclude(name, pull_request.head, "neutral", f"Skipped: {skip}", _SKIPPED)
        _note(tools, pull_request, "neutral", f"Skipped: {skip}")
        tools.journal(ended(pull_request, "skipped", skip))
        return Reviewed(ledger)
    check = checks.start(name, pull_request.head, tools.attempt)
    _note(tools, pull_request)
    try:
        done = _review(opened, configured, tools, ledger, wish)
    except SupersededError as news:
        checks.finish(check, news.conclusion, CheckText(str(news), _SUPERSEDED, "", ()))
        if news.conclusion == "neutral":
            _note(tools, pull_request, news.conclusion, str(news))
        tools.journal(ended(pull_request, news.conclusion, str(news)))
        raise
    except TurnSupersededError:
        title = "Superseded by a newer push"
        checks.finish(check, "cancelled", CheckText(title, _SUPERSEDED, "", ()))
        tools.journal(ended(pull_request, "cancelled", title))
        raise
    except InstallationGoneError:
        raise
    except GoneError as gone:
        log.info("%s cannot be read: %s", pull_request.key, gone)
        checks.finish(check, "neutral", CheckText("Could not be read", _GONE, "", ()))
        tools.journal(ended(pull_request, "neutral", "Could not be read"))
        return Reviewed(ledger, check)
    _note(tools, pull_request, done.plan.conclusion, done.plan.title)
    conclusion, text = _together(done, tools, pull_request)
    checks.finish(check, conclusion, text)
    return Reviewed(done.ledger, check, done.patched)


def _take_back(tools: Tools, pull_request: PullRequest, name: str) -> None:
    """A review that began before this became a draft has left a check run without a verdict."""
    known = tools.verdicts.of(pull_request.key)
    if known is not None and known.head == pull_request.head and not known.conclusion:
        title = "Skipped: draft"
        tools.checks.conclude(name, pull_request.head, "neutral", title, _SKIPPED)
        _note(tools, pull_request, "neutral", title)


def _note(
    tools: Tools, pull_request: PullRequest, conclusion: Conclusion | None = None, title: str = ""
) -> None:
    key = pull_request.key
    verdict = Verdict(key.number, pull_request.head, conclusion or "", title)
    tools.verdicts.note(key, verdict)


def _together(done: _Done, tools: Tools, pull_request: PullRequest) -> tuple[Conclusion, CheckText]:
    """The worst of all pull requests with this head: GitHub shows one check run for a commit."""
    others = tools.verdicts.beside(pull_request.key, pull_request.head)
    if not others:
        return done.plan.conclusion, done.text
    standing = read_numbers_of(tools.client, pull_request.head)
    others = tuple(each for each in others if each.conclusion and each.number in standing)
    return worst(done.plan.conclusion, others), with_others(done.text, others)


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
    ledger: Ledger
    patched: tuple[Patched, ...]


def _review(
    opened: Opened, configured: Configured, tools: Tools, ledger: Ledger, wish: Asked
) -> _Done:
    began = time.monotonic()
    stages = Stages()
    fetched = fetch_change(tools.client, opened.pull_request, tools.cache)
    stages.end("read the change")
    pull_request = replace(opened.pull_request, merge_base=fetched.merge_base)
    configured = _with_folders(configured, fetched)
    report, configured = _report(fetched, configured)
    stages.end("run the rules")
    kept = demoted(tools.records(), configured.config.rules.keep)
    may_write = tools.client.may_resolve
    decided = plan(
        pull_request,
        report,
        configured.config,
        fetched.diff,
        configured.problems,
        ledger=ledger,
        wish=wish,
        demoted=kept,
        off=_off(pull_request, configured.config, report),
        may_resolve=may_write,
    )
    if decided.speaks:
        _ensure_unmoved(pull_request, tools.client)
        decided, ledger = _say(pull_request, decided, configured.config, tools, ledger)
        ledger = _remember_endings(decided, fetched, tools, ledger)
    else:
        tools.ensure_current()
    stages.end("say it")
    heads = fetched.heads
    fixes = patched(report.findings, heads)
    about = About(
        config_origin=configured.origin,
        engine=engine_version(),
        rule_pack=rule_pack_version(),
        seconds=time.monotonic() - began,
        problems=configured.problems,
        patch=as_diff(fixes),
        demoted=kept,
        preview=_preview(opened, fetched, report, configured),
        may_write=may_write and not pull_request.is_fork,
    )
    log.info(
        "%s reviewed: %d findings, %d comments, %d calls, %.1f s",
        pull_request.key, len(report.findings), decided.comments, tools.client.calls, about.seconds,
    )  # fmt: skip
    facts = {
        "Configuration": configured.origin,
        "Rule pack": about.rule_pack,
        "Calls of GitHub": str(tools.client.calls),
        "Try": str(tools.attempt),
    }
    tools.journal(reviewed(pull_request, decided, report, stages=stages.seconds, facts=facts))
    text = check_text(pull_request, report, decided, about)
    wanted = [f for f in report.findings if f.fix and f.fix.safe and wish.fixes in ("", f.code)]
    tree = fetched.snapshot.after.tree
    safe = (
        replace(each, mode=tree[each.path].mode)
        for each in patched(wanted, heads)
        if each.path in tree
    )
    return _Done(decided, text, ledger, tuple(safe))


def _say(
    pull_request: PullRequest, decided: ReviewPlan, config: Config, tools: Tools, ledger: Ledger
) -> tuple[ReviewPlan, Ledger]:
    """Publish; what came of it, and the ledger with it.

    Before a comment is deleted the ledger forgets it: one that is missing later was deleted by
    somebody else.
    """
    if decided.deletions:
        ledger = ledger.unsaying(decided.deletions)
        tools.remember(ledger)
    kept = keepsakes.unshown(ledger)
    speaker = Speaker(tools.client, pull_request, tools.ensure_current, why, kept)
    refused = speaker.say(decided).refused
    decided = moved_to_summary(decided, refused, config)
    placed: list[InlineComment | FileComment] = [*decided.inline, *decided.file_level]
    said = [
        Place(finding.fingerprint, finding.path, finding.code)
        for comment in placed
        for finding in (comment.finding, *comment.also)
    ]
    return decided, ledger.saying(said)


def _remember_endings(
    decided: ReviewPlan, fetched: Fetched, tools: Tools, ledger: Ledger
) -> Ledger:
    """What went away, and how: told as outcomes when the pull request is closed."""
    by_click = accepted(decided.fixed, fetched.commits, fetched.heads)
    ledger = ledger.mending(decided.fixed).mending(by_click, "committed")
    ledger = ledger.mending(decided.silenced, "silenced").mending(decided.off, "off")
    tools.remember(ledger)
    return ledger


def _off(pull_request: PullRequest, config: Config, report: Report) -> frozenset[str]:
    """Rules that spoke here once and did not run this time, though Stet still has them."""
    on = {rule.code for rule in selected(config)} - {each.code for each in report.deferred}
    said = {marker.code for comment in pull_request.said for marker in comment.markers}
    return frozenset(code for code in said - on if find_rule(code) is not None)


def _with_folders(configured: Configured, fetched: Fetched) -> Configured:
    """Folders may leave rules and files out, with a file of their own on the base branch."""
    try:
        config = with_folders(configured.config, fetched.folders)
        idle = folder_problems(fetched.folders)
    except ConfigError as error:
        problems = (*configured.problems, *error.problems)
        return replace(configured, problems=problems)
    origin = configured.origin
    if fetched.folders:
        count = len(fetched.folders)
        origin += f" and {count} {'folder' if count == 1 else 'folders'}"
    problems = (*configured.problems, *idle)
    return replace(configured, config=config, origin=origin, problems=problems)


def _preview(
    opened: Opened, fetched: Fetched, report: Report, configured: Configured
) -> Preview | None:
    """What the configuration that this pull request brings would have said."""
    changed = {e.path: e.after for e in fetched.snapshot.changes if e.before != e.after}
    if not changed.keys() & {".stet.toml", "pyproject.toml"}:
        return None
    own = changed.get(".stet.toml", opened.stet_toml)
    project = changed.get("pyproject.toml", opened.pyproject)
    found = layered(opened.organisation, own, project)
    if found.problems:
        return Preview(found.problems)
    if found.config == layered(opened.organisation, opened.stet_toml, opened.pyproject).config:
        return None
    after, brought = _report(fetched, replace(configured, config=found.config, problems=()))
    return Preview(brought.problems, findings=len(after.findings), instead_of=len(report.findings))


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
        raise SupersededError(
            "The pull request was closed", comes_again=False, conclusion="neutral"
        )
    if now.head != pull_request.head:
        raise SupersededError("Superseded by a newer push", comes_again=True)
    if now.is_draft and not pull_request.is_draft:
        raise SupersededError(
            "The pull request became a draft", comes_again=True, conclusion="neutral"
        )
    if now.base_branch != pull_request.base_branch or now.is_draft != pull_request.is_draft:
        raise SupersededError("Superseded by a change of the pull request", comes_again=True)


def configure(opened: Opened) -> Configured:
    """The configuration at the tip of the base branch; a layer with a mistake is left out."""
    found = layered(opened.organisation, opened.stet_toml, opened.pyproject)
    branch = opened.pull_request.base_branch
    names = [
        "the organisation" if each == ORG_FILE else f"{each} of {branch}" for each in found.layers
    ]
    origin, config = " over ".join(reversed(names)) or "defaults", found.config
    if STRICT_LABEL in opened.pull_request.labels:
        origin += f", with the label {STRICT_LABEL}"
        config = msgspec.structs.replace(config, profile="strict")
    return Configured(config, origin, found.problems)


def reason_to_skip(pull_request: PullRequest, config: Config, action: str = "") -> str:
    """Why this pull request is not reviewed at all; empty if it is.

    `action` is what happened to it, empty where a person asks for the review.
    """
    if action and action not in config.review.on:
        return f"`{action}` starts no review here; `/stet review` does"
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
