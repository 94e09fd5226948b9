"""The API for partner shops: they place orders for customers whom the shop knows."""

from collections.abc import Iterator

from django.db import close_old_connections
from fastapi import Depends, FastAPI, HTTPException, status

from orders.models import Customer
from orders.services import OutOfStock, UnknownBook, place_order
from partners.schemas import PartnerOrder, PlacedOrder
from partners.security import require_partner


def database() -> Iterator[None]:
    """Do for a request what Django does for its own: drop connections that went stale."""
    close_old_connections()
    yield
    close_old_connections()


app = FastAPI(title="Harbour Books for partners")


@app.post(
    "/orders",
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(require_partner), Depends(database)],
)
def create_order(wanted: PartnerOrder) -> PlacedOrder:
    try:
        customer = Customer.objects.get(email=wanted.customer_email)
        order = place_order(customer, wanted.quantities)
    except Customer.DoesNotExist as missing:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "unknown customer") from missing
    except UnknownBook as unknown:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "unknown book") from unknown
    except OutOfStock as short:
        raise HTTPException(status.HTTP_409_CONFLICT, "out of stock") from short
    return PlacedOrder(id=order.pk, status=order.status)
