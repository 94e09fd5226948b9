"""The ledger put together again from what people wrote and Stet acknowledged. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from worker import keepsakes
from worker.commands import parse
from worker.ledger import Ledger, Place, places_of
from worker.orders import NOTES, Scene, obey
from worker.pull_request import OwnReview, Remark, Thread, own_comments


@dataclass(frozen=True, slots=True)
class _Heard:
    remark: Remark
    places: tuple[Place, ...]


def recalled(
    remarks: Iterable[Remark],
    threads: tuple[Thread, ...],
    reviews: Iterable[OwnReview],
    explain: Callable[[str], str],
) -> Ledger:
    """What the acknowledged commands of a pull request come to, in the order they were given.

    A rocket of ours on a comment says that its commands were allowed and done. Of what was
    dismissed by deleting a comment our own reviews tell.
    """
    remarks = tuple(remarks)
    ours = {each.thread_id: places_of(each) for each in own_comments(threads)}
    heard = [_Heard(each, ()) for each in remarks]
    for thread in threads:
        heard += [_Heard(each.remark, ours.get(thread.id, ())) for each in thread.comments]
    ledger = Ledger()
    for each in sorted(heard, key=lambda one: one.remark.written):
        if each.remark.is_acknowledged:
            scene = Scene(
                login=each.remark.author,
                may=lambda _: True,
                ledger=ledger,
                explain=explain,
                configuration=str,
                thread=each.places,
            )
            ledger = obey(parse(each.remark.body), scene).ledger
    dismissed = {**ledger.findings, **keepsakes.found(reviews)}
    return replace(ledger, findings=dismissed, notes=_notes(remarks))


def _notes(remarks: Iterable[Remark]) -> dict[str, int]:
    """The answers that are edited when they are asked for again."""
    return {
        name: each.own
        for each in remarks
        for name, start in NOTES.items()
        if each.own is not None and each.body.startswith(start)
    }
