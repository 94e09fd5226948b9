"""How SQL texts are taken apart, and how they are rewritten."""

from __future__ import annotations

import pytest
from trees import project_of

from rules.checklist.security import sql_injection
from rules.engine.config import Config, ReviewConfig
from rules.engine.finding import Finding
from rules.engine.fix import apply
from rules.engine.run import check

HEAD = "from django.db import connection\n\nTABLE = 'book'\nALLOWED = ('a', 'b')\n\ndef view(request, other):\n"


def said(body: str, head: str = HEAD) -> list[Finding]:
    text = head + "".join(f"    {line}\n" for line in body.strip().split("\n"))
    config = Config(review=ReviewConfig(confidence="all"))
    files = {"app/a.py": text}
    report = check([("app/a.py", text.encode())], project_of(files), config, [sql_injection.rule])
    assert not report.crashes
    assert not report.skipped
    return list(report.findings)


def rewritten(line: str, head: str = HEAD) -> str | None:
    (found,) = said(line, head)
    if found.fix is None:
        return None
    text = apply(f"{head}    {line}\n", found.fix.edits)
    assert text is not None
    return text.removeprefix(head).strip()


@pytest.mark.parametrize(
    "body",
    [
        "connection.cursor().execute('SELECT 1 FROM ' + request.GET['t'])",
        "connection.cursor().execute(request.POST['sql'])",
        "q = request.GET.get('q', '').strip()\nconnection.execute(f'SELECT {q}')",
        "where = []\nwhere.append('a = ' + request.GET['a'])\nconnection.execute('SELECT 1 FROM b WHERE ' + ' AND '.join(where))",
        "connection.execute('SELECT {0}'.format(request.data['a']))",
        "connection.execute('SELECT %(a)s' % {'a': request.GET['a']})",
        "for a in request.GET.getlist('a'):\n    connection.execute('DELETE FROM b WHERE c=' + a)",
        "a = request.GET['a'] or 'x'\nconnection.execute('SELECT ' + (a if other else 'y'))",
        "Book.objects.extra(where=['a = %s' % request.GET['a']])",
    ],
)
def test_what_a_caller_sent_is_followed_into_sql(body: str) -> None:
    assert [each.confidence.value for each in said(body)] == ["proven"]


@pytest.mark.parametrize(
    "body",
    [
        "connection.execute('SELECT ' + other)",
        "connection.execute(f'SELECT {load(1)}')",
        "connection.execute(other)",
        "for a, b in other:\n    connection.execute(f'SELECT {a}')",
    ],
)
def test_what_cannot_be_followed_is_a_hotspot(body: str) -> None:
    assert [each.confidence.value for each in said(body)] == ["hotspot"]


@pytest.mark.parametrize(
    "body",
    [
        "connection.execute('SELECT %s' % TABLE)",
        "connection.execute('SELECT %d' % request.GET['a'])",
        "connection.execute(f'SELECT {request.GET[\"a\"]:d}')",
        "connection.execute(f'SELECT {int(request.GET[\"a\"])}')",
        "connection.execute('SELECT a FROM b WHERE c = %s', [request.GET['a']])",
        "marks = ','.join(['%s'] * len(other))\nconnection.execute(f'SELECT 1 IN ({marks})', other)",
        "marks = ','.join('%s' for _ in other)\nconnection.execute(f'SELECT 1 IN ({marks})', other)",
        "for a, b in (('x', 'y'), ('z', 'w')):\n    connection.execute(f'SELECT {a} FROM {b}')",
        "a = request.GET['a']\nif a not in ALLOWED:\n    raise ValueError\nconnection.execute(f'SELECT {a}')",
        "a = {'x': 'b', 'y': 'c'}.get(request.GET['a'], 'd')\nconnection.execute('SELECT ' + a)",
        "q = 'SELECT 1'\nif other:\n    q += ' LIMIT 1'\nconnection.execute(q)",
        "connection.execute(f'SELECT * FROM {Book._meta.db_table}')",
        "connection.execute('SELECT %s' % request.user.email)",
        "command.execute('run ' + other)",
        "requests.fetch('updates ' + other)",
    ],
)
def test_constants_numbers_and_checked_values_are_spared(body: str) -> None:
    assert said(body) == []


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (
            "c.execute(f'SELECT 1 FROM b WHERE a = {other.a}')",
            "c.execute('SELECT 1 FROM b WHERE a = %s', [other.a])",
        ),
        (
            "c.execute(\"SELECT 1 FROM b WHERE a = '%s' AND b > %s\" % (other, other.b))",
            'c.execute("SELECT 1 FROM b WHERE a = %s AND b > %s", [other, other.b])',
        ),
        (
            "c.execute('INSERT INTO b VALUES ({}, {})'.format(other, other.b))",
            "c.execute('INSERT INTO b VALUES (%s, %s)', [other, other.b])",
        ),
    ],
)
def test_values_move_beside_the_statement(line: str, wanted: str) -> None:
    assert rewritten(line) == wanted


@pytest.mark.parametrize(
    "line",
    [
        "c.execute(f'SELECT 1 FROM {other}')",
        "c.execute(f'SELECT 1 FROM b ORDER BY a, {other}')",
        "c.execute(f'SELECT 1 FROM b WHERE a = 1 AND {other}')",
        "c.execute(f\"SELECT 1 FROM b WHERE a LIKE '%{other}%'\")",
        "c.execute(f'SELECT 1 FROM b WHERE a = {other}', [1])",
        "c.execute('SELECT 1 FROM b WHERE a = ' + other)",
        "c.executemany(f'SELECT 1 FROM b WHERE a = {other}')",
    ],
)
def test_names_and_doubtful_places_are_not_rewritten(line: str) -> None:
    assert rewritten(line) is None


def test_no_rewriting_without_knowing_the_driver() -> None:
    head = "def view(request, c, other):\n"
    assert rewritten("c.execute(f'SELECT 1 FROM b WHERE a = {other}')", head) is None


def test_text_that_grows_from_itself_comes_to_an_end() -> None:
    body = "a = request.GET['a']\nwhile other:\n    a = a + b\n    b = b + a\nconnection.execute('SELECT ' + a)"
    assert len(said(body)) == 1
