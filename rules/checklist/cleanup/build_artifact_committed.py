"""What a build makes is under version control.

Wheels, `*.egg-info`, `build/`, `node_modules` and collected static files are made from the
source. In the repository they go out of step with it, hide what a change is about, and may be
installed or served in place of what was reviewed. Untrack them and let the build make them.

Bad: one finding for a folder.
```text shop.egg-info/PKG-INFO flagged
Metadata-Version: 2.1
Name: shop
```
```text shop.egg-info/SOURCES.txt
setup.py
```
```text build/lib/shop/__init__.py flagged
```
```text dist/shop-1.2-py3-none-any.whl flagged
(an archive)
```
Good:
```text .gitignore
*.egg-info/
build/
dist/
```
```text setup.py
from setuptools import setup
```
Bad: packages of JavaScript, and static files that `collectstatic` gathered.
```text frontend/node_modules/left-pad/index.js flagged
module.exports = leftPad
```
```text staticfiles/admin/css/base.css flagged
body {}
```
```text shop/_speedups.cpython-311-x86_64-linux-gnu.so flagged
(a library)
```
Good: source in a folder of that name.
```text build/__init__.py
```
```text build/images.py
def build(name):
    return name
```
```text dist/index.js
require("./action")
```
Good: packages that the tests read, and those that are kept on purpose.
```text tests/data/packages/demo-1.0-py3-none-any.whl
(an archive)
```
```text vendor/wheels/shop_sdk-2.0-py3-none-any.whl
(an archive)
```
Good: a project's own static files for the admin.
```text shop/static/admin/css/base.css
body {}
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.facts.artifacts import TEST_DATA, ArtifactFolders, artifact_folder
from rules.kit import CommittedFile, Flag, Here, Rule, Severity
from rules.kit.paths import name_of

rule = Rule(
    __name__,
    __doc__,
    code="CLN102",
    severity=Severity.ERROR,
    checklist=("cleanup.build",),
    scope="pr",
)

_FOLDER = re.compile(
    r"(\.egg-info|\.dist-info|(^|/)(\.eggs|node_modules|bower_components|pip-wheel-metadata)|"
    r"(^|/)build/(lib|bdist|temp)[\w.-]{0,60}|(static\w{0,8}|collect\w{0,12})/(admin|rest_framework))$"
)
_PACKAGE = re.compile(r"(\.whl|\.egg|\.cpython-\d{2,4}[\w-]{0,60}\.so|(^|/)dist/[^/]+\.tar\.gz)$")
_ENDS = (".whl", ".egg", ".so", ".tar.gz")
_KEPT = re.compile(r"(?i)(^|/)(vendor|vendored|third[_-]?party|wheels?|wheelhouse|packages|deps)/")
_READ_BY_TESTS = re.compile(
    r"(?i)(^|/)([\w-]{0,40}(data|fixtures?|samples?|assets|files|packages)|corpus)/"
)
_LIBRARIES = re.compile(r"(^|/)(site-packages|dist-packages)/")


@rule.on(CommittedFile)
def check(file: CommittedFile, here: Here) -> Iterator[Flag]:
    folder = artifact_folder(file.path)
    if not folder and not file.path.endswith(_ENDS):
        return
    spared = _READ_BY_TESTS if folder.endswith("-info") else TEST_DATA
    if spared.search(file.path) or _LIBRARIES.search(file.path):
        return
    if folder and _FOLDER.search(folder):
        folders: ArtifactFolders = here.project.facts(ArtifactFolders)
        if folders.is_first(file.path):
            yield _flag(folder, f"{name_of(folder)}/", f"git rm -r --cached {folder}")
    elif not folder and _PACKAGE.search(file.path) and not _KEPT.search(file.path):
        ending = file.path.rpartition(".")[2]
        yield _flag(file.path, f"*.{ending}", f"git rm --cached {file.path}")


def _flag(path: str, ignored: str, untrack: str) -> Flag:
    message = (
        f"`{path[-80:]}` is made by a build from the source beside it, and soon differs from it. "
        f"Untrack it with `{untrack[:90]}` and add `{ignored}` to `.gitignore`."
    )
    return Flag(0, message[:300])
