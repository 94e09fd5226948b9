"""The files that bring Stet into a repository. Nothing that is there is changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from rules.engine.adopt.layout import Layout

CONFIGURATION = ".stet.toml"
WORKFLOW = ".github/workflows/stet.yml"
HOOKS = ".pre-commit-config.yaml"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A file, why one wants it, and why it is not written (empty: it can be)."""

    path: str
    text: str
    why: str
    obstacle: str = ""


def proposals(layout: Layout, package: str) -> Iterator[Proposal]:
    """What `stet init` offers. `package` is what pip installs, such as `stet-review==0.1.0`."""
    there = layout.configuration
    yield Proposal(
        CONFIGURATION,
        configuration(layout),
        "what is reviewed, and how strictly; the App and the command both read it",
        f"{there} configures Stet already" if there else "",
    )
    yield Proposal(
        WORKFLOW,
        workflow(layout, package),
        "reviews each pull request in GitHub Actions; not needed where the App is installed",
        "stands already" if WORKFLOW in layout.files else "",
    )
    yield Proposal(
        HOOKS,
        hooks(package),
        "looks at changed files before each commit, with pre-commit",
        "stands already; add the entry below to it" if HOOKS in layout.files else "",
    )


def configuration(layout: Layout) -> str:
    """A `.stet.toml` that says no more than it must."""
    lines = ["# How Stet reviews this repository. `stet config` shows every key and its origin."]
    lines += ["version = 1"]
    if layout.vendored:
        globs = json.dumps([f"{each}/**" for each in layout.vendored])
        lines += ["", "[review]", "# The code of others.", f"extend_exclude = {globs}"]
    if layout.branch not in {"main", "master"}:
        if not layout.vendored:
            lines += ["", "[review]"]
        lines += [f"base_branches = {json.dumps([layout.branch])}"]
    return "\n".join(lines) + "\n"


def workflow(layout: Layout, package: str) -> str:
    """A workflow that may read the code and nothing else."""
    version = ".".join(map(str, max(layout.python or (3, 12), (3, 11))))
    return f"""\
name: Stet

on:
  pull_request:

permissions:
  contents: read

jobs:
  review:
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    steps:
      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0
        with:
          fetch-depth: 0 # the base of the pull request is compared with its head
          persist-credentials: false
      - uses: actions/setup-python@e797f83bcb11b83ae66e0230d6156d7c80228e7c # v6.0.0
        with:
          python-version: "{version}"
      - run: python -m pip install {json.dumps(package)}
      - run: stet review --base "origin/$GITHUB_BASE_REF" --format github
"""


def hooks(package: str) -> str:
    """A configuration of pre-commit with one hook."""
    return f"""\
repos:
  - repo: local
    hooks:
      - id: stet
        name: stet check
        entry: stet check
        language: python
        additional_dependencies: [{json.dumps(package)}]
        types: [python]
        require_serial: true
"""
