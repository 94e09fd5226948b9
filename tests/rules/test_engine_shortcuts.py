"""Short cuts of the engine give what the long way gives."""

from __future__ import annotations

import re
import sysconfig
from functools import cache
from pathlib import Path
from random import Random

import libcst as cst
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rules.engine.discover import all_rules
from rules.engine.inspect import Ear
from rules.flow.taint.subject import TaintedCall
from rules.kit import Rule, walk
from rules.kit.identifiers import identifiers
from rules.kit.positions import positions, positions_in
from rules.kit.tree import parents_of

SLOW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
STDLIB = Path(sysconfig.get_paths()["stdlib"])
REPEATED = """\
x = f(1)
x = f(1)
class A:
    def f(self):
        return g(self)

    def g(self):
        # one
        x = f(1)
class B:
    def f(self):
        return g(self)
"""


@cache
def sources() -> tuple[str, ...]:
    paths = sorted(
        path for folder in ("", "json", "email") for path in (STDLIB / folder).glob("*.py")
    )
    return tuple(p.read_text("utf-8") for p in paths if 500 <= p.stat().st_size <= 16_000)


@SLOW
@given(st.deferred(lambda: st.sampled_from(sources())), st.randoms(use_true_random=False))
@example(REPEATED, Random(1))
@example(REPEATED.replace("\n", "\r\n"), Random(2))
@example("\f" + REPEATED, Random(3))
def test_places_looked_up_in_the_text_are_those_of_the_whole_module(
    text: str, random: Random
) -> None:
    module = cst.parse_module(text)
    nodes = [each for each in walk(module) if each is not module]
    few = random.sample(nodes, min(8, len(nodes)))
    found = positions_in(text, module, few, parents_of(module))
    assert found == positions(module, few)


@given(st.binary(max_size=200) | st.text("aZ_9 é.\n", max_size=40).map(str.encode))
def test_identifiers_are_those_that_the_pattern_finds(data: bytes) -> None:
    assert identifiers(data) == frozenset(re.findall(rb"[A-Za-z_]\w*", data))


def test_a_trial_follows_data_only_for_fixes_of_a_section_that_does() -> None:
    rules = all_rules()
    ear = Ear.of(rules)

    def follows(code: str) -> bool:
        tried = ear.of_trial([each for each in rules if each.code == code])
        return any(issubclass(one.subject, TaintedCall) for _, one in tried.derived)

    assert follows("SEC101")
    assert not follows("ERR101")
    others = {one.subject for _, one in ear.derived if not issubclass(one.subject, TaintedCall)}
    tried = ear.of_trial(_of(rules, "ERR101"))
    kept = {one.subject for _, one in tried.derived}
    assert {each for each in others if not getattr(each, "is_followed", False)} <= kept


def test_options_belong_to_one_review() -> None:
    rules = all_rules()
    assert Ear.of(rules, {"ERR101": 1}).options == {"ERR101": 1}
    assert Ear.of(rules).options == {}


def _of(rules: tuple[Rule, ...] | list[Rule], code: str) -> list[Rule]:
    return [each for each in rules if each.code == code]
