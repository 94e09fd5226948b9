"""What GitHub says when it does not do what was asked."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.entities import Json


class Refused(Exception):  # noqa: N818 - it is an answer, not a failure of the stand-in
    """An answer other than success, in GitHub's shape."""

    def __init__(self, status: int, message: str, errors: Sequence[Json | str] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = list(errors)

    def body(self) -> Json:
        body: Json = {
            "message": self.message,
            "documentation_url": "https://docs.github.com/rest",
            "status": str(self.status),
        }
        if self.errors:
            body["errors"] = self.errors
        return body


def not_found() -> Refused:
    return Refused(404, "Not Found")


def invalid(resource: str, field: str, message: str = "", code: str = "invalid") -> Refused:
    """422 with one entry that names a field."""
    entry: Json = {"resource": resource, "field": field, "code": "custom" if message else code}
    if message:
        entry["message"] = message
    return Refused(422, "Validation Failed", [entry])


def unprocessable(*messages: str) -> Refused:
    """422 with plain sentences, as reviews and check runs answer."""
    return Refused(422, "Unprocessable Entity", messages)


def forbidden_to_app() -> Refused:
    return Refused(403, "Resource not accessible by integration")
