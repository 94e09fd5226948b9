"""Which kinds of servers a repository starts: for WSGI, for ASGI, or for both."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rules.kit import Extractor, Project, Source

_READ = re.compile(
    r"(^|/)(Procfile[^/]{0,20}|[^/]{0,60}Dockerfile[^/]{0,40}|[^/]{0,60}\.(sh|service|toml|conf|ini)"
    r"|[^/]{0,60}compose[^/]{0,40}\.ya?ml|gunicorn[^/]{0,30}\.py|app\.ya?ml|render\.ya?ml|Makefile)$"
)
_WSGI = re.compile(r"gunicorn\b[^\n]{0,300}wsgi|uwsgi\b|waitress|mod_wsgi|wsgi-file")
_ASGI = re.compile(r"uvicorn|hypercorn|daphne|granian|asgi", re.IGNORECASE)


def _extract(source: Source) -> str | None:
    text = source.text
    found = ("w" if _WSGI.search(text) else "") + ("a" if _ASGI.search(text) else "")
    return found or None


SERVERS: Extractor[str] = Extractor(
    name="servers_of_views",
    version=1,
    record=str,
    reads=lambda path: bool(_READ.search(path)),
    extract=_extract,
    wanted=lambda data: b"sgi" in data or b"vicorn" in data or b"waitress" in data,
)


@dataclass(frozen=True)
class ViewServers:
    """Whether something starts a server for WSGI, and one for ASGI."""

    wsgi: bool
    asgi: bool

    @classmethod
    def gather(cls, project: Project) -> ViewServers:
        found = "".join(project.records(SERVERS).values())
        return cls("w" in found, "a" in found)
