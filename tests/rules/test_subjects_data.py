"""Data files: values with their places, and input made to break the readers."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.kit import BrokenFileError, DataFile, Span, TextFile, Value


def read(path: str, text: str) -> DataFile:
    return DataFile.parse(path, text)


def at(path: str, text: str, *keys: str | int) -> tuple[object, int, int]:
    found = read(path, text).get(*keys)
    assert found is not None
    return found.data, found.line, found.column


def problem_of(path: str, text: str) -> str:
    assert DataFile.read_from(TextFile(path, text)) is None
    with pytest.raises(BrokenFileError) as caught:
        read(path, text)
    return str(caught.value)


def pointed_at(text: str, span: Span) -> str:
    line = text.replace("\r\n", "\n").split("\n")[span.line - 1]
    return line[span.column - 1 : span.end_column - 1]


COMPOSE = """\
x-base: &base
  image: app:latest
  restart: always
services:
  web:
    <<: *base
    image: "app:1"
    ports: ["80:80", 8000]
  db: *base
"""


def test_yaml_says_where_each_value_stands() -> None:
    assert at("compose.yaml", COMPOSE, "services", "web", "image") == ("app:1", 7, 12)
    assert at("compose.yaml", COMPOSE, "services", "web", "ports", 1) == (8000, 8, 22)
    image = read("compose.yaml", COMPOSE).get("services", "web", "image")
    assert image is not None
    assert image.key == Span(7, 5, 7, 10)


def test_merged_keys_of_yaml_give_way_to_own_ones_and_stand_where_they_are_written() -> None:
    file = read("compose.yaml", COMPOSE)
    assert file.data["services"]["web"] == {
        "image": "app:1", "restart": "always", "ports": ["80:80", 8000],
    }  # fmt: skip
    assert at("compose.yaml", COMPOSE, "services", "web", "restart") == ("always", 3, 12)


@pytest.mark.fault(56)
def test_an_alias_stands_where_it_is_used_and_what_it_holds_where_it_is_written() -> None:
    assert at("compose.yaml", COMPOSE, "services", "db")[1:] == (9, 7)
    assert at("compose.yaml", COMPOSE, "services", "db", "image")[1:] == (2, 10)


def test_keys_of_workflows_stay_texts_and_versions_keep_what_was_written() -> None:
    text = "on:\n  push:\nenv: {A: yes, B: 0644, C: true, D: ~, E: 1e3, F: 0x1F}\npython: 3.10\n"
    file = read(".github/workflows/ci.yml", text)
    assert file.get("on", "push") is not None
    assert file.data["env"] == {"A": "yes", "B": "0644", "C": True, "D": None, "E": "1e3", "F": 31}
    version = file.get("python")
    assert version is not None
    assert (version.data, version.text) == (3.1, "3.10")


def test_each_document_of_a_manifest_is_walked() -> None:
    file = read("k8s.yml", "kind: A\n---\nkind: B\nspec: [1]\n")
    assert [(path, value.data, value.line) for path, value in file.walk()] == [
        (("kind",), "A", 1),
        (("kind",), "B", 3),
        (("spec",), [1], 4),
        (("spec", 0), 1, 4),
    ]
    assert file.get("spec", 0) is not None


@pytest.mark.fault(56)
def test_tags_of_yaml_are_not_obeyed() -> None:
    text = 'a: !!python/object/apply:os.system ["id"]\nb: !Ref x\nc: !!str 1\n'
    assert read("x.yaml", text).data == {"a": ["id"], "b": "x", "c": "1"}


def test_separators_that_only_yaml_takes_for_ends_of_lines_do_not_shift_lines() -> None:
    assert at("x.yaml", "a: 'x\u2028y\u2029z\x85'\nb: 1\n", "b") == (1, 2, 4)


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join(['*' + old] * 9)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("x.yaml", BOMB, "too many values"),
        ("x.yaml", "a: &a [*a]\n", "no anchor before it, line 1"),
        ("x.yaml", "a: *gone\n", "no anchor"),
        ("x.yaml", "[" * 100_000, "nested too deeply"),
        ("x.yaml", "- " * 100_000, "nested too deeply"),
        ("x.yaml", "? " * 100_000, "nested too deeply"),
        ("x.yaml", "a: 1\n" * 200_000, "too large"),
        ("x.yaml", "\ta: 1\n", "line 1"),
        ("x.yaml", "a: {{ value }}\nb: [\n", "line"),
        ("x.yaml", "a: \0\n", "cannot be read as YAML"),
        ("x.yaml", "a: &a {k: 1}\nb:\n" + "  <<: *a\n" * 20 + "c: [" + "*a," * 60_000 + "]",
         "too many values"),
        ("x.json", "[" * 5000, "nested too deeply"),
        ("x.json", "[" * 100 + "]" * 100, "nested too deeply"),
        ("x.json", '{"a": 1,}', "line 1"),
        ("x.json", "[" + "1," * 450_000 + "1]", "too many values"),
        ("x.json", "1" * 5000, "cannot be read as JSON"),
        ("x.toml", "a = " + "[" * 5000, "nested too deeply"),
        ("x.toml", "a = " + "[" * 100 + "]" * 100, "nested too deeply"),
        ("x.toml", "a." * 400_000 + "b = 1", "nested too deeply"),
        ("x.toml", "a = 1\na = 2\n", "line 2"),
        ("setup.cfg", "[a]\n= 1\n", "line 2"),
        ("requirements.txt", "a\n" * 20_000, "too many requirements"),
        ("notes.txt", "", "language"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_no_data_file_and_its_problem_is_told(
    path: str, text: str, words: str
) -> None:
    assert words in problem_of(path, text)


@pytest.mark.fault(56)
@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".env", "A=" + " " * 900_000 + "#"),
        (".env", "A='" * 300_000),
        (".env", "export " * 100_000),
        ("Procfile", "web:" + " " * 900_000),
        ("setup.cfg", "[a]\nb" + " " * 900_000 + "c"),
        ("setup.cfg", "[" * 900_000),
        ("a.service", "[S]\n" + "A=1\n" * 90_000),
        ("setup.cfg", "[a]\nb=1\n" * 40_000),
        ("requirements.txt", "a " + " " * 900_000 + "--hash"),
        ("requirements.txt", "a[" + "b," * 9_000 + "]"),
        ("requirements.txt", "a#" * 400_000),
        ("requirements.txt", "\\\n" * 400_000),
        ("x.toml", "a = [\n" + "1,\n" * 60_000 + "]"),
        ("x.toml", "[[a]]\nb.c = 1\n" * 15_000),
        ("x.toml", "#" * 900_000),
        ("x.toml", "a" * 900_000),
        ("x.toml", 'a = "' + "x" * 900_000),
        ("x.toml", "a" + " " * 900_000 + "."),
        ("x.yaml", "a: '" + "x\n\n" * 60_000 + "'"),
        ("x.yaml", "k" * 200_000),
    ],
)
@pytest.mark.timeout(20)
def test_large_input_is_read_or_refused_in_time(path: str, text: str) -> None:
    file = DataFile.read_from(TextFile(path, text))
    assert file is None or file.path == path


TOML = """\
top.inner = 1  # a comment = here
[tool."x.y"]
list = [
  "a", # ]
  { q = 1, r.s = "}" },
]
text = \"\"\"
[no.table]
\"\"\"
[[jobs]]
at = 1979-05-27 07:32:00
[[jobs]]
[jobs.env]
name = 'b'
"""


def test_toml_says_where_each_value_stands() -> None:
    file = read("pyproject.toml", TOML)
    assert file.data == tomllib.loads(TOML)
    assert at("x.toml", TOML, "top", "inner") == (1, 1, 13)
    assert at("x.toml", TOML, "tool", "x.y", "list", 1, "r", "s") == ("}", 5, 18)
    assert at("x.toml", TOML, "jobs", 1, "env", "name") == ("b", 14, 8)
    jobs = file.get("jobs", 1)
    assert jobs is not None
    assert jobs.line == 12


def test_lines_hold_with_crlf_and_a_byte_order_mark() -> None:
    text = "\ufeff" + TOML.replace("\n", "\r\n")
    assert at("x.toml", text, "jobs", 1, "env", "name") == ("b", 14, 8)
    assert at("x.yaml", "\ufeffa: 1\r\nb:\r\n  c: 2\r\n", "b", "c") == (2, 3, 6)
    assert at(".env", "\ufeffA=1\r\nB=2\r\n", "B") == ("2", 2, 3)
    assert at("x.json", '\ufeff{\r\n"a": 1}', "a") == (1, 2, 6)


def test_json_with_tabs_and_repeated_keys_counts_the_last() -> None:
    assert at("x.json", '{\n\t"a": 1,\n\t"a": {"b\\u0041": null}\n}', "a", "bA") == (None, 3, 19)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab:\"'\\\n#[]{}, é", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text('ab"\\ .', max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)  # fmt: skip


def _check_walk(value: Value, data: object) -> None:
    for path, below in value.walk():
        expected: object = data
        for key in path:
            expected = expected[key]  # type: ignore[index]
        assert below.data == expected


@given(PLAIN, st.sampled_from([None, 1]))
def test_json_is_read_as_the_standard_library_reads_it(data: object, indent: int | None) -> None:
    text = json.dumps(data, indent=indent, ensure_ascii=False)
    file = read("x.json", text)
    assert file.data == data
    _check_walk(file.documents[0], data)
    for _, value in file.walk():
        if not isinstance(value.data, list | dict):
            assert json.loads(pointed_at(text, value.span)) == value.data


@given(st.text("a=[]{}\"'\\#,.\n \t1:-&*!|>", max_size=40))
def test_no_text_breaks_a_reader(text: str) -> None:
    for path in ("x.toml", "x.yaml", "x.json", "x.ini", "x.service", ".env", "Procfile"):
        file = DataFile.read_from(TextFile(path, text))
        assert file is None or all(value.line >= 1 for _, value in file.walk())
    assert DataFile.read_from(TextFile("requirements.txt", text)) is not None


@given(st.text("a=[]{}\"'\\#,.\n 1", max_size=30))
def test_toml_is_read_as_the_standard_library_reads_it(text: str) -> None:
    try:
        expected = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        assert DataFile.read_from(TextFile("x.toml", text)) is None
    else:
        assert read("x.toml", text).data == expected


def test_ini_joins_indented_lines_and_knows_comments() -> None:
    text = "[tool:pytest]\naddopts =\n    -q\n    # no\n\n    --strict\nflag\nurl: http://x=y\n"
    assert read("setup.cfg", text).data == {
        "tool:pytest": {"addopts": "-q\n--strict", "flag": "", "url": "http://x=y"}
    }
    assert at("setup.cfg", text, "tool:pytest", "url") == ("http://x=y", 8, 6)


def test_units_keep_every_value_of_a_repeated_option() -> None:
    text = "[Service]\nEnvironment=A=1\nEnvironment=B=2\nExecStart=/bin/x \\\n--reload\n"
    assert read("web.service", text).data == {
        "Service": {"Environment": ["A=1", "B=2"], "ExecStart": ["/bin/x\n--reload"]}
    }
    assert at("web.service", text, "Service", "Environment", 0) == ("A=1", 2, 13)


def test_variables_lose_their_quotes_and_comments() -> None:
    text = "# c\nexport A=1 # one\nB=\"x\ny\"\nC='q#'\nD=a#b c # d\nE=\nno assignment\n F = 2\n"
    assert read(".env.example", text).data == {
        "A": "1", "B": "x\ny", "C": "q#", "D": "a#b c", "E": "", "F": "2",
    }  # fmt: skip
    assert at(".env.example", text, "F") == ("2", 9, 6)


def test_processes_have_their_commands() -> None:
    text = "web: gunicorn shop --reload \n# note: no\nrelease: python manage.py migrate\n"
    assert read("Procfile", text).data == {
        "web": "gunicorn shop --reload", "release": "python manage.py migrate",
    }  # fmt: skip


def test_requirements_are_read_as_pip_reads_them() -> None:
    text = (
        "-r base.txt\n--trusted-host https://x/y\n"
        "Django[argon2]==5.0 ; python_version > '3' \\\n  --hash=sha256:aa \\\n  --hash sha256:bb # via\n"
        "-e git+https://g/x#egg=shop\nflask>=2  # web\nx @ https://h/x\n./local\n"
    )
    entries = read("requirements/dev.txt", text).data
    assert entries[0] == {"option": "requirement", "value": "base.txt"}
    assert entries[2] == {
        "name": "Django",
        "extras": ["argon2"],
        "specifier": "==5.0",
        "url": "",
        "marker": 'python_version > "3"',
        "hashes": ["sha256:aa", "sha256:bb"],
    }
    assert entries[3]["name"] == "shop"
    assert [each.get("specifier") for each in entries[4:]] == [">=2", "", ""]
    assert [each["url"] for each in entries[5:]] == ["https://h/x", "./local"]
    assert at("requirements/dev.txt", text, 4, "name") == ("flask", 7, 1)
