"""`python -m rules.engine.docs [--check] [FOLDER]`: writes the generated pages, or looks."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from rules.engine.docs import site


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; exit 1 if something would change.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path("docs"))
def main(folder: Path, *, check: bool) -> None:
    """Write the generated pages below FOLDER."""
    try:
        if not check:
            click.echo(f"{site.write(folder)} files changed")
            return
        stale = [path for path, _ in site.differences(folder)]
    except (site.MarkError, OSError) as problem:
        raise click.ClickException(str(problem)) from None
    for path in stale:
        click.echo(f"{path} is not what the code says", err=True)
    if stale:
        click.echo("Run `make docs` and commit what it writes.", err=True)
    sys.exit(bool(stale))


if __name__ == "__main__":
    main()
