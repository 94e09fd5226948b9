"""Contents of files, by the hash of the content: many a call, and each one checked."""

from __future__ import annotations

import base64
import hashlib
import io
import logging
import re
import tarfile
from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec

from worker.github import queries
from worker.github.client import Client
from worker.github.errors import GoneError, UnavailableError

log = logging.getLogger(__name__)

MOST_FILE_BYTES = 1024 * 1024
ARCHIVE_FROM = 300  # missing blobs from which one archive is cheaper than batches
MOST_KEPT_BYTES = 256 * 1024 * 1024
_BATCH_BLOBS = 220
_BATCH_BYTES = 6 * 1024 * 1024
_UNKNOWN_SIZE = 20_000
_MOST_SINGLE = 20
_MOST_MEMBERS = 400_000
_MOST_UNPACKED = 4 * 1024 * 1024 * 1024
_OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def oid_of(data: bytes, like: str) -> str:
    """Git's name for this content, in the hash that `like` is written in."""
    digest = hashlib.sha256 if len(like) == 64 else hashlib.sha1
    return digest(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


class _Single(msgspec.Struct):
    content: str = ""
    encoding: str = ""


class GitHubBlobs:
    """The blobs of one repository, read in batches and kept while a review runs.

    A blob that is too big, binary, or cannot be read is absent; `reason` then says why.
    `sizes` in bytes where they are known; `commit` is one whose archive holds most blobs.
    """

    def __init__(self, client: Client, sizes: Mapping[str, int], commit: str) -> None:
        self._client = client
        self._sizes = sizes
        self._commit = commit
        self._kept: dict[str, bytes] = {}
        self._reasons: dict[str, str] = {}
        self._bytes = 0

    def read(self, shas: Collection[str]) -> Mapping[str, bytes]:
        wanted = [sha for sha in sorted(set(shas)) if self._is_missing(sha)]
        if len(wanted) > ARCHIVE_FROM:
            self._read_archive(set(wanted))
            wanted = [sha for sha in wanted if self._is_missing(sha)]
        odd: list[str] = []
        for batch in self._batches(wanted):
            odd += self._read_batch(batch)
        for number, sha in enumerate(odd):
            if number < _MOST_SINGLE:
                self._read_single(sha)
            else:
                self._reasons[sha] = "not UTF-8, and there are too many such files"
        return {sha: self._kept[sha] for sha in set(shas) if sha in self._kept}

    def reason(self, sha: str) -> str:
        """Why a blob is absent, in words for the author of the file."""
        return self._reasons.get(sha, "GitHub did not give its content")

    def _is_missing(self, sha: str) -> bool:
        if sha in self._kept or sha in self._reasons or not _OID.fullmatch(sha):
            return False
        if self._sizes.get(sha, 0) > MOST_FILE_BYTES:
            self._reasons[sha] = "larger than 1 MB"
            return False
        return True

    def _keep(self, sha: str, data: bytes) -> None:
        if self._bytes + len(data) > MOST_KEPT_BYTES:
            self._reasons[sha] = "the repository holds too much to be read at once"
            return
        self._bytes += len(data)
        self._kept[sha] = data

    def _batches(self, shas: Iterable[str]) -> Iterator[list[str]]:
        batch: list[str] = []
        total = 0
        for sha in shas:
            size = self._sizes.get(sha, _UNKNOWN_SIZE)
            if batch and (len(batch) >= _BATCH_BLOBS or total + size > _BATCH_BYTES):
                yield batch
                batch, total = [], 0
            batch.append(sha)
            total += size
        if batch:
            yield batch

    def _read_batch(self, shas: list[str]) -> list[str]:
        """Read a batch; returns those whose text is not the content to the byte."""
        key = self._client.key
        variables = {"owner": key.owner, "name": key.repository}
        data = self._client.graphql(queries.blobs(shas), variables, queries.BlobsData)
        nodes = data.repository or {}
        odd = []
        for number, sha in enumerate(shas):
            node = nodes.get(f"b{number}")
            if node is None:
                self._reasons[sha] = "GitHub does not have its content"
            elif node.is_binary:
                self._reasons[sha] = "not text"
            elif node.byte_size > MOST_FILE_BYTES:
                self._reasons[sha] = "larger than 1 MB"
            else:
                content = (node.text or "").encode("utf-8", "surrogatepass")
                if oid_of(content, sha) == sha:
                    self._keep(sha, content)
                else:
                    odd.append(sha)
        return odd

    def _read_single(self, sha: str) -> None:
        path = f"{self._client.repository}/git/blobs/{sha}"
        try:
            content = base64.b64decode(self._client.get(path, _Single).content)
        except (GoneError, ValueError) as error:
            log.info("blob %s: %s", sha, type(error).__name__)
            self._reasons[sha] = "GitHub does not have its content"
            return
        if oid_of(content, sha) == sha:
            self._keep(sha, content)
        else:
            self._reasons[sha] = "GitHub's content does not fit its name"

    def _read_archive(self, wanted: set[str]) -> None:
        """Take what is wanted out of the commit's archive. What it lacks is read otherwise."""
        path = f"{self._client.repository}/tarball/{self._commit}"
        try:
            with self._client.download(path) as pieces:
                for content in _members(pieces):
                    sha = oid_of(content, self._commit)
                    if sha in wanted:
                        self._keep(sha, content)
        except (tarfile.TarError, EOFError, OSError, UnavailableError) as error:
            log.warning("archive of %s: %s", self._client.key, type(error).__name__)


def _members(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Contents of the regular files of an archive, nothing of which is written anywhere."""
    with tarfile.open(fileobj=_Reader(pieces), mode="r|gz") as archive:
        unpacked = 0
        for number, member in enumerate(archive):
            unpacked += member.size
            if number > _MOST_MEMBERS or unpacked > _MOST_UNPACKED:
                raise tarfile.ReadError("the archive is too big")
            if member.isreg() and member.size <= MOST_FILE_BYTES:
                file = archive.extractfile(member)
                if file is not None:
                    yield file.read(MOST_FILE_BYTES)


class _Reader(io.RawIOBase):
    """Pieces as the file that `tarfile` reads from."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        parts = [self._rest]
        have = len(self._rest)
        while size < 0 or have < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            parts.append(piece)
            have += len(piece)
        data = b"".join(parts)
        if size < 0:
            size = len(data)
        self._rest = data[size:]
        return data[:size]
