"""Small plots as SVG: drawn here, so that no script is needed to see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 260, 64
_LEFT, _RIGHT, _TOP, _BOTTOM = 42, 8, 8, 8


@dataclass(frozen=True, slots=True)
class Plot:
    """A share over time. Coordinates are ready to be written into an SVG."""

    points: tuple[tuple[float, float], ...]
    line: str
    limit: float
    words: str

    @property
    def width(self) -> int:
        return WIDTH

    @property
    def height(self) -> int:
        return HEIGHT


def trend(shares: Sequence[float | None], labels: Sequence[str], limit: float) -> Plot:
    """Shares from 0 to 1, one a week, None where nothing happened; a line where others begin.

    `words` say the same to whoever does not see it.
    """
    step = (WIDTH - _LEFT - _RIGHT) / max(len(shares) - 1, 1)
    points = tuple(
        (round(_LEFT + place * step, 1), _height(share))
        for place, share in enumerate(shares)
        if share is not None
    )
    told = [
        f"{label}: {share:.0%}"
        for label, share in zip(labels, shares, strict=True)
        if share is not None
    ]
    line = " ".join(f"{x},{y}" for x, y in points)
    return Plot(points, line, _height(limit), "; ".join(told) or "nothing yet")


def _height(share: float) -> float:
    share = min(max(share, 0.0), 1.0)
    return round(HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM), 1)
