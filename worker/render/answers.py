"""What Stet answers to commands."""

from __future__ import annotations

from typing import Any

import msgspec

from rules.engine.config import Config
from worker.pull_request import PullRequest
from worker.render.text import clean, fence_for, prose
from worker.review import Configured, Reviewed


def check_url(pull_request: PullRequest, reviewed: Reviewed | None) -> str:
    """Where a person reads the details of the check run."""
    page = f"{pull_request.web_url}/pull/{pull_request.key.number}/checks"
    check = reviewed.check if reviewed else None
    return f"{page}?check_run_id={check}" if check else page


def configuration_text(configured: Configured) -> str:
    """Where the configuration comes from, and what it changes of the defaults."""
    lines = [f"From: {prose(configured.origin)}. Profile: `{configured.config.profile}`."]
    changes = _changes(
        msgspec.to_builtins(configured.config), msgspec.to_builtins(Config.default())
    )
    shown = msgspec.json.format(msgspec.json.encode(changes), indent=2).decode()
    if changes:
        fence = fence_for(shown)
        lines += ["", "What differs from the defaults:", "", f"{fence}json", clean(shown), fence]
    else:
        lines.append("Nothing differs from the defaults.")
    lines += [f"- `{p.path}:{p.line}` {prose(p.message)}" for p in configured.problems]
    return "\n".join(lines)


def _changes(given: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    found = {
        key: _changes(value, defaults[key])
        if isinstance(value, dict) and isinstance(defaults.get(key), dict)
        else value
        for key, value in given.items()
        if value != defaults.get(key)
    }
    return {key: value for key, value in found.items() if value != {}}
