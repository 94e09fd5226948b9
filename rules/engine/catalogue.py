"""The checklist: its rows, and which rules answer for them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from rules.engine.discover import all_rules


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the checklist.

    `rules` are the codes that work today, `planned` those still to come, `question` what
    only a person can answer.
    """

    id: str
    category: str
    item: str
    mode: str
    rules: tuple[str, ...]
    planned: tuple[str, ...]
    question: str


@dataclass(frozen=True, slots=True)
class Planned:
    """One row of the catalogue of rules."""

    code: str
    name: str
    scope: str
    severity: str
    default: bool
    fix: str
    flags: str
    spares: str
    peers: str


def _read(name: str) -> list[dict[str, str]]:
    text = (files("rules.checklist") / name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def catalogue() -> tuple[Planned, ...]:
    """Every rule that is or will be, by code."""
    return tuple(
        Planned(
            row["code"], row["name"], row["scope"], row["severity"], row["default"] == "on",
            row["fix"], row["flags"], row["spares"], row["peers"],
        )
        for row in _read("catalogue.csv")
    )  # fmt: skip


@cache
def checklist() -> tuple[Row, ...]:
    """Every row of the checklist, in its order."""
    known = {rule.code for rule in all_rules()}
    rows = []
    for row in _read("checklist.csv"):
        codes = [each for each in row["rules"].split(";") if each]
        rows.append(
            Row(
                row["id"],
                row["category"],
                row["item"],
                row["mode"],
                tuple(each for each in codes if each in known),
                tuple(each for each in codes if each not in known),
                row["ask"],
            )
        )
    return tuple(rows)


def rows_of(code: str) -> tuple[str, ...]:
    """The ids of the rows that a rule answers for."""
    return tuple(row.id for row in checklist() if code in (*row.rules, *row.planned))
