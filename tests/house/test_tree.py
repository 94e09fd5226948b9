import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Put together here, so that this file does not find itself.
FOREIGN = {
    "a registry's host": [
        "pypi" + ".org/",
        "files." + "pythonhosted" + ".org",
        "--index" + "-url",
        "--find" + "-links",
        "registry." + "npmjs" + ".org",
    ],
    "a path of the machine it was written on": ["/" + "work/", "/" + "root/", "/" + "opt/pypi"],
}


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("kind", FOREIGN)
def test_no_file_names_the_place_where_it_was_written(kind: str) -> None:
    guilty = [
        f"{path.relative_to(ROOT)}: {text}"
        for path in tracked()
        for text in FOREIGN[kind]
        if text.encode() in path.read_bytes()
    ]

    assert guilty == []


def test_no_file_is_too_large_to_review() -> None:
    # GitHub's own description is large, and not ours.
    large = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.stat().st_size > 500_000 and "description" not in path.parts
    ]

    assert large == []


def test_imports_point_one_way() -> None:
    from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)

    assert status == EXIT_STATUS_SUCCESS
