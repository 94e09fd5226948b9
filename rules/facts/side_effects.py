"""Calls that reach out of the process: letters, requests to other services, heavy files."""

from __future__ import annotations

import re

import libcst as cst

from rules.kit import Here, dotted

_MAIL = frozenset(
    {
        "django.core.mail.send_mail",
        "django.core.mail.send_mass_mail",
        "django.core.mail.mail_admins",
    }
    | {"django.core.mail.mail_managers", "smtplib.SMTP.send_message", "smtplib.SMTP.sendmail"}
    | {"django.core.mail.EmailMessage.send", "django.core.mail.EmailMultiAlternatives.send"}
    | {"flask_mail.Mail.send", "smtplib.SMTP_SSL.send_message", "smtplib.SMTP_SSL.sendmail"}
)
_VERBS = ("get", "post", "put", "patch", "delete", "request")
_HTTP = frozenset(
    f"{home}.{verb}"
    for home in ("requests", "httpx", "requests.Session", "httpx.Client", "requests.session")
    for verb in _VERBS
) | {"urllib.request.urlopen"}
_HEAVY = frozenset(
    {"weasyprint.HTML.write_pdf", "pdfkit.from_string", "pdfkit.from_url", "pdfkit.from_file"}
    | {"openpyxl.Workbook.save", "PIL.Image.open.save", "PIL.Image.open.thumbnail"}
    | {"PIL.Image.open.resize", "xhtml2pdf.pisa.CreatePDF", "docx.Document.save"}
)
LASTS: tuple[str, ...] = tuple(
    sorted({each.rpartition(".")[2] for each in (*_MAIL, *_HTTP, *_HEAVY)} | {"email_user"})
)
# A file without any of these holds no such call.
WORDS = (
    "requests", "httpx", "urlopen", "send_mail", "send_mass_mail", "mail_admins", "mail_managers",
    "EmailMessage", "EmailMultiAlternatives", "smtplib", "mail", "mailer", "weasyprint", "pdfkit",
    "openpyxl", "PIL", "xhtml2pdf", "docx", "email_user",
)  # fmt: skip
_KINDS = dict.fromkeys(_MAIL, "mail") | dict.fromkeys(_HTTP, "http") | dict.fromkeys(_HEAVY, "file")
_MAILER = re.compile(r"(^|\.)(mail|mailer)\.send$")


def effect_of(call: cst.Call, here: Here) -> str:
    """`mail`, `http` or `file` for what a call does outside of the process; else nothing."""
    for name in sorted(here.names(call.func)):
        if name in _KINDS:
            return _KINDS[name]
        if _MAILER.search(name):
            return "mail"
    last = dotted(call.func).rpartition(".")[2]
    return "mail" if last == "email_user" else ""
