"""What is read from the environment, by which library, with which default."""

from __future__ import annotations

import libcst as cst
import pytest
from trees import project_of

from rules.facts.environment import EnvironmentRead
from rules.kit import Here


def reads_of(code: str) -> list[EnvironmentRead]:
    project = project_of({"app/settings.py": code})
    module = cst.parse_module(code)
    here = Here("app/settings.py", project, module, "settings")
    return list(EnvironmentRead.found_in(module, here))


def shown(read: EnvironmentRead) -> tuple[str, str | None]:
    default = cst.Module([]).code_for_node(read.default) if read.default is not None else None
    return read.variable, default


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import os\nos.environ['A']", ("A", None)),
        ("import os\nos.environ.get('A')", ("A", None)),
        ("import os as o\no.getenv('A', 'b')", ("A", "'b'")),
        ("from os import environ\nenviron.get('A', default)", ("A", "default")),
        ("from os import getenv as g\ng('A')", ("A", None)),
        ("import environ\nenv = environ.Env()\nenv('A', default=1)", ("A", "1")),
        ("import environ\nenv = environ.Env()\nenv.bool('A', False)", ("A", "False")),
        ("import environ\nenv = environ.Env()\nenv('A', bool)", ("A", None)),
        ("from environs import Env\nenv = Env()\nenv('A', 'b')", ("A", "'b'")),
        ("from decouple import config\nconfig('A', default='b', cast=str)", ("A", "'b'")),
        ("from .base import *\nenv.str('A', 'b')", ("A", "'b'")),
        (
            "from starlette.config import Config\nconfig = Config('.env')\nconfig('A', default='b')",
            ("A", "'b'"),
        ),
        ("def get_env(name, default): ...\nget_env('AB', 'b')", ("AB", "'b'")),
    ],
)
def test_a_reading_has_its_variable_and_its_default(
    code: str, expected: tuple[str, str | None]
) -> None:
    assert [shown(each) for each in reads_of(code)] == [expected]


@pytest.mark.parametrize(
    "code",
    [
        "import os\nos.environ['A'] = 'b'",
        "import os\ndel os.environ['A']",
        "import os\nos.environ.setdefault('A', 'b')",
        "import os\nos.environ.copy()",
        "environ = {}\nenviron['A']",
        "cache.get('A', 'b')",
        "config.get('A')",
    ],
)
def test_what_writes_or_is_something_else_is_no_reading(code: str) -> None:
    assert reads_of(code) == []


def test_fields_of_pydantic_are_variables_with_their_prefix() -> None:
    code = (
        "from pydantic import Field, SecretStr\n"
        "from pydantic_settings import BaseSettings, SettingsConfigDict\n"
        "class Settings(BaseSettings):\n"
        "    model_config = SettingsConfigDict(env_prefix='shop_')\n"
        "    url: str\n"
        "    key: SecretStr = SecretStr('k')\n"
        "    size: int = Field(default=5)\n"
        "    other: str = Field(..., alias='OTHER_NAME')\n"
    )
    assert [shown(each) for each in reads_of(code)] == [
        ("SHOP_URL", None),
        ("SHOP_KEY", "'k'"),
        ("SHOP_SIZE", "5"),
        ("OTHER_NAME", None),
    ]
