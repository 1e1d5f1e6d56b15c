"""Regular expressions of documents: RE2's, with words for what it does not have."""

from __future__ import annotations

import pytest

from labgen.patterns import LONGEST, fits, pattern, search


def test_what_is_found() -> None:
    assert search("b+", "abbc") == "bb"
    assert search("^b$", "a\nb\nc") is None
    assert search("^b$", "a\nb\nc", lines=True) == "b"
    assert search("x", "abc") is None
    assert search("a", "\udcffa") == "a"
    assert search("", "abc") == ""
    assert fits("[a-z]+(-[a-z]+)*", "a-b")
    assert not fits("[a-z]+", "a-b")
    assert fits("ş+", "şş")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("(?=a)b", "a look-ahead is not among"),
        ("(?!a)b", "a look-ahead is not among"),
        ("(?<=a)b", "a look-behind is not among"),
        (r"(a)\1", "a back-reference is not among"),
        ("[a-", "missing ]"),
        ("a" * (LONGEST + 1), "it has more than 4096 characters"),
        ("a{1001}", "invalid repetition size"),
    ],
)
def test_what_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        pattern(text)


def test_the_time_is_linear_in_the_text() -> None:
    """What a backtracking engine tries in some 2**18 ways: slow there, but no harm done."""
    assert search("^(a|a)*$", "a" * 18 + "b") is None
