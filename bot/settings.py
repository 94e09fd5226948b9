"""What the receiver reads from the environment. It never sees the App's private key."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from worker.settings import ProcessSettings

SHORT_SECRET = 16


class BotSettings(ProcessSettings):
    """The receiver's settings; read with `worker.settings.load(BotSettings)`."""

    webhook_secret: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        description=(
            "Set it to the webhook secret on the page of your GitHub App; while you change it, "
            "give the old and the new one, separated by a comma."
        )
    )
    host: str = Field(
        default="127.0.0.1",
        description="Set it to the address to listen on, such as 0.0.0.0 for all.",
    )
    port: int = Field(
        default=8000, ge=0, le=65535, description="Set it to the port to listen on, 1 to 65535."
    )
    pages: Literal["loopback", "everyone"] = Field(
        default="loopback",
        description=(
            "Set it to everyone to show the status page and the metrics to other machines, "
            "or leave it out: they are then shown on this machine only."
        ),
    )

    @field_validator("webhook_secret", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        secrets = tuple(part.strip() for part in value.split(",") if part.strip())
        if not secrets:
            raise ValueError("there is no secret in it")
        return secrets

    def keys(self) -> tuple[bytes, ...]:
        """The webhook secrets as bytes for the signature check."""
        return tuple(secret.get_secret_value().encode() for secret in self.webhook_secret)

    def secrets(self) -> tuple[str, ...]:
        return (*super().secrets(), *(part.get_secret_value() for part in self.webhook_secret))

    def warnings(self) -> tuple[str, ...]:
        if any(len(key) < SHORT_SECRET for key in self.keys()):
            return (f"a webhook secret has fewer than {SHORT_SECRET} characters: easy to guess",)
        return ()
