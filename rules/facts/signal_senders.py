"""The models whose writing other code waits for: `@receiver(post_save, sender=Book)`."""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from rules.kit import Extractor, Project, Source

_SENDER = re.compile(r"\bsender\s*=\s*(?:[\w.]*\.)?(\w+)")
_SIGNAL = re.compile(r"\b(?:pre|post)_(?:save|delete)\b")


class SenderRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    names: tuple[str, ...]


def extract(source: Source) -> SenderRecord | None:
    if not _SIGNAL.search(source.text):
        return None
    names = set(_SENDER.findall(source.text))
    return SenderRecord(tuple(sorted(names))) if names else None


SENDERS = Extractor(
    name="signal_senders",
    version=1,
    record=SenderRecord,
    reads=lambda path: path.endswith(".py"),
    extract=extract,
    wanted=lambda data: b"_save" in data and b"sender" in data,
)


@dataclass(frozen=True)
class SignalSenders:
    """The last names of the classes that signals are awaited of."""

    names: frozenset[str]

    @classmethod
    def gather(cls, project: Project) -> SignalSenders:
        records = project.records(SENDERS).values()
        return cls(frozenset(name for each in records for name in each.names))
