"""Findings as Markdown: comments, and the text of the check run. Pure, golden-tested."""
