"""A tar archive decides where its files are written.

Its members may be called `/etc/cron.d/job` or `../../app/main.py`, be links that lead out of
the directory, or devices. Extracted as they are, they replace any file that the process may
write. The filter `data` refuses all of that; it is the default from Python 3.14 on.

Bad:
```python shop/imports.py
import tarfile

def unpack(upload, target):
    with tarfile.open(fileobj=upload) as archive:
        archive.extractall(target)  # flagged
```
Good:
```python shop/imports.py
import tarfile

def unpack(upload, target):
    with tarfile.open(fileobj=upload) as archive:
        archive.extractall(target, filter="data")
```
Bad:
```python shop/imports.py
import shutil
import tarfile

def unpack(path, target):
    tar = tarfile.open(path)
    for member in tar.getmembers():
        tar.extract(member, target)  # flagged
    tarfile.open(path).extractall(target, filter="fully_trusted")  # flagged
    shutil.unpack_archive(f"{path}.tar.gz", target)  # flagged
```
Good:
```python shop/imports.py
import shutil
import tarfile

def unpack(path, target):
    tar = tarfile.open(path)
    for member in tar.getmembers():
        tar.extract(member, target, filter="data")
    tarfile.open(path).extractall(target, filter="data")
    shutil.unpack_archive(f"{path}.tar.gz", target, filter="data")
```
Good: the members were looked at.
```python shop/imports.py
import tarfile

def unpack(upload, target):
    with tarfile.open(fileobj=upload) as archive:
        for member in archive.getmembers():
            if not (target / member.name).resolve().is_relative_to(target):
                raise ValueError(member.name)
        archive.extractall(target)

def listed(upload, target):
    with tarfile.open(fileobj=upload) as archive:
        archive.extractall(target, members=safe_members(archive))
```
Good: `zipfile` keeps its members inside the directory by itself.
```python shop/imports.py
import zipfile

def unpack(upload, target):
    with zipfile.ZipFile(upload) as archive:
        archive.extractall(target)
```
Good: an archive of its own.
```python tests/test_imports.py
import tarfile

def test_fixture(tmp_path):
    with tarfile.open("tests/data.tar") as archive:
        archive.extractall(tmp_path)
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.kit import (
    Confidence,
    Fix,
    Flag,
    Here,
    Replace,
    Rule,
    Severity,
    argument,
    has_star_kwargs,
    keyword,
    replacing,
    string,
    with_keyword,
)

rule = Rule(
    __name__,
    __doc__,
    code="SEC138",
    severity=Severity.ERROR,
    checklist=("security.deserialisation",),
    fix="suggestion",
    cwe=22,
    peers=("ruff:S202", "bandit:B202"),
    defers=False,
)

_TAR = re.compile(r"^tarfile\.(open|TarFile|TarFile\.open)\.(extractall|extract)$")
_CHECKS = re.compile(
    r"is_relative_to|commonpath|commonprefix|realpath|\.resolve\(\)|startswith|isabs|is_absolute|safe|valid"
    r"|\.\.[\"'/]|extraction_filter|data_filter"
)
_TAR_NAME = re.compile(r"\.(tar|tgz|tbz2?|txz|tar\.\w+)$")
_TAR_FORMATS = frozenset({"tar", "gztar", "bztar", "xztar", "zstdtar"})


@rule.on(cst.Call, calls=("extractall", "extract"), words=("tarfile",))
def extracted(call: cst.Call, here: Here) -> Iterator[Flag]:
    if here.is_test or not any(_TAR.match(each) for each in here.names(call.func)):
        return
    chosen = keyword(call, "filter")
    if chosen is not None:
        if string(chosen) == "fully_trusted" or _is_trusting(chosen, here):
            # Chosen on purpose; whether the archive is to be trusted cannot be seen.
            yield _flag(call, replacing(chosen, '"data"'), here, sure=False)
        return
    if has_star_kwargs(call) or _is_checked(call, here):
        return
    fix = Fix((Replace(call, with_keyword(call, "filter", '"data"')),))
    yield _flag(call, fix, here, sure=not _takes_known_member(call, here))


def _takes_known_member(call: cst.Call, here: Here) -> bool:
    """`extract("manifest.json")`: it may still be a link, but not lie elsewhere."""
    member = argument(call, 0, "member")
    if member is None or not (here.name(call.func).endswith(".extract")):
        return False
    return string(here.value_of(member)) is not None or here.source(member).isupper()


@rule.on(cst.Call, calls=("unpack_archive",))
def unpacked(call: cst.Call, here: Here) -> Iterator[Flag]:
    if here.is_test or "shutil.unpack_archive" not in here.names(call.func):
        return
    if keyword(call, "filter") is not None or has_star_kwargs(call) or _is_checked(call, here):
        return
    kind = argument(call, 2, "format")
    name = argument(call, 0, "filename")
    text = here.source(name).strip("\"')f") if name is not None else ""
    said = string(here.value_of(kind)) if kind is not None else None
    if (said is not None and said not in _TAR_FORMATS) or text.endswith(".zip"):
        return
    sure = said is not None or bool(_TAR_NAME.search(text))
    fix = Fix((Replace(call, with_keyword(call, "filter", '"data"')),))
    yield _flag(call, fix, here, sure=sure)


def _flag(call: cst.Call, fix: Fix, here: Here, *, sure: bool = True) -> Flag:
    message = (
        "The members of this archive choose where they are written, links and `../` included. "
        'Pass `filter="data"`, which refuses what leads out of the directory.'
    )
    weak = not sure or here.is_script or _is_own(call, here)
    return Flag(call.func, message, fix=fix, confidence=Confidence.HOTSPOT if weak else None)


def _is_trusting(chosen: cst.BaseExpression, here: Here) -> bool:
    return "tarfile.fully_trusted_filter" in here.names(chosen)


def _is_checked(call: cst.Call, here: Here) -> bool:
    """Whether the members were chosen, or looked at somewhere in the function."""
    members = keyword(call, "members")
    if isinstance(members, cst.Call) and not here.source(members.func).endswith(
        (".getmembers", ".getnames")
    ):
        return True
    if isinstance(members, cst.Name | cst.List | cst.ListComp | cst.GeneratorExp):
        return True
    function = here.function(call)
    return function is not None and bool(_CHECKS.search(here.source(function.body)))


def _is_own(call: cst.Call, here: Here) -> bool:
    """Whether the archive is a file that the code itself names."""
    owner = call.func.value if isinstance(call.func, cst.Attribute) else None
    made = here.value_of(owner) if owner is not None else None
    opened = made if isinstance(made, cst.Call) else None
    name = argument(opened, 0, "name") if opened is not None else None
    return name is not None and string(here.value_of(name)) is not None
