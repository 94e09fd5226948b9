"""`make bench`: the engine's budgets, measured here and now, as ratios within one run."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bench import cost, facts, others, speed
from bench.corpus import File, sample
from rules.engine.discover import selected


@click.command()
@click.option("--files", default=320, help="How many real files.")
@click.option("--against/--alone", default=True, help="Also run other tools, where installed.")
@click.option("--slack", default=1.0, help="Multiply the limits, for noisy machines.")
@click.option(
    "--repository",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A git repository of some thousand files, to measure facts on.",
)
@click.option(
    "--section",
    type=click.Choice(["budgets", "rules"]),
    default="budgets",
    help="rules: what each rule costs.",
)
def main(files: int, *, against: bool, slack: float, repository: Path | None, section: str) -> None:
    """Print the table; exit 1 if a budget is broken."""
    sys.setrecursionlimit(10_000)
    chosen = sample(files)
    size = sum(len(each.data) for each in chosen)
    console = Console()
    console.print(f"{len(chosen)} files, {size / 1e6:.1f} MB")
    if section == "rules":
        _print_costs(console, chosen)
        return
    rows = [*speed.ratios(chosen), speed.growth()]
    if against:
        rows += others.rows(chosen)
    if repository is not None:
        rows += facts.rows(repository)
    else:
        console.print("Facts of a whole repository: skipped, no --repository is given.")
    table = Table("What", "Measured", "Allowed", "", box=None)
    for each in rows:
        mark = "[green]ok[/]" if each.value <= each.limit * slack else "[red]over[/]"
        table.add_row(each.what, f"{each.value:.3f} {each.unit}", f"{each.limit:g}", mark)
    console.print(table)
    sys.exit(any(each.value > each.limit * slack for each in rows))


def _print_costs(console: Console, files: Sequence[File]) -> None:
    """What each rule costs; beside the dear ones a mark."""
    shares = cost.table(files, selected(speed.ALL))
    table = Table("Rule", "\u00d7 parse", "", box=None)
    for name, share in shares:
        table.add_row(name, f"{share:.4f}", "[red]dear[/]" if share > cost.LIMIT else "")
    table.add_row("all", f"{sum(share for _, share in shares):.4f}", "")
    console.print(table)


if __name__ == "__main__":
    main()
