"""The interpreter follows values as Python would, whatever the vocabulary."""

from __future__ import annotations

from dataclasses import dataclass, field
from textwrap import dedent

import pytest
from trees import project_of

from rules.flow.domain import Call, Domain
from rules.flow.frame import Frame
from rules.flow.interpreter import Interpreter
from rules.flow.program import Program
from rules.flow.values import Const, Thing, Value, choices


@dataclass
class _Watch(Domain):
    """`secret()` gives a marked value; `see(x)` notes what x may be."""

    seen: list[Value] = field(default_factory=list)
    marked: list[bool] = field(default_factory=list)

    def call(self, call: Call, frame: Frame) -> Value | None:
        if call.method == "secret":
            return Thing(marks=frozenset({"secret"}))
        if call.method == "see":
            self.seen.append(call.args[0])
            self.marked.append(bool(frame.marks(call.args[0])))
        return None


def _watch(code: str, **others: str) -> tuple[_Watch, Interpreter]:
    files = {f"{name}.py": dedent(text) for name, text in others.items()}
    files["main.py"] = dedent(code)
    domain = _Watch()
    program = Program(project_of(files))
    run = Interpreter(program, domain)
    module = program.module("main.py")
    assert module is not None
    for each in run.entries(module):
        if each.name == "entry":
            run.run_all(each)
    return domain, run


def _constants(code: str, **others: str) -> set[object]:
    domain, _ = _watch(code, **others)
    found = {one for value in domain.seen for one in choices(value)}
    return {each.value if isinstance(each, Const) else ... for each in found}


def _reaches(body: str, **others: str) -> bool:
    lines = "\n".join(f"    {line}" for line in dedent(body).strip().split("\n"))
    domain, _ = _watch(f"import helper\ndef entry(x):\n{lines}\n", **others)
    return any(domain.marked)


def test_constants_are_computed() -> None:
    code = """
        def entry():
            see(2 * 3 + 1)
            see("abc"[1] + "x".upper())
            see("%s-%d" % ("a", 1))
            see(f"{'a'}{1}")
            see("{} {b}".format("a", b="c"))
            see(len([1, 2]))
        """
    assert _constants(code) == {7, "bX", ..., "a1", "a c", 2}


def test_a_branch_that_cannot_run_says_nothing() -> None:
    assert _constants(
        """
        def entry():
            number = 106
            value = "safe" if 7 * 18 + number > 200 else "never"
            if "should" in "This should":
                other = 1
            else:
                other = 2
            match "ABC"[1]:
                case "A" | "C":
                    third = "no"
                case "B":
                    third = "yes"
                case _:
                    third = "no"
            see(value)
            see(other)
            see(third)
        """
    ) == {"safe", 1, "yes"}


def test_branches_that_may_run_are_joined() -> None:
    assert _constants(
        """
        def entry(flag):
            if flag:
                value = 1
            else:
                value = 2
            see(value)
        """
    ) == {1, 2}


@pytest.mark.parametrize(
    "body",
    [
        "d = {}\nd['a'] = secret()\nd['b'] = 'x'\nsee(d['a'])",
        "l = ['x']\nl.append(secret())\nl.append('y')\nl.pop(0)\nsee(l[0])",
        "a = []\nb = a\nb.append(secret())\nsee(a[0])",
        "import configparser\nc = configparser.ConfigParser()\nc.set('s', 'k', secret())\nsee(c.get('s', 'k'))",
        "text = 'help' + secret() + ' me'\nsee(text[4:-3])",
        "found = ''\nfor each in [1, 2, secret()]:\n    found += str(each)\nsee(found)",
        "see([each for each in (secret(), 1)][0])",
        "first, *rest = 1, secret()\nsee(rest[0])",
        "def inner():\n    return secret()\nsee(inner())",
        "value = secret()\nsee((lambda: value)())",
        "try:\n    value = secret()\n    risky()\nexcept ValueError:\n    pass\nsee(value)",
        "value = None\nwhile x():\n    value = secret()\nsee(value)",
        "if (value := secret()):\n    see(value)",
        "with open('x') as file:\n    see(secret())",
        "see(helper.same(secret()))",
        "see(helper.Box(secret()).get())",
        "box = helper.Box('x')\nbox.put(secret())\nsee(box.content)",
        "see(list(map(helper.same, [secret()]))[0])",
        "see(helper.Derived(secret()).get())",
    ],
)
def test_a_mark_arrives(body: str) -> None:
    assert _reaches(body, helper=_HELPER)


@pytest.mark.parametrize(
    "body",
    [
        "d = {}\nd['a'] = secret()\nd['b'] = 'x'\nsee(d['b'])",
        "l = ['x']\nl.append(secret())\nl.append('y')\nl.pop(0)\nsee(l[1])",
        "value = secret()\nvalue = 'x'\nsee(value)",
        "import configparser\nc = configparser.ConfigParser()\nc.set('s', 'k', secret())\nc.set('s', 'l', 'x')\nsee(c.get('s', 'l'))",
        "value = secret()\nif value not in ('a', 'b'):\n    return\nsee(value)",
        "value = secret()\nif value != 'a':\n    raise ValueError\nsee(value)",
        "value = secret()\nif not value:\n    see(value)",
        "see(helper.constant(secret()))",
        "one = helper.Box(secret())\ntwo = helper.Box('x')\nsee(two.get())",
        "return\nsee(secret())",
        "see(int('1') if 1 else secret())",
    ],
)
def test_a_mark_does_not_arrive(body: str) -> None:
    assert not _reaches(body, helper=_HELPER)


_HELPER = """
    class Box:
        def __init__(self, content):
            self.content = content

        def put(self, content):
            self.content = content

        def get(self):
            return self.content

    class Derived(Box):
        def __init__(self, content):
            super().__init__(content)

    def same(value):
        return value

    def constant(value):
        return "constant"
    """


def test_constants_of_other_modules_are_known() -> None:
    code = """
        from helper import NAME, OTHER as other
        import helper
        def entry():
            see(NAME)
            see(helper.TABLE["a"])
            see(other)
        """
    helper = """
        NAME = "name"
        TABLE = {"a": 1}
        OTHER = NAME + "!"
        """
    assert _constants(code, helper=helper) == {"name", 1, "name!"}


def test_functions_that_call_each_other_come_to_an_end() -> None:
    domain, run = _watch(
        """
        def one(x):
            return two(x) + two(x)
        def two(x):
            return one(x) + one(x)
        def entry(x):
            see(one(secret()))
        """
    )
    assert domain.seen
    assert run.unfollowed


def test_work_on_a_function_is_bounded_and_said() -> None:
    nest = "".join(
        f"    for a{n} in x:\n        y{n} = [a{n} for b in x for c in x]\n" for n in range(3000)
    )
    _, run = _watch(f"def entry(x):\n{nest}    see(x)\n")
    assert [each.function for each in run.limits] == ["entry"]


def test_a_thousand_branches_are_read() -> None:
    tests = "".join(f"    if x == {n}:\n        value = {n}\n" for n in range(1000))
    domain, run = _watch(f"def entry(x):\n    value = secret()\n{tests}    see(value)\n")
    assert run.limits == []
    assert domain.marked == [True]


def test_hostile_code_is_read_without_harm() -> None:
    for code in (
        "x = 'a' * 10 ** 12\nsee(x * 10 ** 12)",
        "see('a'.zfill(10 ** 15))",
        "see(2 ** 10 ** 10)",
        "see(('a' * 10000).replace('a', 'b' * 10000))",
        "see('{:>999999999999}'.format('a'))",
        "see('%999999999d' % 1)",
        "x = []\nx.append(x)\nsee(x)",
        "x = {}\nx['x'] = x\nsee(x['x']['x'])",
        "x.y = x\nsee(x.y.y)",
        "see(1 // 0)",
        "a = b = c = a\nsee(a[b:c])",
        "see([*x, *[1]][0:0:0])",
    ):
        domain, _ = _watch(
            "def entry(x):\n" + "\n".join(f"    {line}" for line in code.split("\n"))
        )
        assert len(domain.seen) == 1, code
