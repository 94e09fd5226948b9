"""What users uploaded is under version control.

Files below `MEDIA_ROOT` or a folder of uploads come from whoever used the application: pictures,
invoices, letters. The repository copies them to everybody and grows with each of them for good.
Keep them in the storage of the application and ignore the folder.

Bad: the settings say where uploads go.
```python shop/settings.py
MEDIA_ROOT = BASE_DIR / "media"
INSTALLED_APPS = ["shop"]
ROOT_URLCONF = "shop.urls"
```
```text media/avatars/ann.jpg flagged
(a picture)
```
```text media/avatars/bob.jpg
(a picture)
```
Good:
```python shop/settings.py
MEDIA_ROOT = BASE_DIR / "media"
INSTALLED_APPS = ["shop"]
ROOT_URLCONF = "shop.urls"
```
```text .gitignore
/media/
```
Bad:
```text app/uploads/invoice-2291.pdf flagged
(a letter)
```
Good: the folder itself, and code about uploads.
```text app/uploads/.gitkeep
```
```text app/uploads/views.py
def upload(request): ...
```
Good: pictures of the project itself.
```text docs/media/logo.png
(a picture)
```
```text shop/static/uploads/placeholder.png
(a picture)
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rules.facts.artifacts import TEST_DATA, uploads_folder
from rules.facts.settings_modules import SettingsModules
from rules.kit import CommittedFile, Flag, Here, Project, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="CLN107",
    severity=Severity.WARNING,
    checklist=("cleanup.media",),
    scope="pr",
)

_MEDIA = re.compile(
    r"\.(jpe?g|png|gif|webp|heic|bmp|tiff?|svg|pdf|docx?|xlsx?|pptx?|odt|csv|zip|mp[34]|mov|avi|webm"
    r"|wav|ogg|eml|txt)$",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"(?i)(^|/)(docs?|static|assets|public|src|frontend|client|templates|themes?|locale|demo|seeds?)/"
    r"|(^|/)(readme|licen[cs]e|placeholder|default|sample|example)[^/]{0,60}$"
)
_TEXT = re.compile(r"[\"']([\w./-]{1,80})[\"']")


@dataclass(frozen=True)
class UploadFolders:
    """The first file of every folder of uploads, by the path of the folder."""

    roots: tuple[str, ...]
    first: Mapping[str, str]

    @classmethod
    def gather(cls, project: Project) -> UploadFolders:
        settings: SettingsModules = project.facts(SettingsModules)
        roots = set()
        for path in settings.by_path:
            for each in settings.modules.by_path[path].assignments:
                if each.name == "MEDIA_ROOT":
                    roots.add(_folder_in(" ".join((*each.args, each.value))))
        known = tuple(sorted(roots - {""}))
        first: dict[str, str] = {}
        for one in sorted(project.paths, reverse=True):
            folder = _folder_of(one, known)
            if folder:
                first[folder] = one
        return cls(known, first)

    def is_first(self, path: str) -> bool:
        return self.first.get(_folder_of(path, self.roots)) == path


@rule.on(CommittedFile)
def check(file: CommittedFile, here: Here) -> Iterator[Flag]:
    if not _MEDIA.search(file.path) or not _may_be_uploaded(file.path):
        return
    folders: UploadFolders = here.project.facts(UploadFolders)
    if not folders.is_first(file.path):
        return
    folder = _folder_of(file.path, folders.roots)
    message = (
        f"`{folder[-80:]}/` is where the application keeps what users upload. Untrack the files with "
        f"`git rm -r --cached {folder[-80:]}` and add the folder to `.gitignore`."
    )
    yield Flag(0, message[:300])


def _folder_of(path: str, roots: tuple[str, ...]) -> str:
    if not _MEDIA.search(path) or not _may_be_uploaded(path):
        return ""
    for root in roots:
        at = f"/{path}".find(f"/{root}/")
        if at >= 0:
            return path[: at + len(root)]
    return uploads_folder(path)


def _may_be_uploaded(path: str) -> bool:
    return not TEST_DATA.search(path) and not _OWN.search(path)


def _folder_in(value: str) -> str:
    """The folder that a value such as `BASE_DIR / "media"` ends with."""
    texts = [each.strip("./") for each in _TEXT.findall(value)]
    named = [each for each in texts if each and not each.startswith(("http", "/"))]
    return "/".join(named[-2:]) if named and len(named[-1]) > 1 else ""
