"""The courier's HTTP interface."""

from urllib.parse import quote

import requests
from django.conf import settings

TIMEOUT_SECONDS = 5


def parcel_status(tracking_code: str) -> str:
    """What the courier says of a parcel, in the courier's own words."""
    response = requests.get(
        f"{settings.COURIER_URL}/parcels/{quote(tracking_code, safe='')}",
        timeout=TIMEOUT_SECONDS,
    )
    response.raise_for_status()
    return response.json()["status"]


def label(tracking_code: str) -> bytes:
    """The label to print for a parcel, as PDF."""
    response = requests.get(
        f"{settings.COURIER_URL}/labels/{quote(tracking_code, safe='')}",
        timeout=TIMEOUT_SECONDS,
    )
    response.raise_for_status()
    return response.content
