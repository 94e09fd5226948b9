from typing import Annotated

from pydantic import BaseModel, Field

Isbn = Annotated[str, Field(pattern=r"^\d{13}$")]
Quantity = Annotated[int, Field(gt=0, le=500)]


class PartnerOrder(BaseModel):
    customer_email: Annotated[str, Field(max_length=254)]
    quantities: Annotated[dict[Isbn, Quantity], Field(min_length=1, max_length=100)]


class PlacedOrder(BaseModel):
    id: int
    status: str
