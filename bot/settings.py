"""What the receiver reads from the environment. It never sees the App's private key."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from worker.settings import ProcessSettings, checked_http_url

SHORT_SECRET = 16
SHORT_TOKEN = 24


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
            "Set it to everyone to show the pages and the metrics to other machines, to whoever "
            "has STET_PAGES_TOKEN; or leave it out: they are then shown on this machine only."
        ),
    )
    pages_token: Annotated[SecretStr | None, Field(validate_default=True)] = Field(
        default=None,
        description="Set it to a long random text, such as `openssl rand -hex 24` prints.",
    )
    github_api_url: str = Field(
        default="https://api.github.com",
        description="Set it to the address of GitHub's REST API; leave it out for github.com.",
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

    @field_validator("pages_token")
    @classmethod
    def _is_long(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None and info.data.get("pages") == "everyone":
            raise ValueError("STET_PAGES=everyone needs it")
        if value is not None and len(value.get_secret_value()) < SHORT_TOKEN:
            raise ValueError(f"it has fewer than {SHORT_TOKEN} characters")
        return value

    @field_validator("github_api_url")
    @classmethod
    def _api_url_is_safe(cls, value: str) -> str:
        return checked_http_url(value)

    @property
    def token(self) -> str | None:
        """What opens the pages; None where they are this machine's alone."""
        if self.pages == "loopback" or self.pages_token is None:
            return None
        return self.pages_token.get_secret_value()

    def keys(self) -> tuple[bytes, ...]:
        """The webhook secrets as bytes for the signature check."""
        return tuple(secret.get_secret_value().encode() for secret in self.webhook_secret)

    def secrets(self) -> tuple[str, ...]:
        own = (*self.webhook_secret, *((self.pages_token,) if self.pages_token else ()))
        return (*super().secrets(), *(part.get_secret_value() for part in own))

    def warnings(self) -> tuple[str, ...]:
        if any(len(key) < SHORT_SECRET for key in self.keys()):
            return (f"a webhook secret has fewer than {SHORT_SECRET} characters: easy to guess",)
        return ()
