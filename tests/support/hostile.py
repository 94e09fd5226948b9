"""Files made to break a parser, a guard or a rule, by the number of their repetitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Generator = Callable[[int], str]


def _blocks(head: str) -> Generator:
    def of(n: int) -> str:
        return "".join(" " * i + head + ":\n" for i in range(n)) + " " * n + "pass\n"

    return of


def _case(opening: str, closing: str) -> Generator:
    return lambda n: "match x:\n case " + opening * n + "a" + closing * n + ": pass\n"


def _around(before: str, opening: str, inner: str, closing: str, after: str = "\n") -> Generator:
    return lambda n: before + opening * n + inner + closing * n + after


# Deep or long in a way that costs the parser its stack or more than linear time.
# With ten thousand repetitions each must be refused before it is parsed.
DEEP: Mapping[str, Generator] = {
    "parentheses": _around("x = ", "(", "1", ")"),
    "lists": _around("x = ", "[", "", "]"),
    "dicts": _around("x = ", "{1:", "1", "}"),
    "calls": _around("x = ", "f(", "", ")"),
    "subscripts": _around("a: ", "X[", "int", "]", " = 1\n"),
    "comprehensions": _around("x = ", "[a for a in ", "b", "]"),
    "generators in calls": _around("x = ", "f(", "a", " for a in b)"),
    "walrus": _around("", "(a:=", "1", ")"),
    "attributes of groups": _around("x = ", "(", "a", ".b)"),
    "with": _around("with ", "(", "a", ")", ": pass\n"),
    "del": _around("del ", "(", "a", ")"),
    "del of calls": _around("del ", "(", "a", ")()"),
    "for": _around("for ", "(", "a", ")", " in b: pass\n"),
    "awaits": _around("async def f():\n x = ", "await (", "a", ")"),
    "decorators": _around("@", "(", "a", ")", "\ndef f(): pass\n"),
    "type parameters": _around("def f[T: ", "(", "a", ")", "](): pass\n"),
    "never closed": _around("x = ", "(", "", ""),
    "never closed, mixed": _around("x = ", "([{", "", ""),
    "never closed, over lines": _around("x = f(\n", "1 +\n", "", ""),
    "attributes": _around("x = a", ".b", "", ""),
    "call of call": _around("x = a", "()", "", ""),
    "subscript of subscript": _around("x = a", "[0]", "", ""),
    "not": _around("x = ", "not ", "1", ""),
    "minus": _around("x = ", "-", "1", ""),
    "sum": _around("x = 1", "+1", "", ""),
    "sum over lines": _around("x = (1\n", " + 1\n", "", "", ")\n"),
    "sum over continued lines": _around("x = 1", " + \\\n 1", "", ""),
    "power": _around("x = 1", "**1", "", ""),
    "and": _around("x = a", " and a", "", ""),
    "or of calls with commas": _around("x = ", "f(a, b) or ", "1", ""),
    "comparison": _around("x = 1", "<1", "", ""),
    "is not": _around("x = 1", " is not a", "", ""),
    "lambda": _around("x = ", "lambda:", "1", ""),
    "lambda with parameters": _around("x = ", "lambda a, b: ", "1", ""),
    "lambda in a default": _around("x = ", "lambda a=", "1", ":1"),
    "ternary": _around("x = ", "1 if a else ", "1", ""),
    "elif": _around("if 1:\n pass\n", "elif 1:\n pass\n", "", "", ""),
    "string beside string": _around("x = ", '"a" ', "", ""),
    "f-string beside string": _around("x = ", 'f"a" ', "", ""),
    "parentheses in an f-string": _around('x = f"', "{(", "a", ")}", '"\n'),
    "sum in an f-string": _around('x = f"{1', "+1", "", "", '}"\n'),
    "f-strings": _around("x = ", 'f"{', "1", '}"'),
    "f-strings and keys": _around("x = ", 'f"{a["', "b", '"]}"'),
    "format of a format": _around('x = f"', "{a:", "", "}", '"\n'),
    "brackets behind an f-string": _around('x = f"{a["b"]}" + ', "(", "1", ")"),
    "brackets behind a quote in a comment": _around("x = 1  # it's\ny = ", "(", "1", ")"),
    "patterns": _case("[", "]"),
    "patterns of classes": _case("A(", ")"),
    "patterns of keywords": _case("A(a=", ")"),
    "patterns of mappings": _case('{"a": ', "}"),
    "patterns of alternatives": _case("(a|", ")"),
    "patterns that are none": _case("(", ")()"),
    "alternatives": _case("a|", ""),
    "one pattern after the other": lambda n: (
        "match x:\n" + (" case " + '{"a": ' * 7 + "a" + "}" * 7 + ": pass\n") * n
    ),
}

# Linear, only long.
FLAT: Mapping[str, Generator] = {
    "list": _around("x = [", "1,", "", "", "]\n"),
    "dict": _around("x = {", '"a":1,', "", "", "}\n"),
    "arguments": _around("f(", "a,", "", "", ")\n"),
    "stars": _around("print(", "*a,", "", "", ")\n"),
    "statements": _around("", "a = 1\n", "", "", ""),
    "statements on one line": _around("", "a;", "", ""),
    "continued blank lines": _around("x = 1 ", "\\\n", "", "", " + 1\n"),
    "long string": _around('x = "', "a", "", "", '"\n'),
    "long text": _around('x = """', "a\n", "", "", '"""\n'),
    "long number": _around("x = ", "1", "", ""),
    "long name": _around("", "a", " = 1", ""),
    "long comment": _around("#", "a", "", ""),
    "comments": _around("", "#\n", "a=1", ""),
    "blank lines": _around("", "\n", "a=1", ""),
    "blank lines in a block": _around("def f():\n a\n", "\n", " b", ""),
    "comments and a dedent": _around("def f():\n a\n", "#x\n", "b", ""),
    "decorated often": _around("", "@a\n", "def f(): pass", ""),
    "an error at the end": _around("", "a = f(x, y)\n", "(", ""),
    "cases": _around("match x:\n", " case [a, *b]: pass\n", "", "", ""),
    "type variables": _around("def f[", "T,", "", "", "](): pass\n"),
    "with items": _around("with (", "a as b,", "", "", "): pass\n"),
    "targets": _around("", "a=", "1", ""),
    "fields of an f-string": _around('x = f"', "{a},", "", "", '"\n'),
    "names beyond ASCII": _around("", "\u00e9 = 1\n", "", "", ""),
    "form feeds": _around("", "\f", "a=1", ""),
    "old line ends": _around("", "a=1\r", "", "", ""),
    "all line ends": _around("", "a=1\r\nb=2\rc=3\n", "", "", ""),
    "tabs": lambda n: "".join("\t" * i + "if 1:\n" for i in range(min(n, 99))) + "\t" * 99 + "a\n",
    "blocks": lambda n: _blocks("if 1")(min(n, 500)),
    "functions": lambda n: _blocks("def f()")(min(n, 500)),
    "chains": lambda n: ("x = a" + ".b()" * 100 + "\n") * (n // 400),
    "brackets": lambda n: ("x = " + "[" * 38 + "]" * 38 + "\n") * (n // 400),
    "lambdas": lambda n: ("x = " + "lambda: " * 290 + "1\n") * (n // 2000),
    "del targets": lambda n: ("del " + "(" * 12 + "a" + ")()" * 12 + "\n") * (n // 50),
    "open quotes": _around("", '"\n', "", "", ""),
    "escaped quotes": _around("x = ", "\\'", "", ""),
    "open texts": _around("x = ", "'''\\", "", ""),
    "open texts with escapes": _around("x = '''", "\\'''", "", ""),
    "open f-strings": lambda n: "x = " + "f\"{'" * min(n, 30) + "\n",
    "bare excepts": _around("def f():\n", " try: a\n except: pass\n", "", "", ""),
    "mutable defaults": _around("", "def f(a=[]): pass\n", "", "", ""),
    "no timeouts": _around("import requests\n", "requests.get(a)\n", "", "", ""),
    "suppressions": _around(
        "def f():\n", " try: a\n except: pass # stet: ignore[ERR101] so\n", "", "", ""
    ),
    "suppressions of the file": _around("x = 1\n", "# stet: ignore-file[ERR101] so\n", "", ""),
    "suppressions of many codes": lambda n: (
        ("x = 1 # stet: ignore[" + "ERR101," * 28 + "] so\n") * (n // 200)
    ),
    "white space in a suppression": _around("x = 1 # stet: ignore[ERR101] a", " ", "b", ""),
    "openings of suppressions": _around("x = 1 ", "# stet: ignore[", "", ""),
    "white space behind a hash": lambda n: ("#" + " " * 200 + "\n") * (n // 200),
    "rebinding": _around("def f(a):\n", " a = a.b\n", "", "", ""),
    "imports": lambda n: "".join(f"from a import b as c{i}\n" for i in range(n // 20)),
    "bases": lambda n: "".join(f"class A{i}(A{i - 1}): x = 1\n" for i in range(n // 20)),
}

# What the bytes of a file may be.
ODD: Mapping[str, bytes] = {
    "empty": b"",
    "only white space": b"   ",
    "no end of line": b"a",
    "NUL in code": b"a = 1\0\n",
    "NUL in a string": b'a = "\0"\n',
    "NUL in a comment": b"# \0\na=1\n",
    "byte order mark": b"\xef\xbb\xbfa = 1\n",
    "byte order mark and another cookie": b"\xef\xbb\xbf# coding: latin-1\na=1\n",
    "UTF-16": "a = 1\n".encode("utf-16"),
    "UTF-32": "a = 1\n".encode("utf-32"),
    "no UTF-8": b'a = "\xff\xfe"\n',
    "no UTF-8 in a comment": b"# \xff\na = 1\n",
    "latin-1": b'# -*- coding: latin-1 -*-\na = "\xe9"\n',
    "unknown codec": b"# coding: bogus-enc\na = 1\n",
    "rot13": b"# coding: rot13\nn = 1\n",
    "hex": b"# coding: hex\n61\n",
    "zlib": b"# coding: zlib\na=1\n",
    "idna": b"# coding: idna\na=1\n",
    "undefined": b"# coding: undefined\na=1\n",
    "unicode_escape": b'# coding: unicode_escape\na="\\u00e9"\n',
    "brackets by unicode_escape": b"# coding: unicode_escape\na=" + b"\\x28" * 9000 + b"\n",
    "utf-7": b'# coding: utf-7\na = "+AGE-"\n',
    "brackets by utf-7": b"# coding: utf-7\na = " + b"+ACg-" * 9000 + b"\n",
    "surrogates": b'a = "\xed\xa0\x80"\n',
    "control Z": b"a=1\n\x1a",
    "mixed indentation": b"if 1:\n\ta\n        b\n",
    "vertical tab": b"a=1\x0b\n",
    "line separator": 'a = "\u2028"\nb\n'.encode(),
    "next line": "a = 1\u0085b = 2\n".encode(),
    "bidirectional": 'a = "\u202e"\n'.encode(),
    "old line ends": b"a=1\rb=2",
    "form feed": b"a=1\n\x0cb=2\n",
    "Python 2": b'print "a", `a`\n',
    "large number": b"a = " + b"1" * 10_000 + b"\n",
    "newer syntax": b"type X[T] = int\ntry: pass\nexcept A, B: pass\nt'{a}'\n",
    "unknown character": b'a = "\\N{bogus}"\n',
}
