"""Secrets in texts: every shape of those that a lab has, and what looks like one without being known."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
import time
from urllib.parse import quote, quote_plus

import pytest

from labgen.redact import UNKNOWN, Redactor, secret_values

PLAIN = "k3vQ9aLmZ0tRw7YbX2cD5eFg"
ODD = "a'b\"c%d\\e f/g+h=i&j<ü:k@l$m`"
KEY = base64.b64encode(bytes(range(200, 232))).decode()
SECRETS = {"patroni": {"superuser_password": PLAIN, "odd": ODD}, "consul": {"gossip_key": KEY}}
NAMES = {PLAIN: "patroni.superuser_password", ODD: "patroni.odd", KEY: "consul.gossip_key"}

WAYS = {
    "plain": str,
    "url": quote,
    "url-all": lambda value: quote(value, safe=""),
    "url-plus": quote_plus,
    "url-small": lambda value: re.sub("%..", lambda found: found[0].lower(), quote(value, safe="")),
    "url-browser": lambda value: quote(value, safe="!*'()~"),
    "url-some": lambda value: value.replace("%", "%25").replace("@", "%40").replace(":", "%3A"),
    "url-twice": lambda value: quote(quote(value, safe=""), safe=""),
    "json": json.dumps,
    "json-utf8": lambda value: json.dumps(value, ensure_ascii=False),
    "json-twice": lambda value: json.dumps(json.dumps(value)),
    "json-php": lambda value: json.dumps(value).replace("/", "\\/"),
    "sql": lambda value: "'" + value.replace("'", "''") + "'",
    "sql-escape": lambda value: "E'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'",
    "sql-in-json": lambda value: json.dumps("'" + value.replace("'", "''") + "'"),
    "sql-in-sql": lambda value: value.replace("'", "''").replace("'", "''"),
    "shell": shlex.quote,
    "shell-other": lambda value: "'" + value.replace("'", "'\\''") + "'",
    "pgpass": lambda value: value.replace("\\", "\\\\").replace(":", "\\:"),
    "percent": lambda value: value.replace("%", "%%"),
    "html": html.escape,
    "xml": lambda value: html.escape(value).replace("&#x27;", "&#39;"),
    "shell-double": lambda value: re.sub(r'([\\"$`])', r"\\\1", value),
    "hex": lambda value: "\\x" + value.encode().hex(),
    "base64-0": lambda value: base64.b64encode(value.encode()).decode(),
    "base64-1": lambda value: base64.b64encode(f"1{value}6".encode()).decode(),
    "base64-2": lambda value: base64.b64encode(f"12{value}56".encode()).decode(),
    "base64-basic": lambda value: base64.b64encode(f"patroni:{value}".encode()).decode(),
    "base64-url": lambda value: base64.urlsafe_b64encode(f"patroni:{value}".encode()).decode(),
    "base64-in-url": lambda value: quote(base64.b64encode(f"patroni:{value}".encode()).decode(), safe=""),
    "base64-json": lambda value: base64.b64encode(json.dumps({"password": value}).encode()).decode(),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("secret", [PLAIN, ODD, KEY], ids=NAMES.values())
def test_every_shape(way: str, secret: str) -> None:
    redactor = Redactor(SECRETS)
    written = WAYS[way](secret)
    text, counts = redactor.replaced(f"before {written} after {written}\n")
    assert counts == {NAMES[secret]: 2}
    assert text.startswith("before ")
    assert " after " in text
    assert f"‹secret {NAMES[secret]}›" in text
    assert redactor.found(f"x {written} y") == {NAMES[secret]}
    assert not redactor.found(text)
    if way.startswith("base64"):
        # Its neighbours in the same piece of Base64 hold some of its bits.
        assert text.count("‹") == 2
        assert written[:8] not in text
        assert written[-8:] not in text


def test_one_that_contains_another() -> None:
    redactor = Redactor({"a": {"short": "abcdefgh", "long": "xxabcdefghyy"}})
    assert redactor.replaced("xxabcdefghyy abcdefgh") == (
        "‹secret a.long› ‹secret a.short›",
        {"a.long": 1, "a.short": 1},
    )


def test_two_that_overlap_leave_nothing() -> None:
    redactor = Redactor({"a": {"one": "abcdefgh", "two": "efghijklm"}})
    text, counts = redactor.replaced("=abcdefghijklm=")
    assert text == "=‹secret a.two›="
    assert counts == {"a.two": 1}


def test_a_percent_sign_in_a_password() -> None:
    value = "Ab%Cd3fGh1jKl"
    redactor = Redactor({"patroni": {"replication_password": value}}, unknown=True)
    log = f"ValueError: invalid interpolation syntax in '{value}' (postgres://replicator:Ab%25Cd3fGh1jKl@10.0.0.1/)"
    text, counts = redactor.replaced(log)
    assert counts == {"patroni.replication_password": 2}
    assert "Cd3f" not in text
    # What a person wants to have in the password is no secret.
    assert redactor('{containing: "%"}') == '{containing: "%"}'


def test_values_that_say_nothing_are_no_secrets() -> None:
    assert secret_values({"a": {"empty": "", "blank": " ", "real": "x"}}) == {"x": "a.real"}


UNKNOWN_ONES = {
    "password=hunter2 host=x": "password=‹password› host=x",
    "host=x PASSWORD = hunter2": "host=x PASSWORD = ‹password›",
    "PGPASSWORD=hunter2 psql": "PGPASSWORD=‹password› psql",
    "PGPASSWORD='hunter 2' psql": "PGPASSWORD='‹password›' psql",
    r"password='it\'s' user=a": "password='‹password›' user=a",
    "password='it''s' user=a": "password='‹password›' user=a",
    "primary_conninfo = 'user=a password=''h2'' b=c'": "primary_conninfo = 'user=a password=''‹password›'' b=c'",
    'sslpassword="hunter2"': 'sslpassword="‹password›"',
    json.dumps({"m": 'password="a b" x'}): r'{"m": "password=\"‹password›\" x"}',
    '{"password": "hunter2", "user": "x"}': '{"password": "‹password›", "user": "x"}',
    "  password: hunter2  # once": "  password: ‹password›  # once",
    "    superuser_password: my own word": "    superuser_password: ‹password›",
    "{username: a, password: hunter2}": "{username: a, password: ‹password›}",
    "postgres://me:hunter2@h:5432/db": "postgres://me:‹password›@h:5432/db",
    "postgresql://:hunter2@h/db": "postgresql://:‹password›@h/db",
    "postgres://me:hunt%40er2@h": "postgres://me:‹password›@h",
    "postgres://me:hunt@er2@h/a@b": "postgres://me:‹password›@h/a@b",
    "https://token@mirror.invalid/x": "https://‹password›@mirror.invalid/x",
    "ALTER ROLE x PASSWORD 'hunter2';": "ALTER ROLE x PASSWORD '‹password›';",
    "CREATE ROLE x ENCRYPTED password E'a\\'b'": "CREATE ROLE x ENCRYPTED password E'‹password›'",
    "stats auth admin:hunter2": "stats auth admin:‹password›",
    "  auth_pass hunter2": "  auth_pass ‹password›",
    "Authorization: Basic cG9zdGdyZXM6eA==": "Authorization: Basic ‹token›",
    "'Authorization': 'Bearer abc.def'": "'Authorization': 'Bearer ‹token›'",
    "X-Consul-Token: abc-def": "X-Consul-Token: ‹token›",
    '"app" "SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy"': '"app" "‹verifier›"',
    '"app" "md5c1ddf5a6d1ff5a3e1f5a6d1ff5a3e1f5"': '"app" "‹verifier›"',
    "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n": "‹private key›\n",
}


@pytest.mark.parametrize("text", UNKNOWN_ONES)
def test_passwords_that_labgen_does_not_know(text: str) -> None:
    redactor = Redactor({}, unknown=True)
    replaced, counts = redactor.replaced(text)
    assert replaced == UNKNOWN_ONES[text]
    assert counts.total() == 1
    assert next(iter(counts)).startswith(UNKNOWN)
    assert redactor.found(text)
    assert not redactor.found(replaced)
    # On a lab's own screens they stay: the user typed them.
    assert Redactor({})(text) == text


@pytest.mark.parametrize(
    "text",
    [
        'FATAL:  password authentication failed for user "replicator"',
        "password_encryption = scram-sha-256",
        "vagrant ALL=(ALL:ALL) NOPASSWD: ALL",
        "passfile=/run/postgresql/.pgpass-patroni",
        "password: {{ secrets.patroni.app_password | yaml }}",
        'replication_password: {containing: "%"}',
        "PGPASSWORD=$(cat file) password=${X}",
        "password=%s user=%s",
        '{"password": null, "user": ""}',
        '{"password": "", "user": ""}',
        "http://10.10.1.11:8008/patroni, postgres://10.10.1.11:5432/postgres",
        "ssh://vagrant@10.10.1.11",
        "password: ‹secret patroni.app_password›",
        "md5sum of md5c1ddf5a6d1ff5a3e1f5a6d1ff5a3e1f5abc",
    ],
)
def test_what_is_no_password_stays(text: str) -> None:
    assert Redactor({}, unknown=True).replaced(text) == (text, {})


def test_it_takes_no_longer_for_a_long_line() -> None:
    redactor = Redactor(SECRETS, unknown=True)
    began = time.monotonic()
    redactor.replaced("A" * 1_000_000 + "password" * 10_000 + "a.b-" * 50_000 + ":" * 10_000)
    assert time.monotonic() - began < 10
