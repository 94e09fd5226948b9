"""Which files register handlers that turn errors into answers."""

from __future__ import annotations

import re

from rules.kit import Extractor, Source
from rules.kit.paths import is_module

_HANDLES = re.compile(r"exception_handler|errorhandler|error_handler|BaseHTTPMiddleware|call_next")


def _handles(source: Source) -> bool | None:
    return True if _HANDLES.search(source.text) else None


HANDLERS: Extractor[bool] = Extractor(
    name="error_handlers",
    version=1,
    record=bool,
    reads=is_module,
    extract=_handles,
    reads_tests=False,
    wanted=lambda data: b"handler" in data or b"iddleware" in data or b"call_next" in data,
)
