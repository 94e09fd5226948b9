import hmac
from typing import Annotated

from django.conf import settings
from fastapi import Header, HTTPException, status


def require_partner(x_partner_key: Annotated[str, Header()]) -> None:
    """Refuse a request that carries no partner's key."""
    given = x_partner_key.encode()
    if not any(hmac.compare_digest(given, key.encode()) for key in settings.PARTNER_KEYS):
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "unknown partner key")
