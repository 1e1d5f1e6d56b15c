"""Passwords that labgen did not make, told by what stands before them, and verifiers and keys, told by their form.

A value that is a variable or a template (`$PASSWORD`, `{{ secrets.… }}`, `%s`) is none.
"""

from __future__ import annotations

import re

HIDDEN = "hidden"
"""The group of a pattern that is replaced; the rest of it stays."""

_NONE = r"(?!‹|[$({\[<|>*\s]|%[s(]|(?i:null|none|true|false)\b)"
_WORD = r"(?i:(?<!no)pass(?:word|wd|phrase))"  # sudo's NOPASSWD is none
# Quotes may be doubled or escaped, since one language often stands inside another.
_OPENING = r"""(?P<quote>\\*(?:(?:''|"")(?![\s,;)}\]])|["']))"""
_INSIDE = r"(?P<hidden>(?:(?!(?P=quote))(?:\\.|[^\\\n])|(?P=quote){2}){1,512}?)"
_QUOTED = _OPENING + _NONE + _INSIDE + r"(?P=quote)(?!(?P=quote))"
_BARE = _NONE + r"""(?P<hidden>[^\s"'&;,<>\\)}\]]+)"""
_ADDRESS = r"(?i:\b[a-z][a-z0-9+.-]{0,30}://)"
_KEY_END = r"""\\*["']?"""
_TO_LINE_END = r"(?P<hidden>[^'\"#\n][^#\n]*?)(?m:[ \t]*(?:#|$))"

PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        (
            "private key",
            r"(?P<hidden>-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?s:.){1,20000}?-----END [A-Z0-9 ]*PRIVATE KEY-----)",
        ),
        ("verifier", r"(?P<hidden>SCRAM-SHA-256\$[0-9]+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+)"),
        ("verifier", r"(?<![A-Za-z0-9])(?P<hidden>md5[0-9a-f]{32})(?![A-Za-z0-9])"),
        ("password", _ADDRESS + r"""[^\s/:@'"<>]*:""" + _NONE + r"""(?P<hidden>[^\s/'"<>]+)@"""),
        ("password", r"(?i:\bhttps?://)" + _NONE + r"""(?P<hidden>[^\s/:@'"<>]+)@"""),
        # A key and its value: conninfo, environment, JSON, YAML.
        ("password", rf"{_WORD}{_KEY_END}\s*[=:]\s*{_QUOTED}"),
        (
            "password",
            rf"(?m:^[ \t]*(?:- )?[\w.-]*{_WORD}):[ \t]+{_NONE}{_TO_LINE_END}",
        ),
        ("password", rf"{_WORD}{_KEY_END}(?:\s*=\s*|:[ \t]*){_BARE}"),
        # SQL, HAProxy, keepalived.
        ("password", rf"(?i:\bpassword)\s+[eE]?{_QUOTED}"),
        ("password", rf"(?:(?i:\binsecure-password|\bauth_pass)\s+|(?i:\bstats\s+auth)\s+[^\s:]+:){_BARE}"),
        ("token", rf"(?i:\bauthorization){_KEY_END}\s*[:=]\s*{_KEY_END}(?i:basic|bearer|token)\s+{_BARE}"),
        ("token", rf"(?i:\bx-[a-z]+-token){_KEY_END}\s*[:=]\s*{_KEY_END}{_BARE}"),
    )
)
