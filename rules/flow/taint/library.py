"""What libraries do with data: pass it on, make it safe for something, or end it.

Names are full dotted names; a name that begins with `*.` is that of a method, whatever it
belongs to.
"""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import PurePath

from rules.flow.taint.marks import FAMILIES, RESOLVED

_ALL = FAMILIES


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# The result is no text that a caller chose.
HARMLESS = _words(
    """builtins.int builtins.float builtins.bool builtins.complex builtins.len builtins.ord builtins.hash
    builtins.id builtins.isinstance builtins.issubclass builtins.callable builtins.hasattr builtins.round
    builtins.abs builtins.any builtins.all builtins.hex builtins.bin builtins.oct builtins.type
    uuid.UUID decimal.Decimal fractions.Fraction ipaddress.ip_address ipaddress.ip_network
    ipaddress.IPv4Address ipaddress.IPv6Address
    datetime.datetime.strptime datetime.datetime.fromisoformat datetime.date.fromisoformat
    datetime.datetime.fromtimestamp dateutil.parser.parse dateutil.parser.isoparse
    django.utils.dateparse.parse_date django.utils.dateparse.parse_datetime
    django.utils.dateparse.parse_time django.utils.dateparse.parse_duration
    django.utils.text.slugify slugify.slugify bson.ObjectId bson.objectid.ObjectId
    os.path.exists os.path.isfile os.path.isdir os.path.getsize os.path.islink os.access
    hmac.compare_digest secrets.compare_digest zlib.crc32 binascii.crc32
    flask.url_for django.urls.reverse django.shortcuts.reverse django.urls.reverse_lazy
    django.shortcuts.get_object_or_404 django.shortcuts.get_list_or_404
    django.contrib.auth.authenticate django.contrib.auth.hashers.make_password
    werkzeug.security.generate_password_hash werkzeug.security.check_password_hash
    mimetypes.guess_type flask.render_template django.shortcuts.render
    django.template.loader.render_to_string flask.jsonify django.http.JsonResponse
    logging.getLogger itsdangerous.URLSafeTimedSerializer"""
)
# Succeeds only for data of a strict form.
VALIDATING = _words(
    """builtins.int builtins.float uuid.UUID decimal.Decimal ipaddress.ip_address ipaddress.ip_network
    ipaddress.IPv4Address ipaddress.IPv6Address datetime.datetime.strptime
    datetime.datetime.fromisoformat datetime.date.fromisoformat bson.ObjectId bson.objectid.ObjectId"""
)
HARMLESS_METHODS = _words(
    """isdigit isdecimal isnumeric isalnum isalpha isascii isidentifier islower isupper isspace
    isprintable istitle startswith endswith find rfind index rindex count exists is_file is_dir
    is_valid is_relative_to is_absolute hexdigest digest timestamp isoformat __len__ has_key __contains__
    save delete full_clean bit_length tell seek
    read_text read_bytes iterdir rglob stat lstat"""
)

# What text, paths, files, containers, addresses, matches, requests and models give is more of the
# same; what any other object gives may be something else.
DATA_METHODS = frozenset(
    name
    for kind in (str, bytes, dict, list, set, PurePath, BytesIO, re.Match)
    for name in dir(kind)
    if not name.startswith("_")
) | _words(
    """_replace geturl getlist get_list getall getone get_all to_dict as_dict dict json copy model_dump
        model_copy model_dump_json getvalue chunks stream iter_content body form post text multipart field
        get_json get_data get_payload lists dicts urlencode expanduser resolve absolute unicode_string
        with_query with_path joinpath open group groups data values all first one scalar tolist
        __getitem__ __str__ __add__ __mod__ __next__ next receive_text receive_json safe_substitute
        substitute render parse_args get_full_path unescape read1 findall findtext iterfind"""
)

_QUOTED = frozenset({"url"})
_HTML = frozenset({"html", "xml"})
_PATH = frozenset({"path"})
_SQL = frozenset({"sql"})
_LDAP = frozenset({"ldap"})
_COMMAND = frozenset({"command"})
_REDIRECT = frozenset({"redirect", "host"})

# The result is safe for these families.
SANITISERS: dict[str, frozenset[str]] = {
    **dict.fromkeys(
        _words(
            """html.escape cgi.escape markupsafe.escape markupsafe.escape_silent flask.escape
            flask.Markup.escape markupsafe.Markup.escape jinja2.escape jinja2.utils.escape
            django.utils.html.escape django.utils.html.conditional_escape django.utils.html.format_html
            django.utils.html.format_html_join django.utils.html.strip_tags django.utils.html.escapejs
            django.utils.html.linebreaks django.utils.html.urlize
            bleach.clean nh3.clean lxml.html.clean.clean_html xml.sax.saxutils.escape
            xml.sax.saxutils.quoteattr werkzeug.utils.escape tornado.escape.xhtml_escape
            django.template.defaultfilters.escape django.template.defaultfilters.force_escape"""
        ),
        _HTML,
    ),
    # An environment that does not escape is a finding of its own, where it is made.
    **dict.fromkeys(
        (
            f"jinja2.{made}().{got}().{rendered}"
            for made in ("Environment", "environment.Environment", "sandbox.SandboxedEnvironment")
            for got in ("get_template", "select_template", "get_or_select_template", "from_string")
            for rendered in ("render", "render_async", "generate", "stream")
        ),
        _HTML,
    ),
    **dict.fromkeys(_words("shlex.quote pipes.quote subprocess.list2cmdline shlex.join"), _COMMAND),
    **dict.fromkeys(
        _words(
            """werkzeug.utils.secure_filename werkzeug.secure_filename flask.safe_join
            werkzeug.utils.safe_join werkzeug.security.safe_join django.utils._os.safe_join
            os.path.basename ntpath.basename posixpath.basename
            django.utils.text.get_valid_filename pathvalidate.sanitize_filename"""
        ),
        _PATH,
    ),
    **dict.fromkeys(
        _words(
            """ldap.filter.escape_filter_chars ldap3.utils.conv.escape_filter_chars
            ldap.dn.escape_dn_chars ldap3.utils.dn.escape_rdn ldap.filter.filter_format"""
        ),
        _LDAP,
    ),
    **dict.fromkeys(
        _words(
            """psycopg2.sql.Identifier psycopg.sql.Identifier psycopg2.sql.Literal psycopg.sql.Literal
            psycopg2.extensions.quote_ident psycopg2.extensions.adapt pymysql.converters.escape_string
            MySQLdb.escape_string pymysql.escape_string sqlalchemy.sql.quoted_name
            sqlalchemy.bindparam sqlalchemy.literal sqlalchemy.column sqlalchemy.table"""
        ),
        _SQL,
    ),
    **dict.fromkeys(
        _words("urllib.parse.quote urllib.parse.urlencode urllib.quote django.utils.http.urlquote"),
        _QUOTED,
    ),
    **dict.fromkeys(
        _words(
            "urllib.parse.quote_plus django.utils.http.urlencode django.utils.http.urlquote_plus"
        ),
        _QUOTED | _PATH,
    ),
    **dict.fromkeys(
        _words(
            """base64.b64encode base64.urlsafe_b64encode base64.b32encode base64.b16encode
            base64.standard_b64encode base64.encodebytes base64.b85encode
            django.utils.http.urlsafe_base64_encode"""
        ),
        frozenset({"base64"}),
    ),
    **dict.fromkeys(_words("binascii.hexlify binascii.b2a_hex"), frozenset({"hex"})),
    **dict.fromkeys(
        _words("os.path.realpath os.path.abspath os.path.normpath"), frozenset({RESOLVED})
    ),
    **dict.fromkeys(
        _words("json.dumps ujson.dumps orjson.dumps simplejson.dumps flask.json.dumps"),
        frozenset({"log", "header"}),
    ),
    "django.utils.http.url_has_allowed_host_and_scheme": _REDIRECT,
}
METHOD_SANITISERS: dict[str, frozenset[str]] = {
    "hex": frozenset({"hex"}),
    "quote_name": _SQL,
    "quote_identifier": _SQL,
    "escape_string": _SQL,
    "resolve": frozenset({RESOLVED}),
    "relative_to": _PATH,
    "absolute": frozenset(),
    "get_valid_name": _PATH,
    "get_available_name": frozenset(),
}
# Undo what is named.
DECODERS: dict[str, frozenset[str]] = {
    **dict.fromkeys(
        _words(
            """base64.b64decode base64.urlsafe_b64decode base64.b32decode base64.b16decode
            base64.standard_b64decode base64.decodebytes base64.b85decode
            django.utils.http.urlsafe_base64_decode"""
        ),
        frozenset({"base64"}),
    ),
    **dict.fromkeys(
        _words("binascii.unhexlify binascii.a2b_hex builtins.bytes.fromhex"), frozenset({"hex"})
    ),
    **dict.fromkeys(
        _words("urllib.parse.unquote urllib.parse.unquote_plus urllib.unquote"), frozenset({"url"})
    ),
    **dict.fromkeys(_words("html.unescape xml.sax.saxutils.unescape"), _HTML),
}
# Methods of a statement that put values beside it, not into it.
STATEMENTS = ("sqlalchemy.", "flask_sqlalchemy.", "sqlmodel.")
BINDING = _words("bindparams params values columns execution_options")
# Attributes of a path or URL that are safe by what they are.
SAFE_ATTRIBUTES: dict[str, frozenset[str]] = {
    "name": _PATH,
    "stem": _PATH,
    "suffix": _PATH,
}
# Pass on what they are given; all others that are not known make it doubtful.
PASSING_MODULES = (
    "urllib.parse.",
    "base64.",
    "binascii.",
    "codecs.",
    "os.path.",
    "posixpath.",
    "ntpath.",
    "json.",
    "ujson.",
    "orjson.",
    "simplejson.",
    "flask.json.",
    "copy.",
    "textwrap.",
    "itertools.",
    "collections.",
    "operator.",
    "unicodedata.",
    "pathlib.",
    "html.",
    "html2text.",
    "string.",
    "markdown.",
    "mistune.",
    "django.utils.encoding.",
    "django.utils.safestring.",
    "django.utils.html.",
    "django.utils.http.",
    "django.utils.text.",
    "markupsafe.",
    "six.",
    "http.cookies.",
    "urllib3.util.",
    "yarl.",
    "furl.",
    "werkzeug.urls.",
    "asgiref.sync.",
    "functools.",
    "sqlalchemy.text",
    "sqlalchemy.sql.",
    "sqlparse.",
    "psycopg2.sql.",
    "psycopg.sql.",
    "re.",
    "xmltodict.",
    "toml.",
    "tomllib.",
    "csv.",
    "zlib.",
    "gzip.",
    "bz2.",
    "email.",
    "locale.",
    "typing.",
    "shlex.",
    "inspect.cleandoc",
    "flask.Markup",
    "jinja2.",
    "werkzeug.utils.escape",
    "starlette.concurrency.",
)
PASSING = _words(
    """builtins.str builtins.repr builtins.ascii builtins.format builtins.bytes builtins.bytearray
    builtins.memoryview builtins.list builtins.tuple builtins.set builtins.frozenset builtins.dict
    builtins.sorted builtins.reversed builtins.min builtins.max builtins.sum builtins.next builtins.iter
    builtins.map builtins.filter builtins.zip builtins.enumerate builtins.getattr builtins.vars
    builtins.slice yaml.safe_load yaml.load yaml.full_load ast.literal_eval
    os.fspath os.fsencode os.fsdecode os.path os.getenv
    werkzeug.datastructures.MultiDict werkzeug.datastructures.ImmutableMultiDict
    werkzeug.datastructures.FileStorage django.http.QueryDict
    django.core.files.base.ContentFile aiofiles.os.path"""
)
