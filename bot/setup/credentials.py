"""What GitHub gives for a new App, and the files that keep it, for their owner alone."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from worker.settings import PREFIX

KEY_FILE = "private-key.pem"
SETTINGS_FILE = "stet.env"
_CODE = re.compile(r"[A-Za-z0-9_-]{1,200}")
_SECRET = re.compile(r"[A-Za-z0-9_.~+/=-]{16,200}")
_SLUG = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_SECONDS = 15.0


class SetupError(Exception):
    """It cannot be set up so; the text says what to do, and holds no secret."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an App is known by, and what only it knows."""

    app_id: int
    slug: str
    private_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)


def exchange(api_url: str, code: str) -> Credentials:
    """Buy the credentials with the code that GitHub gave; it can be used once. Raises SetupError."""
    if not _CODE.fullmatch(code):
        raise SetupError("The address that GitHub led to holds no code. Press the button again.")
    headers = {"Accept": "application/vnd.github+json", "User-Agent": "stet-review"}
    try:
        answer = httpx.post(
            f"{api_url}/app-manifests/{code}/conversions", headers=headers, timeout=_SECONDS
        )
    except httpx.HTTPError as error:
        kind = type(error).__name__
        raise SetupError(f"{api_url} does not answer ({kind}). Load this page again.") from None
    if answer.status_code != 201:
        raise SetupError(
            f"GitHub refused the code ({answer.status_code}): it is used up or an hour old. "
            "Delete the App that was just made, and press the button again."
        )
    return _credentials(answer)


def _credentials(answer: httpx.Response) -> Credentials:
    try:
        given = answer.json()
        found = Credentials(
            int(given["id"]), str(given["slug"]), str(given["pem"]), str(given["webhook_secret"])
        )
    except (ValueError, TypeError, KeyError):
        raise SetupError("GitHub's answer has an unknown form.") from None
    well_formed = (
        _SLUG.fullmatch(found.slug)
        and _SECRET.fullmatch(found.webhook_secret)
        and found.private_key.startswith("-----BEGIN ")
    )
    if not well_formed:
        raise SetupError(
            "GitHub gave no webhook secret or no key. Set and make them on the page of the App, "
            "then write the settings by hand: docs/operators.md lists them."
        )
    return found


def ensure_room(folder: Path) -> None:
    """Make the folder private, and see that nothing is overwritten. Raises SetupError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SetupError(f"{folder} cannot be made: {error.strerror}.") from None
    for name in (KEY_FILE, SETTINGS_FILE):
        if os.path.lexists(folder / name):
            text = "stands already and is not overwritten: move it away, or name another --folder"
            raise SetupError(f"{folder / name} {text}.")
    if folder.stat().st_mode & 0o077:
        raise SetupError(f"Others may read {folder}: run chmod 700 {shlex.quote(str(folder))}.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SetupError(f"{folder} may not be written.")


def keep(folder: Path, found: Credentials, settings: dict[str, str]) -> Path:
    """Write the key, and the settings that start Stet with it. Raises SetupError.

    `settings` by names without the prefix, besides those of the credentials.
    """
    key = folder.resolve() / KEY_FILE
    values = {
        "APP_ID": str(found.app_id),
        "WEBHOOK_SECRET": found.webhook_secret,
        "PRIVATE_KEY_FILE": str(key),
        **settings,
    }
    lines = [f"{PREFIX}{name}={shlex.quote(value)}\n" for name, value in values.items()]
    file = folder / SETTINGS_FILE
    try:
        _write(key, found.private_key)
        _write(file, "".join(lines))
    except OSError as error:
        raise SetupError(
            f"{error.filename} cannot be written: {error.strerror}. The App is made, its key is "
            "lost: make another on its page, and set a new webhook secret there."
        ) from None
    return file


def _write(path: Path, text: str) -> None:
    """A new file that nobody else may read; it never follows or replaces what is there."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
