"""What is taken for a credential, and that none is ever repeated."""

from __future__ import annotations

import base64
import json
import random
import string

import pytest
from trees import project_of

from rules.checklist.security import hardcoded_secret
from rules.engine.config import Config, ReviewConfig
from rules.engine.finding import Report
from rules.engine.run import check
from rules.facts.credentials import looks_random, masked, names_a_secret, shapes_in, tokens_in

ALNUM = string.ascii_letters + string.digits
UPPER = string.ascii_uppercase + string.digits
HEX = "0123456789abcdef"


def noise(size: int, alphabet: str = ALNUM, seed: int = 7) -> str:
    """The same noise in every run, so that a failure can be had again."""
    return "".join(random.Random(seed).choices(alphabet, k=size))


def segment(data: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")


def jwt(claims: dict[str, str]) -> str:
    return f"{segment({'alg': 'HS256', 'typ': 'JWT'})}.{segment(claims)}.{noise(43)}"


def uuid4_like() -> str:
    return "-".join(noise(size, HEX, seed=size) for size in (8, 4, 4, 4, 12))


TOKENS = {
    "an AWS access key": lambda: "AKIA" + noise(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    "a GitHub token": lambda: "ghp_" + noise(36),
    "a GitLab token": lambda: "glpat-" + noise(20),
    "a Slack token": lambda: (
        f"xoxb-{noise(12, '1234567890')}-{noise(12, '1234567890')}-{noise(24)}"
    ),
    "a Stripe live key": lambda: "sk_live_" + noise(24),
    "a Google API key": lambda: "AIza" + noise(35),
    "an Azure storage key": lambda: f"AccountKey={noise(86)}==",
    "a SendGrid key": lambda: f"SG.{noise(22)}.{noise(43)}",
    "an npm token": lambda: "npm_" + noise(36),
    "a PyPI token": lambda: "pypi-AgEIcHlwaS5vcmc" + noise(80),
    "an OpenAI key": lambda: f"sk-{noise(20)}T3BlbkFJ{noise(20)}",
    "an Anthropic key": lambda: f"sk-ant-api03-{noise(93)}AA",
    "a Twilio key": lambda: "SK" + noise(32, "0123456789abcdef"),
    "an AWS Bedrock key": lambda: "ABSK" + noise(112) + "==",
    "a Slack webhook address": lambda: (
        f"hooks.slack.com/services/T{noise(9, UPPER)}/B{noise(9, UPPER)}/{noise(24)}"
    ),
    "a Stripe webhook secret": lambda: "whsec_" + noise(32),
    "a Google client secret": lambda: "GOCSPX-" + noise(28),
    "a Google access token": lambda: "ya29." + noise(120),
    "a Firebase server key": lambda: f"AAAA{noise(7)}:APA91{noise(134)}",
    "an Azure access key": lambda: f"SharedAccessKey={noise(43)}=",
    "an Azure client secret": lambda: f"{noise(3)}8Q~{noise(34)}",
    "a Brevo key": lambda: f"xkeysib-{noise(64, HEX)}-{noise(16)}",
    "a Replicate token": lambda: "r8_" + noise(37),
    "a LangSmith key": lambda: f"lsv2_pt_{noise(32, HEX)}_{noise(10, HEX)}",
    "a DigitalOcean token": lambda: "dop_v1_" + noise(64, HEX),
    "a Heroku key": lambda: "HRKU-AA" + noise(58),
    "a Shopify token": lambda: "shpat_" + noise(32, HEX),
    "a Mailgun key": lambda: "key-" + noise(32, HEX),
    "a Mailchimp key": lambda: noise(32, HEX) + "-us14",
    "a Telegram bot token": lambda: f"{noise(9, '123456789')}:AA{noise(33)}",
    "a Discord webhook address": lambda: (
        f"discord.com/api/webhooks/{noise(18, '123456789')}/{noise(68)}"
    ),
    "a Terraform Cloud token": lambda: f"{noise(14)}.atlasv1.{noise(67)}",
    "a Doppler token": lambda: "dp.pt." + noise(43),
    "a Notion token": lambda: f"ntn_{noise(11, '123456789')}{noise(35)}",
    "an Atlassian token": lambda: f"ATATT3{noise(186)}",
    "a Figma token": lambda: "figd_" + noise(40),
    "a HubSpot token": lambda: f"pat-na1-{uuid4_like()}",
    "a Sentry token": lambda: "sntryu_" + noise(64, HEX),
    "a Sentry address with its secret": lambda: (
        f"{noise(32, HEX)}:{noise(32, HEX, 8)}@o1.ingest.sentry.io/42"
    ),
    "a New Relic key": lambda: "NRAK-" + noise(27, UPPER),
    "a New Relic licence key": lambda: noise(36, HEX) + "NRAL",
    "a PostHog key": lambda: "phx_" + noise(43),
    "a Square secret": lambda: "sq0csp-" + noise(43),
    "a Square token": lambda: "EAAA" + noise(60),
    "a CircleCI token": lambda: f"CCIPAT_{noise(22)}_{noise(40, HEX)}",
    "a Tailscale key": lambda: f"tskey-auth-{noise(16)}-{noise(32)}",
    "a signed JSON Web Token": lambda: jwt({"sub": "ada", "iss": "shop"}),
}


def report_on(path: str, text: str) -> Report:
    config = Config(review=ReviewConfig(confidence="all"))
    return check([(path, text.encode())], project_of({path: text}), config, [hardcoded_secret.rule])


def said(path: str, text: str) -> list[str]:
    return [each.message for each in report_on(path, text).findings]


@pytest.mark.parametrize("kind", TOKENS)
def test_a_token_of_each_provider_is_found_and_not_repeated(kind: str) -> None:
    token = TOKENS[kind]()
    report = report_on("shop/pay.py", f"# twilio and others\nCLIENT = connect({token!r}, 3)\n")
    (found,) = report.findings
    assert kind in found.message
    assert masked(token) in found.message
    assert token[5:] not in repr(report)
    assert (found.span.line, found.span.end_column - found.span.column) == (2, len(token))


@pytest.mark.parametrize("kind", [each for each in TOKENS if each != "a signed JSON Web Token"])
def test_a_token_that_calls_itself_an_example_is_spared(kind: str) -> None:
    token = TOKENS[kind]()
    made_up = token[:-7] + "EXAMPLE"
    assert said("shop/pay.py", f"twilio = {made_up!r}\n") == []


def test_a_bot_token_counts_where_the_file_speaks_of_bots() -> None:
    token = f"M{noise(23)}.{noise(6)}.{noise(27)}"
    assert len(said("bot/main.py", f"import discord\n\nclient.run({token!r})\n")) == 1
    assert said("bot/main.py", f"client.run({token!r})\n") == []


def test_tokens_within_longer_words_are_no_tokens() -> None:
    text = "x" + TOKENS["an AWS access key"]()
    assert list(tokens_in(text, shapes_in(text))) == []


@pytest.mark.parametrize("claims", [{"sub": "1234567890", "name": "J"}, {"role": "anon"}])
def test_web_tokens_of_manuals_and_of_everybody_are_spared(claims: dict[str, str]) -> None:
    assert said("shop/pay.py", f"t = {jwt(claims)!r}\n") == []


def test_a_private_key_is_found_but_not_the_words_that_begin_one() -> None:
    head, tail = "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"
    body = "\n".join(noise(64) for _ in range(5))
    assert len(said("deploy/key.pem", f"{head}\n{body}\n{tail}\n")) == 1
    escaped = f"{head}\n{body}\n{tail}".replace("\n", "\\n")
    assert len(said("app/key.json", f'{{"private_key": "{escaped}"}}\n')) == 1
    assert said("app/keys.py", f'def is_key(text):\n    return text.startswith("{head}")\n') == []
    assert said("deploy/key.pub", f"-----BEGIN PUBLIC KEY-----\n{body}\n") == []


@pytest.mark.parametrize(
    "path",
    [
        "tests/test_pay.py",
        "app/fixtures/users.json",
        "poetry.lock",
        "web/package-lock.json",
        "static/app.min.js",
    ],
)
def test_tests_fixtures_and_locks_are_not_read(path: str) -> None:
    assert said(path, f"token = {TOKENS['a GitHub token']()!r}\n") == []


@pytest.mark.parametrize(
    "mark", ["# pragma: allowlist secret", "# gitleaks:allow", "# trufflehog:ignore"]
)
def test_a_line_that_another_scanner_was_told_to_leave_is_left(mark: str) -> None:
    assert said("app/a.py", f"token = {TOKENS['a GitHub token']()!r}  {mark}\n") == []


@pytest.mark.parametrize("name", ["DB_PASSWORD", "apiKey", "client_secret", "HTTPAuthToken"])
def test_names_of_secrets(name: str) -> None:
    assert names_a_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "AWS_ACCESS_KEY_ID",
        "TOKEN_URL",
        "csrf_token",
        "next_page_token",
        "PUBLIC_KEY",
        "cache_key",
        "password_hash",
        "key",
        "STRIPE_PUBLISHABLE_KEY",
        "secret_name",
        "tokenizer",
        "monkey",
    ],
)
def test_names_that_only_sound_like_secrets(name: str) -> None:
    assert not names_a_secret(name)


@pytest.mark.parametrize("size", [24, 32, 40, 64])
def test_what_a_machine_made_up_looks_random(size: int) -> None:
    alphabets = (ALNUM, "0123456789abcdef")
    seen = [noise(size, alphabet, seed) for alphabet in alphabets for seed in range(200)]
    assert sum(map(looks_random, seen)) >= 0.97 * len(seen)


@pytest.mark.parametrize(
    "value",
    [
        "3b241101-e2bb-4255-8caf-4136c566a962",
        "https://id.example.org/t0k3n/9fJ2kQ81xZ",
        "shop.auth.backends.TokenBackend2",
        "checkout_link_e2e_subscription_v2",
        "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9",
        "sha256:9b74c9897bac770ffc029102a200c5de",
        "your-api-key-9fJ2kQ81xZ0a",
        "${API_TOKEN_9fJ2kQ81xZ0a}",
        "aaaaaaaaaaaaaaaaaaaaaaaa1",
        "0123456789abcdef0123456789abcdef",
        "PasswordResetTokenGenerator",
    ],
)
def test_what_people_write_does_not_look_random(value: str) -> None:
    assert not looks_random(value)


def test_a_secret_in_a_sample_file_is_only_a_hotspot() -> None:
    text = f"COOKIE_SECRET={noise(40)}\n"
    assert [each.confidence.value for each in report_on(".env", text).findings] == ["proven"]
    assert [each.confidence.value for each in report_on(".env.example", text).findings] == [
        "hotspot"
    ]
