"""What the doctor reads of the receiver's environment, however wrong it may be."""

from __future__ import annotations

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from worker.settings import PREFIX


class Found(BaseSettings):
    """Unchecked: what is wrong with a value is told by the process that reads it."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True
    )

    redis_url: SecretStr = SecretStr("")
    private_key: SecretStr = SecretStr("")
    webhook_secret: SecretStr = SecretStr("")
    port: str = "8000"

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts that must never be shown."""
        return (self.private_key.get_secret_value(), *self.webhook_secrets)

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The oldest first."""
        parts = self.webhook_secret.get_secret_value().split(",")
        return tuple(part.strip() for part in parts if part.strip())
