"""Stretches of text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of text: lines and columns 1-based, columns in code points, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int

    @classmethod
    def of_line(cls, line: int, text: str = "") -> Span:
        """The whole of one line, `text` being what stands on it."""
        return cls(line, 1, line, len(text) + 1)
