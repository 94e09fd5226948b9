"""What the courier tells us of our parcels."""

import hashlib
import hmac
import json

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseForbidden
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from orders.models import Order


def is_from_courier(body: bytes, signature: str) -> bool:
    key = settings.COURIER_WEBHOOK_SECRET.encode()
    expected = hmac.new(key, body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(signature.encode(), expected.encode())


@csrf_exempt
@require_POST
def parcel_shipped(request: HttpRequest) -> HttpResponse:
    """The courier has no session here: its signature over the body proves who speaks."""
    if not is_from_courier(request.body, request.headers.get("X-Courier-Signature", "")):
        return HttpResponseForbidden("wrong signature")
    try:
        tracking_code = str(json.loads(request.body)["tracking_code"])
    except (KeyError, TypeError, ValueError):
        return HttpResponseBadRequest("tracking_code is missing")
    placed = Order.objects.filter(tracking_code=tracking_code, status=Order.Status.PLACED)
    placed.update(status=Order.Status.SHIPPED)
    return HttpResponse(status=204)
