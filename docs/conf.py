"""How Sphinx makes the site. The pages are plain Markdown and read as well on GitHub."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).parent
PROJECT = tomllib.loads((DOCS.parent / "pyproject.toml").read_text("utf-8"))["project"]
SOURCE_URL = "https://github.com/stet-review/stet/blob/main/"

project = "Stet"
author = PROJECT["authors"][0]["name"]
version = release = PROJECT["version"]
html_title = f"Stet {release}"
html_baseurl = "https://stet-review.github.io/stet/"
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False

extensions = ["myst_parser"]
exclude_patterns = ["conf.py"]
html_theme = "furo"
html_static_path = ["style"]
html_css_files = ["site.css"]
html_extra_path = ["stet.schema.json"]
myst_heading_anchors = 3
myst_links_external_new_tab = False
# Examples of rules hold code that is broken on purpose.
suppress_warnings = ["misc.highlighting_failure"]

CONTENTS = {
    "For users": [
        "quick-start",
        "configuration",
        "on-github",
        "commands",
        "formats",
        "rules/index",
        "checklist",
        "comparison",
        "precision",
    ],
    "For operators": ["operators", "scaling", "faults"],
    "For contributors": ["writing-rules", "architecture", "decisions/index", "dependencies"],
}

FENCE = re.compile(r"(?ms)^(?P<ticks>```+)(?P<lang>\w+)\n(?P<code>.*?)^(?P=ticks)$")
FLAGGED = re.compile(r"\s*(?:#|<!--|\{#)\s*flagged\s*(?:-->|#\})?$")


def complete(_app: Sphinx, name: str, source: list[str]) -> None:
    """Give Sphinx what the pages need not say: the contents, and where other files are."""
    if name == "index":
        source[0] += "".join(_tree(pages, title) for title, pages in CONTENTS.items())
    elif name.endswith("/index"):
        source[0] += _tree(_below((DOCS / name).parent), shown=name.startswith("decisions/"))
    elif name.startswith("rules/"):
        # Hundreds of them in the sidebar of each of them would take minutes to build.
        source[0] = "---\norphan: true\n---\n" + FENCE.sub(_marked, source[0])
    source[0] = re.sub(r"\]\(((?:\.\./)+)([^)]+)\)", lambda link: _outside(name, link), source[0])


def _below(folder: Path) -> list[str]:
    """What belongs into the sidebar below the index of a folder."""
    if folder.parent.name == "rules":
        return []
    pages = (each for each in folder.glob("*.md") if each.stem != "index")
    found = sorted(folder.glob("*/index.md")) or sorted(pages)
    return [str(each.relative_to(folder).with_suffix("")) for each in found]


def _tree(pages: list[str], title: str = "", *, shown: bool = False) -> str:
    if not pages:
        return ""
    options = [f":caption: {title}"] if title else []
    options += [] if shown else [":hidden:"]
    return "\n\n" + "\n".join(["```{toctree}", *options, "", *pages, "```"]) + "\n"


def _marked(fence: re.Match[str]) -> str:
    """A block with the lines that a rule flags in colour: a mark at the end is easily cut off."""
    lines = fence["code"].split("\n")
    flagged = [str(at) for at, line in enumerate(lines, start=1) if FLAGGED.search(line)]
    if not flagged:
        return fence[0]
    head = f"{{code-block}} {fence['lang']}\n:emphasize-lines: {','.join(flagged)}\n"
    code = "\n".join(FLAGGED.sub("", line) for line in lines)
    return f"{fence['ticks']}{head}\n{code}{fence['ticks']}"


def _outside(name: str, link: re.Match[str]) -> str:
    """Links out of this folder lead to the repository."""
    ups = link[1].count("../")
    return f"]({SOURCE_URL}{link[2]})" if ups > name.count("/") else link[0]


def setup(app: Sphinx) -> None:
    app.connect("source-read", complete)
