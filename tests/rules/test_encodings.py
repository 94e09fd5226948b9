"""Files are read as Python reads them, and written back byte for byte."""

from __future__ import annotations

import io
import subprocess
import tokenize
from pathlib import Path

import pytest
from hostile import ODD
from hypothesis import given
from hypothesis import strategies as st

from rules.cli import main
from rules.engine.encodings import lines_of, read_python, read_shown, read_text

COOKIES = ("utf-8", "utf8", "latin-1", "cp1252", "gbk", "euc-jp", "koi8-r", "ascii", "iso2022_jp")
DECEIVERS = ("unicode_escape", "raw_unicode_escape", "utf-7", "rot13", "hex", "undefined")
TEXTS = st.text(max_size=80)


@given(st.binary(max_size=200))
def test_what_is_read_is_written_back_as_it_was(data: bytes) -> None:
    for read in (read_python(data), read_text(data)):
        if read is not None:
            assert read.encode(read.text) == data
    assert isinstance(read_shown("a.py", data), str)


@pytest.mark.fault(48)
@given(
    st.sampled_from(COOKIES),
    st.sampled_from(["# coding: {}\n", "#!x\n# vim: coding={}\r\n"]),
    TEXTS,
)
def test_a_cookie_is_obeyed(cookie: str, line: str, text: str) -> None:
    data = line.format(cookie).encode() + text.encode(cookie, "replace")
    read = read_python(data)
    assert read is None or read.encode(read.text) == data
    if read is not None:
        assert read.text == data.decode(tokenize.detect_encoding(io.BytesIO(data).readline)[0])


@given(TEXTS)
def test_a_cookie_below_the_second_line_is_a_comment(text: str) -> None:
    data = f"a\nb\n# coding: rot13\n{text}".encode("utf-8", "replace")
    read = read_python(data)
    assert read is not None
    assert read.text.encode() == data


@pytest.mark.parametrize("cookie", DECEIVERS)
def test_a_codec_that_shows_the_parser_other_text_is_refused(cookie: str) -> None:
    assert read_python(f"# coding: {cookie}\nx = '\\x28' + '\\u0028' + '+ACg-'\n".encode()) is None


@pytest.mark.parametrize("name", ODD)
def test_odd_bytes_can_be_shown(name: str) -> None:
    assert isinstance(read_shown("app/a.py", ODD[name]), str)


@given(st.text("ab\r\n\f\v\u2028\x85", max_size=40))
def test_lines_end_where_python_ends_them(text: str) -> None:
    assert lines_of(text) == io.StringIO(text, newline=None).read().split("\n")


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "core.autocrlf=false")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


LAYOUTS = {
    "latin-1": "# coding: latin-1\r\n# \u00e9\r\n{}".encode("latin-1"),
    "gbk": "# coding: gbk\n# \u554a\n{}".encode("gbk"),
    "mark": b"\xef\xbb\xbf# a\r\n{}",
    "plain": b"# a\n{}",
}


@pytest.mark.fault(48)
def test_a_review_of_the_work_tree_fixes_files_in_their_own_encoding(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'a'\n")
    good, bad = b"def f(o):\n    return o\n", b"def f(o):\n    breakpoint()\n    return o\n"
    for name, layout in LAYOUTS.items():
        (tmp_path / f"{name}.py").write_bytes(laid_out(layout, good))
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "a")
    for name, layout in LAYOUTS.items():
        (tmp_path / f"{name}.py").write_bytes(laid_out(layout, bad))
    with pytest.raises(SystemExit) as end:
        main(["review", "--fix", "--repo", str(tmp_path)])
    assert end.value.code == 0
    for name, layout in LAYOUTS.items():
        assert (tmp_path / f"{name}.py").read_bytes() == laid_out(layout, good)


def laid_out(layout: bytes, code: bytes) -> bytes:
    ends = b"\r\n" if b"\r\n" in layout else b"\n"
    return layout.replace(b"{}", code.replace(b"\n", ends))
