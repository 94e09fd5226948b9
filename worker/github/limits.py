"""How much of an answer is read, and for how long."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx

MOST_BYTES = 48 * 1024 * 1024
MOST_ARCHIVE_BYTES = 512 * 1024 * 1024
MOST_SECONDS = 90.0


class _Limited(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream, request: httpx.Request, most: int) -> None:
        self._stream = stream
        self._request = request
        self._most = most

    def __iter__(self) -> Iterator[bytes]:
        seen = 0
        deadline = time.monotonic() + MOST_SECONDS
        for piece in self._stream:
            seen += len(piece)
            if seen > self._most:
                raise httpx.ReadError("the answer is too big", request=self._request)
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout("the answer takes too long", request=self._request)
            yield piece

    def close(self) -> None:
        self._stream.close()


def limit_response(response: httpx.Response) -> None:
    """A hook for an httpx client: reading more than is reasonable raises ReadError."""
    is_archive = any(
        part in response.request.url.path for part in ("/tarball/", "/legacy.tar.gz/", "/tar.gz/")
    )
    most = MOST_ARCHIVE_BYTES if is_archive else MOST_BYTES
    if isinstance(response.stream, httpx.SyncByteStream):
        response.stream = _Limited(response.stream, response.request, most)
