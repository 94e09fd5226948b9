"""What is said of settings as a whole may be said only where all of them are known."""

from __future__ import annotations

import pytest
from trees import project_of

from rules.facts.deployed_settings import Deployed, DeployedSettings

BASE = "INSTALLED_APPS = []\nROOT_URLCONF = 'shop.urls'\nMIDDLEWARE = ['a.b.SessionMiddleware']\n"
PRODUCTION = "shop/settings/production.py"


def deployed(production: str, **others: str) -> Deployed | None:
    files = {f"shop/settings/{name}.py": text for name, text in others.items()}
    project = project_of({"shop/settings/base.py": BASE, PRODUCTION: production, **files})
    found: DeployedSettings = project.facts(DeployedSettings)
    return found.by_path.get(PRODUCTION)


def test_the_words_of_a_base_are_those_of_what_builds_on_it() -> None:
    found = deployed("from .base import *\nSECURE_SSL_REDIRECT = True\n")
    assert found is not None
    assert found.speaks_of("SECURE_SSL_REDIRECT")
    assert found.speaks_of("ROOT_URLCONF")
    assert not found.speaks_of("SESSION_COOKIE_SECURE")
    assert found.deploys
    assert not found.fronted


@pytest.mark.parametrize(
    "line",
    [
        "from .local_secrets import *",
        "try:\n    from secret_settings import *\nexcept ImportError:\n    pass",
        "globals().update(load())",
        "from split_settings.tools import include\ninclude('parts/*.py')",
        "import importlib\nimportlib.import_module('x')",
        "import dynaconf",
        "exec(open('/etc/shop.py').read())",
    ],
)
def test_settings_that_load_others_unseen_are_not_known(line: str) -> None:
    assert deployed(f"from .base import *\n{line}\n") is None


def test_a_chain_is_followed_through_every_module() -> None:
    found = deployed("from .middle import *\n", middle="from .base import *\nMAIL_FROM = 'a'\n")
    assert found is not None
    assert found.speaks_of("MAIL_FROM")
    assert deployed("from .middle import *\n", middle="from .base import *\nvars()\n") is None


def test_middleware_in_comments_is_not_there() -> None:
    found = deployed("from .base import *\n# MIDDLEWARE += ['x.CsrfViewMiddleware']\n")
    assert found is not None
    assert found.middleware == {"SessionMiddleware"}
    assert found.speaks_of("CsrfViewMiddleware")


@pytest.mark.parametrize("note", ["# nginx does it", "# behind the load balancer", "X = 'traefik'"])
def test_a_note_on_a_proxy_is_seen(note: str) -> None:
    found = deployed(f"from .base import *\n{note}\n")
    assert found is not None
    assert found.fronted


def test_one_settings_module_is_deployed_only_where_something_deploys_it() -> None:
    plain = {"shop/settings.py": BASE}
    one: DeployedSettings = project_of(plain).facts(DeployedSettings)
    other: DeployedSettings = project_of({**plain, "Dockerfile": "FROM python\n"}).facts(
        DeployedSettings
    )
    assert not one.by_path["shop/settings.py"].deploys
    assert other.by_path["shop/settings.py"].deploys
