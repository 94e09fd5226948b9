"""Where a test belongs, and which helpers assert."""

from __future__ import annotations

import pytest
from trees import project_of

from rules.facts.tests import SAYS_ASSERT, Place, Suite

TEST = "def test_it():\n    assert True\n"


def suite_of(files: dict[str, str]) -> Suite:
    found = project_of(files).facts(Suite)
    assert isinstance(found, Suite)
    return found


@pytest.mark.parametrize(
    ("files", "source", "place"),
    [
        (
            {"shop/orders.py": "", "tests/test_orders.py": TEST},
            "shop/orders.py",
            Place("tests/test_orders.py", exists=True),
        ),
        (
            {"shop/a/views.py": "", "shop/b/views.py": "", "shop/b/tests/test_views.py": TEST},
            "shop/a/views.py",
            Place("shop/a/tests/test_views.py", exists=False),
        ),
        (
            {
                "shop/x/orders.py": "",
                "tests/unit/x/test_orders.py": TEST,
                "shop/y/money.py": "",
            },
            "shop/y/money.py",
            Place("tests/unit/y/test_money.py", exists=False),
        ),
        (
            {"shop/a.py": "", "shop/a_test.py": TEST, "shop/b.py": ""},
            "shop/b.py",
            Place("shop/b_test.py", exists=False),
        ),
        (
            {
                "shop/__init__.py": "",
                "shop/deep.py": "def f(): ...\n",
                "tests/test_story.py": f"from shop.deep import f\n{TEST}",
            },
            "shop/deep.py",
            Place("tests/test_story.py", exists=True),
        ),
        ({"shop/a.py": "", "tests/test_story.py": TEST}, "shop/a.py", None),
    ],
)
def test_a_missing_test_is_placed_as_the_team_places_its_own(
    files: dict[str, str], source: str, place: Place | None
) -> None:
    assert suite_of(files).place_for(source) == place


def test_a_file_named_after_the_function_comes_first() -> None:
    suite = suite_of(
        {
            "shop/front/views.py": "",
            "shop/front/tests/test_add_check.py": TEST,
            "shop/front/tests/test_other.py": TEST,
        }
    )
    assert suite.place_for("shop/front/views.py", "add_check") == Place(
        "shop/front/tests/test_add_check.py", exists=True
    )


def test_helpers_assert_through_two_others() -> None:
    suite = suite_of(
        {
            "tests/base.py": (
                "def first():\n    second()\n"
                "def second():\n    third()\n"
                "def third():\n    assert 1\n"
                "def idle():\n    return 1\n"
            )
        }
    )
    assert suite.asserting == {"first", "second", "third"}
    assert "idle" in suite.helpers


def test_files_without_a_test_are_no_test_modules() -> None:
    suite = suite_of({"shop/tests.py": "# Create your tests here.\n", "tests/test_a.py": TEST})
    assert set(suite.by_path) == {"tests/test_a.py"}


def test_only_areas_that_tests_import_or_stand_in_are_covered() -> None:
    suite = suite_of(
        {
            "shop/a.py": "",
            "dev/tool.py": "",
            "tests/test_a.py": f"from shop.a import f\n{TEST}",
        }
    )
    assert suite.covers_area("shop/b.py")
    assert not suite.covers_area("dev/tool.py")


@pytest.mark.parametrize(
    ("name", "asserts"),
    [
        ("assertEqual", True),
        ("assert_called_once", True),
        ("check_order", True),
        ("_test_order", True),
        ("do_test", True),
        ("create_test_user", False),
        ("make_order", False),
        ("book", False),
        ("get", False),
    ],
)
def test_the_name_of_a_helper_tells_whether_it_asserts(name: str, *, asserts: bool) -> None:
    assert bool(SAYS_ASSERT.search(name)) is asserts
