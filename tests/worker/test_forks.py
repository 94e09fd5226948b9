"""Forks beside threads that look up names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "stand_in_forks.py"


@pytest.mark.fault(26)
def test_no_child_finds_the_resolver_locked() -> None:
    ended = subprocess.run(
        [sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False, timeout=300
    )
    assert ended.returncode == 0, ended.stderr
