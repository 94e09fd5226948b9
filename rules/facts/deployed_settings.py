"""Django settings that production visibly runs with, and every word that stands in them.

For rules that say what is missing. They may speak only where all modules that make up the
settings are known: each star import leads to a file of the project, and nothing is included,
loaded or computed by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from rules.facts.settings_modules import SettingsModules, Stage, stage_named, star_source
from rules.kit import Extractor, Project, Source, paths

_PATH = re.compile(
    r"(^|/)(\w+_)?(settings?|config(s|uration)?|conf)(_\w{1,60})?(\.py$|/([^/]+/){0,2}[^/]+\.py$)"
)
_SETTINGS = (
    b"INSTALLED_APPS",
    b"import *",
    b"MIDDLEWARE",
    b"SECRET_KEY",
    b"DATABASES",
    b"_COOKIE_",
)
_WORD = re.compile(r"[A-Za-z_]\w*")
_COMMENT = re.compile(r"(?m)(?:^|(?<=\r))[ \t]*#[^\r\n]*")
_POOL = re.compile(r"conn_max_age|pool|pgbouncer|serverless|lambda_|zappa|vercel", re.IGNORECASE)
_OPAQUE = re.compile(
    r"split_settings|dynaconf|configurations|globals\(|locals\(|vars\(|setattr\(|importlib|exec\("
    r"|execfile|__import__|django_heroku|load_settings|from_object|django_settings_|\binclude\("
)
_PROXY = re.compile(
    r"prox(?:y|ies)|nginx|traefik|caddy|cloudflare|cloudfront|terminat|load.?balancer|ingress|haproxy"
    r"|apache|\b[ea]lb\b|gateway",
    re.IGNORECASE,
)
_DEPLOYS = re.compile(
    r"(^|/)(Dockerfile[^/]*|Procfile|app\.json|fly\.toml|render\.ya?ml|app\.ya?ml|zappa_settings\.json"
    r"|Chart\.yaml|kustomization\.ya?ml|gunicorn[^/]*\.(py|conf)|uwsgi\.ini|[^/]+\.service)$"
)
_FRONT = re.compile(
    r"(^|/)[^/]*(nginx|caddy|traefik|ingress|haproxy|apache|httpd|envoy)[^/]*(/|$)"
    r"|(^|/)(fly\.toml|render\.ya?ml|app\.ya?ml|vercel\.json|zappa_settings\.json)$",
    re.IGNORECASE,
)


class SettingsText(msgspec.Struct, frozen=True):
    """The names in capitals and of middleware in a file, comments included.

    `middleware` are those that stand in no comment. `opaque` files load settings in ways that
    cannot be read; `speaks_of_proxy` ones name a server that stands before the application,
    `speaks_of_pool` ones a pool of connections or a platform that has none.
    """

    words: tuple[str, ...]
    middleware: tuple[str, ...]
    opaque: bool
    speaks_of_proxy: bool
    speaks_of_pool: bool


def _extract(source: Source) -> SettingsText | None:
    text = source.text
    words = set(_WORD.findall(text))
    middleware = {each for each in words if each.endswith(("Middleware", "middleware"))}
    live = set(_WORD.findall(_COMMENT.sub("", text))) if middleware else set()
    return SettingsText(
        tuple(sorted(middleware | {each for each in words if each.isupper()})),
        tuple(sorted(middleware & live)),
        bool(_OPAQUE.search(text)),
        bool(_PROXY.search(text)),
        bool(_POOL.search(text)),
    )


def _reads(path: str) -> bool:
    return bool(_PATH.search(path)) and not paths.is_migration(path) and not paths.is_test(path)


SETTINGS_TEXT = Extractor(
    name="settings_text",
    version=2,
    record=SettingsText,
    reads=_reads,
    extract=_extract,
    wanted=lambda data: len(data) < 400_000 and any(each in data for each in _SETTINGS),
)


@dataclass(frozen=True)
class Deployed:
    """A settings module with all that it builds on.

    `deploys` says that the project visibly puts it on a server, `fronted` that a proxy may set
    headers, `pooled` that connections are spoken of.
    """

    path: str
    chain: frozenset[str]
    words: frozenset[str]
    middleware: frozenset[str]
    deploys: bool
    fronted: bool
    pooled: bool

    def speaks_of(self, *names: str) -> bool:
        """Whether any of these stands anywhere in the settings."""
        return not self.words.isdisjoint(names)

    def has_word_like(self, pattern: re.Pattern[str]) -> bool:
        return any(pattern.search(each) for each in self.words)


@dataclass(frozen=True)
class DeployedSettings:
    """By path: only modules that production ends up with, and whose whole chain is known."""

    by_path: Mapping[str, Deployed]

    @classmethod
    def gather(cls, project: Project) -> DeployedSettings:
        settings: SettingsModules = project.facts(SettingsModules)
        texts = project.records(SETTINGS_TEXT)
        deploys = any(_DEPLOYS.search(each) for each in project.paths)
        found = {}
        for path, known in settings.by_path.items():
            if known.framework != "django" or known.stage not in (Stage.PRODUCTION, Stage.MAIN):
                continue
            chain = _chain(path, settings, texts)
            if chain:
                visibly = deploys or _is_named_production(path)
                found[path] = _deployed(path, chain, texts, project, deploys=visibly)
        return cls(found)

    def building_on(self, path: str) -> tuple[Deployed, ...]:
        """What production runs with that this file is a part of."""
        return tuple(each for each in self.by_path.values() if path in each.chain)


def _is_named_production(path: str) -> bool:
    parts = path.removesuffix(".py").split("/")
    return any(stage_named(each) is Stage.PRODUCTION for each in parts[-2:])


def _chain(
    path: str, settings: SettingsModules, texts: Mapping[str, SettingsText]
) -> frozenset[str]:
    """The module and all that it takes by star imports; nothing where some of it is not known."""
    modules = settings.modules
    seen: set[str] = set()
    queue = [path]
    while queue:
        at = queue.pop()
        if at in seen:
            continue
        seen.add(at)
        if at not in texts or texts[at].opaque:
            return frozenset()
        for star in modules.by_path[at].stars:
            source = star_source(at, star, modules)
            if source is None:
                return frozenset()
            queue.append(source)
    names = {one.name for each in seen for one in modules.by_path[each].assignments}
    return frozenset(seen) if {"INSTALLED_APPS", "MIDDLEWARE"} <= names else frozenset()


def _deployed(
    path: str,
    chain: frozenset[str],
    texts: Mapping[str, SettingsText],
    project: Project,
    *,
    deploys: bool,
) -> Deployed:
    known = [texts[each] for each in chain]
    front = any(_FRONT.search(each) for each in project.paths)
    return Deployed(
        path,
        chain,
        frozenset(word for each in known for word in each.words),
        frozenset(word for each in known for word in each.middleware),
        deploys,
        front or any(each.speaks_of_proxy for each in known),
        any(each.speaks_of_pool for each in known),
    )


def speaks_of_proxy(text: str) -> bool:
    """Whether settings name a server that stands before the application."""
    return bool(_PROXY.search(text))
