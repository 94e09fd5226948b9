"""The demonstration's story: a service, a pull request that breaks eight things, and a repair.

`build_repository` makes a real git repository of it. `EXPECTED` says what a good reviewer finds
in the pull request, `NEAR_MISSES` what merely looks broken. The files lie in `sample/`: `base` is
the service, `change` and `fix` are laid over it. A leading `dot_` in a file's name stands for a
dot, so that the sample's own `.gitignore` does not rule over this repository.
"""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

BASE_BRANCH = "main"
HEAD_BRANCH = "add-order-export"
FIX_REF = "refs/stet/fix"
TITLE = "Add an export of orders for accounting"
BODY = """\
Accounting copies the orders of a month by hand. This adds a CSV export of orders and their lines,
the figures per country that they asked for, the courier's labels, and a webhook by which the
courier tells us that a parcel was picked up.
"""

_SAMPLE = Path(__file__).parent / "sample"
_DELETED = {"change": ("docs/export-by-hand.md",)}
# The head of a file that CPython 3.12 writes, then an empty code object's marshalled None.
_BYTECODE = bytes.fromhex("cb0d0d0a") + bytes(12) + b"N"
_GENERATED: Mapping[str, Mapping[str, bytes]] = {
    "change": {"orders/__pycache__/export.cpython-312.pyc": _BYTECODE},
}


@dataclass(frozen=True)
class Expectation:
    """One finding that the first review must bring.

    `marker` is a text that stands in the line once; an empty one means the file as a whole.
    """

    rule: str
    path: str
    marker: str
    sentence: str
    one_click: bool = False
    repaired: bool = False

    def line(self, *, after_fix: bool = False) -> int | None:
        """The 1-based line in the pull request, at its first head or after the fix."""
        layers = ("base", "change", "fix") if after_fix else ("base", "change")
        return line_of(self.marker, tree(*layers)[self.path]) if self.marker else None


@dataclass(frozen=True)
class NearMiss:
    """A place that looks broken and is right: a comment there would be a false alarm."""

    rule: str
    path: str
    marker: str
    why: str

    def line(self) -> int:
        return line_of(self.marker, tree("base", "change")[self.path])


@dataclass(frozen=True)
class Story:
    """The repository as built: full SHAs of the base, the pull request's head and its fix."""

    directory: Path
    base_sha: str
    head_sha: str
    fix_sha: str


EXPECTED = (
    Expectation(
        rule="SEC101",
        path="orders/views.py",
        marker='cursor.execute(f"""',
        sentence="The country comes from the query string and becomes a part of the SQL text.",
        one_click=True,
        repaired=True,
    ),
    Expectation(
        rule="SEC124",
        path="orders/couriers.py",
        marker="/labels/",
        sentence="The call has no timeout: a silent courier holds a worker for ever.",
        one_click=True,
        repaired=True,
    ),
    Expectation(
        rule="DBQ101",
        path="orders/export.py",
        marker="order.customer.name",
        sentence="Each order of the export asks the database for its customer.",
    ),
    Expectation(
        rule="SET104",
        path="shop/settings/base.py",
        marker="ORDER_EXPORT_ENABLED",
        sentence="ORDER_EXPORT_ENABLED=false, as .env.example has it, switches the export on.",
        one_click=True,
    ),
    Expectation(
        rule="MIG101",
        path="orders/models.py",
        marker="invoice_number",
        sentence="The model has a column that no migration creates.",
        repaired=True,
    ),
    Expectation(
        rule="TST101",
        path="orders/couriers.py",
        marker="def label(",
        sentence="The courier's labels are new, and tests/test_couriers.py did not change.",
        repaired=True,
    ),
    Expectation(
        rule="CLN101",
        path="orders/__pycache__/export.cpython-312.pyc",
        marker="",
        sentence="Byte code was committed, past the .gitignore.",
    ),
    Expectation(
        rule="CLN111",
        path="orders/views.py",
        marker="breakpoint()",
        sentence="A bad date from a client stops the worker in a debugger.",
        one_click=True,
        repaired=True,
    ),
)

NEAR_MISSES = (
    NearMiss(
        rule="SEC101",
        path="orders/reports.py",
        marker='cursor.execute(f"{SOLD} {BY_COPIES}", [limit])',
        why="An f-string, but of two constants; the limit is a parameter.",
    ),
    NearMiss(
        rule="DBQ101",
        path="orders/export.py",
        marker="line.book.isbn",
        why="A relation in a loop, but select_related has loaded it, and order_id is a column.",
    ),
    NearMiss(
        rule="SEC128",
        path="orders/webhooks.py",
        marker="@csrf_exempt",
        why="No CSRF token, but no session either: the view verifies the courier's signature.",
    ),
    NearMiss(
        rule="SEC120",
        path=".env.example",
        marker="COURIER_WEBHOOK_SECRET",
        why="Named like a secret, in a file named like a secret's, but a placeholder.",
    ),
)


def line_of(marker: str, content: bytes) -> int:
    """The 1-based number of the one line that holds the marker; LookupError if not just one."""
    lines = content.decode().splitlines()
    found = [number for number, line in enumerate(lines, start=1) if marker in line]
    if len(found) != 1:
        raise LookupError(f"{marker!r} stands in {len(found)} lines")
    return found[0]


def tree(*layers: str) -> dict[str, bytes]:
    """Every file of the layers laid over one another, by its path in the repository."""
    files: dict[str, bytes] = {}
    for layer in layers:
        files.update(_files_of(layer))
        files.update(_GENERATED.get(layer, {}))
        for path in _DELETED.get(layer, ()):
            del files[path]
    return files


def build_repository(directory: Path) -> Story:
    """Make the story's git repository in an empty or new directory, with `main` checked out.

    The SHAs are the same on every machine. The pull request is the branch `add-order-export`;
    the commit that repairs it waits at `refs/stet/fix`. Raises CalledProcessError if git fails.
    """
    directory.mkdir(parents=True, exist_ok=True)
    _git(directory, "init", "--quiet", "--template=", f"--initial-branch={BASE_BRANCH}")
    # Modes and line ends come from the sample, not from the file system or the user.
    _git(directory, "config", "core.fileMode", "false")
    _git(directory, "config", "core.autocrlf", "false")
    base = _commit(directory, ("base",), "Take orders from staff and from partners", hour=9)
    _git(directory, "switch", "--quiet", "--create", HEAD_BRANCH)
    head = _commit(directory, ("base", "change"), TITLE, hour=11)
    _git(directory, "switch", "--quiet", "--detach")
    message = "Repair what the review found"
    fix = _commit(directory, ("base", "change", "fix"), message, hour=14)
    _git(directory, "update-ref", FIX_REF, fix)
    _git(directory, "switch", "--quiet", BASE_BRANCH)
    return Story(directory, base_sha=base, head_sha=head, fix_sha=fix)


def _files_of(layer: str) -> Iterator[tuple[str, bytes]]:
    root = _SAMPLE / layer
    for path in sorted(root.rglob("*")):
        # Tools that look into the sample may leave their caches there.
        if path.is_file() and not {"__pycache__", ".ruff_cache"} & set(path.parts):
            yield _real_name(path.relative_to(root)), path.read_bytes()


def _real_name(path: Path) -> str:
    parts = (
        part.replace("dot_", ".", 1) if part.startswith("dot_") else part for part in path.parts
    )
    return PurePosixPath(*parts).as_posix()


def _commit(directory: Path, layers: Sequence[str], message: str, *, hour: int) -> str:
    _git(directory, "rm", "-r", "--quiet", "--force", "--ignore-unmatch", ".")
    for name, content in tree(*layers).items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    _git(directory, "add", "--all", "--force")
    _git(directory, "commit", "--quiet", "--no-verify", f"--message={message}", hour=hour)
    return _git(directory, "rev-parse", "HEAD")


def _git(directory: Path, *arguments: str, hour: int = 9) -> str:
    person = {"NAME": "Robin Harbour", "EMAIL": "robin@example.org"}
    moment = f"2026-11-16T{hour:02}:00:00+00:00"
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(directory),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_DEFAULT_HASH": "sha1",
        "GIT_DEFAULT_REF_FORMAT": "files",
    }
    for role in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{role}_{key}": value for key, value in person.items()}
        environment[f"GIT_{role}_DATE"] = moment
    done = subprocess.run(  # noqa: S603 - the words are this module's own
        ["git", *arguments],  # noqa: S607 - git is wherever the machine has it
        cwd=directory,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()
