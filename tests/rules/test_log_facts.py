"""Which calls log, with what, and what in their arguments is a secret."""

from __future__ import annotations

import libcst as cst
import pytest
from trees import project_of

from rules.facts.log_calls import carries_traceback, log_call, logger_of
from rules.facts.sensitive_values import is_secret_name, sensitive
from rules.kit import Here, find


def here_of(code: str, path: str = "shop/orders.py", **others: str) -> Here:
    files = {path: code, **others}
    return Here(path, project_of(files), cst.parse_module(code), "shop.orders")


def last_call(here: Here) -> cst.Call:
    assert here.module is not None
    line = here.module.body[-1]
    return next(find(line, cst.Call))


@pytest.mark.parametrize(
    ("code", "library"),
    [
        ("import logging\nlogging.getLogger().info('x')", "logging"),
        ("import logging as l\nl.error('x')", "logging"),
        ("from logging import getLogger\nlog = getLogger('a')\nlog.info('x')", "logging"),
        ("import structlog\nlog = structlog.get_logger(a=1)\nlog.bind(b=2).info('x')", "structlog"),
        ("from loguru import logger as out\nout.success('x')", "loguru"),
        (
            "from celery.utils.log import get_task_logger\na = get_task_logger('b')\na.info('x')",
            "logging",
        ),
        ("from flask import current_app\ncurrent_app.logger.error('x')", "logging"),
        ("def f(self):\n    self.logger.info('x')", ""),
    ],
)
def test_loggers_are_told_by_where_they_come_from(code: str, library: str) -> None:
    here = here_of(code)
    found = log_call(last_call(here), here)
    assert found is not None
    assert found.library == library


@pytest.mark.parametrize(
    "code",
    [
        "from django.contrib import messages\nmessages.error(request, 'x')",
        "import warnings\nwarnings.warn('x')",
        "parser.error('x')",
        "import math\nmath.log(3)",
        "catalog.info('x')",
        "print('x')",
    ],
)
def test_other_things_with_such_methods_do_not_log(code: str) -> None:
    here = here_of(code)
    assert log_call(last_call(here), here) is None


def test_a_logger_of_another_module_keeps_its_library() -> None:
    code = "from shop.log import logger\nlogger.info('x')"
    other = {
        "shop/__init__.py": "",
        "shop/log.py": "import structlog\nlogger = structlog.get_logger()\n",
    }
    here = here_of(code, **other)
    found = log_call(last_call(here), here)
    assert found is not None
    assert found.library == "structlog"


@pytest.mark.parametrize(
    ("call", "carries"),
    [
        ("log.exception('x')", True),
        ("log.error('x', exc_info=True)", True),
        ("log.error('x', exc_info=error)", True),
        ("log.error('x', exc_info=False)", False),
        ("log.error('x %s', traceback.format_exc())", True),
        ("log.error('x', **more)", True),
        ("log.error('x', error)", False),
    ],
)
def test_a_traceback_is_seen_however_it_is_passed(call: str, carries: bool) -> None:  # noqa: FBT001
    here = here_of(call)
    found = log_call(last_call(here), here)
    assert found is not None
    assert carries_traceback(found) is carries


def test_the_logger_of_a_module_is_the_one_it_makes() -> None:
    assert logger_of(here_of("import logging\nLOG = logging.getLogger(__name__)\n")) == "LOG"
    assert logger_of(here_of("LOG = make()\n")) == ""


@pytest.mark.parametrize(
    "name",
    ["password", "new_password", "userPassword", "API_KEY", "access_token", "client_secret", "cvv"],
)
def test_names_of_secrets_are_known_in_every_spelling(name: str) -> None:
    assert is_secret_name(name, here_of("pass"))


@pytest.mark.parametrize(
    "name",
    [
        "is_password",
        "password_form",
        "token_type",
        "num_tokens",
        "secretary",
        "passwords_url",
        "key",
    ],
)
def test_what_is_about_a_secret_is_none(name: str) -> None:
    assert not is_secret_name(name, here_of("pass"))


@pytest.mark.parametrize(
    ("value", "count"),
    [
        ("password", 1),
        ("f'{password} and {user}'", 1),
        ("'%s %s' % (user, password)", 1),
        ("'{}'.format(password)", 1),
        ("{'a': password, 'b': [password]}", 2),
        ("str(password)", 1),
        ("password.strip()", 1),
        ("data['password']", 1),
        ("request.headers.get('Authorization')", 1),
        ("mask(password)", 0),
        ("len(password)", 0),
        ("password[-4:]", 0),
        ("password is None", 0),
        ("'given' if password else 'none'", 0),
        ("bool(password)", 0),
        ("password.hexdigest()", 0),
    ],
)
def test_only_what_shows_a_secret_is_found(value: str, count: int) -> None:
    here = here_of(f"def f(password, user, data, request, mask):\n    return g({value})\n")
    assert here.module is not None
    call = next(each for each in find(here.module, cst.Call))
    assert len(list(sensitive(call.args[0].value, here))) == count
