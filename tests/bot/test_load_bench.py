"""The load benches themselves: small loads through the real receiver and a real Redis."""

from __future__ import annotations

from click.testing import CliRunner

from bench.load.__main__ import main as compare
from bench.load.flood import main as flood


def test_a_flood_accounts_for_every_delivery() -> None:
    given = ["--rate", "100", "--seconds", "1", "--connections", "20", "--pulls", "30"]
    shown = CliRunner().invoke(flood, given, catch_exceptions=False).output
    rows = {line.strip().partition("  ")[0]: line.split()[-1] for line in shown.splitlines()}
    assert rows["offered, 100.0 a second"] == "100"
    assert rows["put into the queue (202)"] == "100"
    assert rows["refused (503)"] == rows["without an answer in 10 s"] == "0"
    assert rows["pull requests that wait"] == "30"


def test_a_delivery_costs_at_most_one_round_trip_to_redis() -> None:
    given = ["--count", "300", "--rounds", "1", "--events", "11000"]
    shown = CliRunner().invoke(compare, given, catch_exceptions=False).output
    trips = next(line for line in shown.splitlines() if "round trips" in line)
    assert "ok" in trips
