"""Fixtures of the tests of the receiver and its pages."""

from __future__ import annotations

from browser import chromium

__all__ = ["chromium"]
