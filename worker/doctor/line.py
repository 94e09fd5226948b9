"""What the doctor says: one line for each thing looked at, with a cure where it is ill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at. `text` and `cure` are plain words without secrets.

    `warn`: Stet works, and should not be left so. `fail`: reviews are not done, or are lost.
    """

    subject: str
    state: State
    text: str
    cure: str = ""


def well(subject: str, text: str) -> Line:
    return Line(subject, "ok", text)


def warn(subject: str, text: str, cure: str) -> Line:
    return Line(subject, "warn", text, cure)


def fail(subject: str, text: str, cure: str) -> Line:
    return Line(subject, "fail", text, cure)
