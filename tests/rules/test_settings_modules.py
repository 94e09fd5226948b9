"""Which settings modules serve production."""

from __future__ import annotations

import pytest
from trees import project_of

from rules.facts.settings_modules import SettingsModules, Stage, stage_named

MARKS = "INSTALLED_APPS = []\nROOT_URLCONF = 'shop.urls'\n"


def settings_of(files: dict[str, str]) -> SettingsModules:
    found = project_of(files).facts(SettingsModules)
    assert isinstance(found, SettingsModules)
    return found


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("settings_dev", Stage.LOCAL),
        ("production", Stage.PRODUCTION),
        ("ProductionConfig", Stage.PRODUCTION),
        ("TestingConfig", Stage.TEST),
        ("base", Stage.BASE),
        ("settings", None),
        ("latest", None),
        ("device", None),
    ],
)
def test_a_name_tells_the_environment(name: str, stage: Stage | None) -> None:
    assert stage_named(name) is stage


def test_a_single_module_serves_production() -> None:
    found = settings_of({"shop/settings.py": MARKS})
    assert found.serves_production("shop/settings.py")
    assert not found.is_overridden("shop/settings.py", "DEBUG")


def test_modules_of_developers_and_tests_do_not_serve_production() -> None:
    found = settings_of(
        {
            "shop/settings/base.py": MARKS,
            "shop/settings/local.py": "from .base import *\nDEBUG = True\n",
            "shop/settings/test.py": "from .base import *\n",
            "shop/settings/production.py": "from .base import *\n",
        }
    )
    served = {path for path in found.by_path if found.serves_production(path)}
    assert served == {"shop/settings/base.py", "shop/settings/production.py"}


def test_a_module_that_only_pytest_starts_is_for_tests() -> None:
    found = settings_of(
        {
            "pytest.ini": "[pytest]\nDJANGO_SETTINGS_MODULE = shop.checks\n",
            "shop/__init__.py": "",
            "shop/checks.py": MARKS,
            "shop/settings.py": MARKS,
            "manage.py": 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n',
        }
    )
    assert not found.serves_production("shop/checks.py")
    assert found.serves_production("shop/settings.py")


@pytest.mark.parametrize(
    ("production", "overridden"),
    [
        ("from .base import *\nDEBUG = False\n", True),
        ("from .base import *\nLOG = 1\n", False),
        ("from .middle import *\n", True),
    ],
)
def test_a_value_is_overridden_where_every_production_module_sets_it(
    production: str, *, overridden: bool
) -> None:
    found = settings_of(
        {
            "shop/settings/__init__.py": "",
            "shop/settings/base.py": f"{MARKS}DEBUG = True\n",
            "shop/settings/middle.py": "from .base import *\nDEBUG = False\n",
            "shop/settings/production.py": production,
            "shop/settings/local.py": "from .base import *\n",
        }
    )
    if "middle" not in production:
        found = settings_of(
            {
                "shop/settings/__init__.py": "",
                "shop/settings/base.py": f"{MARKS}DEBUG = True\n",
                "shop/settings/production.py": production,
                "shop/settings/local.py": "from .base import *\n",
            }
        )
    assert found.is_overridden("shop/settings/base.py", "DEBUG") is overridden


def test_what_flask_loads_by_name_is_a_settings_module() -> None:
    found = settings_of(
        {
            "shop/__init__.py": 'app.config.from_object("shop.values.Production")\n',
            "shop/values.py": "class Production:\n    DEBUG = False\n",
        }
    )
    assert set(found.by_path) == {"shop/values.py"}


def test_folders_without_init_still_link_star_imports() -> None:
    found = settings_of(
        {
            "conf/settings/base.py": MARKS,
            "conf/settings/prod.py": "from .base import *\nDEBUG = False\n",
        }
    )
    assert found.is_overridden("conf/settings/base.py", "DEBUG")
