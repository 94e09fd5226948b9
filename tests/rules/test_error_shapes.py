"""Under which key a project tells of errors, and which answers do otherwise."""

from __future__ import annotations

import pytest
from trees import project_of

from rules.checklist.errors import inconsistent_error_format
from rules.engine.config import Config
from rules.engine.run import check

USUAL = "    if at == {}:\n        return JsonResponse({{'error': 'No.'}}, status=400)\n"
HEAD = "from django.http import JsonResponse\n\n\ndef order(at, form):\n"


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("{'error': 'See below.', 'errors': form.errors}", 0),
        ("{'message': 'See below.', 'errors': form.errors}", 1),
    ],
)
def test_details_may_stand_beside_the_usual_key(body: str, count: int) -> None:
    usual = "".join(USUAL.format(number) for number in range(12))
    text = f"{HEAD}{usual}    return JsonResponse({body}, status=400)\n"
    files = {"shop/orders.py": text}
    given = [(path, each.encode()) for path, each in files.items()]
    report = check(given, project_of(files), Config(), [inconsistent_error_format.rule])
    assert len(report.findings) == count
