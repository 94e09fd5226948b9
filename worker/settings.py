"""The environment of a process, read once at its start into a frozen object."""

from __future__ import annotations

import ipaddress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, PositiveInt, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

if TYPE_CHECKING:
    from redis import Redis

PREFIX = "STET_"
Loaded = TypeVar("Loaded", bound=BaseSettings)


class SettingsError(Exception):
    """The environment does not do; `problems` has one line for each variable, never a value."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load(settings: type[Loaded], **given: Any) -> Loaded:
    """Read the environment; `given` values win. Raises SettingsError."""
    try:
        return settings(**given)
    except ValidationError as error:
        # From None: the original error could show the values of secrets.
        raise SettingsError(tuple(_problems(settings, error))) from None


def _problems(settings: type[BaseSettings], error: ValidationError) -> list[str]:
    lines = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        field = str(problem["loc"][0]) if problem["loc"] else ""
        cure = settings.model_fields[field].description if field in settings.model_fields else None
        if problem["type"] == "missing":
            what = "is not set"
        else:
            what = f"cannot be used: {problem['msg'].removeprefix('Value error, ')}"
        lines.append(f"{PREFIX}{field.upper()} {what}. {cure or ''}".rstrip())
    return lines


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def checked_http_url(url: str) -> str:
    """An https URL (http on loopback) without credentials, query and trailing slash."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("it is no http(s) address")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("plain http is for this machine only; use https")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("it must hold no credentials, query or fragment")
    return url.rstrip("/")


class QueueSettings(BaseSettings):
    """Where the queue is: enough for the commands that only look at it."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    insecure_redis: bool = Field(
        default=False, description="Set it to true or false: allows redis:// to another machine."
    )
    redis_url: SecretStr = Field(
        description=(
            "Set it to the address of your Redis, such as redis://127.0.0.1:6379/0, "
            "or run `stet up`, which starts one."
        )
    )
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto", description="Set it to json, console or auto (console on a terminal)."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Set it to debug, info, warning or error."
    )

    @field_validator("redis_url")
    @classmethod
    def _redis_is_private(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        parts = urlsplit(value.get_secret_value())
        if parts.scheme not in {"redis", "rediss", "unix"}:
            raise ValueError("it does not start with redis://, rediss:// or unix://")
        plaintext = parts.scheme == "redis" and not is_loopback(parts.hostname or "localhost")
        if plaintext and not info.data.get("insecure_redis"):
            raise ValueError(
                "it would send the queue in plain text to another machine; use rediss://, or set "
                f"{PREFIX}INSECURE_REDIS=true if the network between them is private"
            )
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    def secrets(self) -> tuple[str, ...]:
        """Texts that must never be logged."""
        password = urlsplit(self.redis_url.get_secret_value()).password
        return (password,) if password else ()

    def warnings(self) -> tuple[str, ...]:
        """Lines an operator should read at the start; the process runs all the same."""
        return ()

    def redis(self) -> Redis:
        """A client for turns: text, short time-outs, one retry when the connection broke."""
        return _redis(self.redis_url, decode_responses=True)

    def redis_bytes(self) -> Redis:
        """As `redis`, but replies are bytes: for RQ and for caches of binary values."""
        return _redis(self.redis_url, decode_responses=False)


class ProcessSettings(QueueSettings):
    """What every process of Stet reads."""

    app_id: PositiveInt = Field(
        description=(
            "Set it to the number shown as 'App ID' on the page of your GitHub App, or run "
            "`stet setup`, which makes the App."
        )
    )
    public_url: str | None = Field(
        default=None, description="Set it to the https address under which GitHub reaches Stet."
    )
    sentry_dsn: SecretStr | None = Field(
        default=None,
        description="Set it to the DSN of a project in your Sentry; leave it out to send nothing.",
    )
    otlp_endpoint: str | None = Field(
        default=None,
        description=(
            "Set it to the address of your OpenTelemetry collector (OTLP over HTTP), such as "
            "http://127.0.0.1:4318; leave it out to send nothing."
        ),
    )

    @field_validator("public_url")
    @classmethod
    def _public_url_is_safe(cls, value: str | None) -> str | None:
        return None if value is None else checked_http_url(value)

    @field_validator("sentry_dsn")
    @classmethod
    def _sentry_can_be_told(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        parts = urlsplit(value.get_secret_value())
        if not parts.username or not parts.path.rpartition("/")[2].isdecimal():
            raise ValueError("it is no DSN, which looks like https://KEY@HOST/NUMBER")
        checked_http_url(parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl())
        _ensure_installed("sentry_sdk", "sentry")
        return value

    @field_validator("otlp_endpoint")
    @classmethod
    def _collector_can_be_told(cls, value: str | None) -> str | None:
        if value is None:
            return None
        _ensure_installed("opentelemetry.exporter.otlp.proto.http.trace_exporter", "otel")
        _ensure_installed("opentelemetry.sdk.trace", "otel")
        return checked_http_url(value)

    def secrets(self) -> tuple[str, ...]:
        own = () if self.sentry_dsn is None else (self.sentry_dsn.get_secret_value(),)
        return (*super().secrets(), *own)


class WorkerSettings(ProcessSettings):
    """What a worker reads."""

    private_key_file: Path | None = Field(
        default=None,
        description="Set it to the path of the .pem file that GitHub let you download.",
    )
    private_key: Annotated[SecretStr, Field(validate_default=True)] = Field(
        default=SecretStr(""),
        description=(
            "Set it to the App's private key, or STET_PRIVATE_KEY_FILE to the path of the .pem "
            "file; a new key can be made on the page of your GitHub App."
        ),
    )
    github_api_url: str = Field(
        default="https://api.github.com",
        description="Set it to the address of GitHub's REST API; leave it out for github.com.",
    )
    autofix: bool = Field(
        default=False,
        description=(
            "Set it to true where the App may have contents: write: `/stet fix` then commits, and "
            "threads are resolved when their findings are gone."
        ),
    )
    installation_turns: int = Field(
        default=4,
        ge=0,
        description=(
            "Set it to the most pull requests of one installation that are reviewed at once, "
            "or to 0 for any number."
        ),
    )
    write_seconds: float = Field(
        default=1.0,
        ge=0,
        le=10,
        description=(
            "Set it to the least seconds between two writes of all workers for one installation, "
            "0 to 10; GitHub asks for 1."
        ),
    )
    review_seconds: int = Field(
        default=300,
        ge=5,
        le=570,  # RQ ends a job after 600
        description="Set it to the most seconds one review may take, 5 to 570.",
    )

    @field_validator("private_key", mode="before")
    @classmethod
    def _key_from_file(cls, value: Any, info: ValidationInfo) -> Any:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        path: Path | None = info.data.get("private_key_file")
        if not text and path is not None:
            try:
                text = path.read_text(encoding="ascii")
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "no text"
                raise ValueError(f"the file of {PREFIX}PRIVATE_KEY_FILE: {reason}") from None
        if not text:
            raise ValueError("there is no key")
        return text

    @field_validator("private_key")
    @classmethod
    def _is_rsa_key(cls, value: SecretStr) -> SecretStr:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        # An .env file often holds the key in one line with \n spelled out.
        pem = value.get_secret_value().replace("\\n", "\n").strip() + "\n"
        try:
            key = load_pem_private_key(pem.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise ValueError("it is no readable private key in PEM form") from None
        if not isinstance(key, RSAPrivateKey):
            # A TypeError would not reach the list of problems.
            raise ValueError("it is a private key, but not an RSA one as GitHub makes them")  # noqa: TRY004
        return SecretStr(pem)

    @field_validator("github_api_url")
    @classmethod
    def _api_url_is_safe(cls, value: str) -> str:
        return checked_http_url(value)

    def secrets(self) -> tuple[str, ...]:
        return (*super().secrets(), self.private_key.get_secret_value())

    def warnings(self) -> tuple[str, ...]:
        path = self.private_key_file
        if path is not None and path.stat().st_mode & 0o077:
            return (f"other users may read the private key; run: chmod 600 {path}",)
        return ()


def _ensure_installed(module: str, extra: str) -> None:
    """Raises ValueError with the cure where an optional library is missing."""
    try:
        is_there = find_spec(module) is not None
    except ImportError:
        is_there = False
    if not is_there:
        raise ValueError(f"its library is missing; run: pip install 'stet-review[server,{extra}]'")


def _redis(url: SecretStr, *, decode_responses: bool) -> Redis:
    from redis import Redis
    from redis.backoff import ConstantBackoff
    from redis.exceptions import ConnectionError as RedisConnectionError
    from redis.retry import Retry

    return Redis.from_url(
        url.get_secret_value(),
        decode_responses=decode_responses,
        socket_timeout=5,
        socket_connect_timeout=2,
        retry=Retry(ConstantBackoff(0.2), 1, supported_errors=(RedisConnectionError,)),
    )
