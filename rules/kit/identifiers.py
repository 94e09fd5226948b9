"""The identifiers of a file, without looking at each place where they stand."""

from __future__ import annotations

from string import ascii_letters, digits

_DIGITS = digits.encode()
_BLANKED = bytes(
    each if each in f"{ascii_letters}{digits}_".encode() else ord(" ") for each in range(256)
)


def identifiers(data: bytes) -> frozenset[bytes]:
    """The runs of ASCII letters, digits and underscores, leading digits left out, each once."""
    found = set(data.translate(_BLANKED).split())
    numbers = {each for each in found if each < b":"}  # digits stand right before it
    found -= numbers
    found |= {each.lstrip(_DIGITS) for each in numbers}
    found.discard(b"")
    return frozenset(found)
