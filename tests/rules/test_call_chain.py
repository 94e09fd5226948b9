"""Queries taken apart, and lengths of time added up."""

from __future__ import annotations

import libcst as cst
import pytest
from trees import project_of

from rules.facts.call_chain import WholeTable, whole_table
from rules.facts.durations import amount_of
from rules.kit import Here, find

HEAD = "from datetime import timedelta\nfrom sqlalchemy import select\nDAY = 60 * 60 * 24\n"


def last_value(code: str) -> tuple[cst.BaseExpression, Here]:
    text = f"{HEAD}def run(session, db):\n    {code}\n"
    module = cst.parse_module(text)
    here = Here("app/run.py", project_of({"app/run.py": text}), module, "run")
    *_, found = find(module, cst.Assign)
    return found.value, here


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x = Book.objects.all()", WholeTable("Book", "django", ordered=False)),
        ("x = Book.objects.order_by('a').values()", WholeTable("Book", "django", ordered=True)),
        ("x = db.query(Book).all()", WholeTable("Book", "sqlalchemy", ordered=False)),
        ("x = Book.query.order_by(Book.a).all()", WholeTable("Book", "sqlalchemy", ordered=True)),
        (
            "q = select(Book)\n    x = session.scalars(q).all()",
            WholeTable("Book", "sqlalchemy", ordered=False),
        ),
        (
            "r = session.execute(select(Book))\n    x = r.scalars().all()",
            WholeTable("Book", "sqlalchemy", ordered=False),
        ),
        ("x = Book.objects.filter(a=1)", None),
        ("x = Book.objects.all()[:10]", None),
        ("x = db.query(Book).limit(5).all()", None),
        ("x = db.query(Book.a, Book.b).all()", None),
        ("x = session.scalars(select(Book).where(Book.a == 1)).all()", None),
        ("q = select(Book)\n    q = q.limit(3)\n    x = session.scalars(q).all()", None),
        ("x = books.all()", None),
        ("x = x.objects.all()", None),
    ],
)
def test_a_query_for_every_row_is_told_from_one_for_some(
    code: str, expected: WholeTable | None
) -> None:
    assert whole_table(*last_value(code)) == expected


@pytest.mark.parametrize(
    ("code", "seconds"),
    [
        ("x = 60 * 60", 3600),
        ("x = DAY * 2", 172_800),
        ("x = timedelta(days=1, hours=1)", 90_000),
        ("x = timedelta(1)", 86_400),
        ("x = timedelta(weeks=1) * 2", 1_209_600),
        ("x = int(timedelta(minutes=5).total_seconds())", 300),
        ("x = 1_000", 1000),
        ("x = timedelta(days=session)", None),
        ("x = session.days", None),
        ("x = 1 / 0", None),
    ],
)
def test_constant_lengths_of_time_are_added_up(code: str, seconds: float | None) -> None:
    found = amount_of(*last_value(code))
    assert (found.value if found is not None else None) == seconds
