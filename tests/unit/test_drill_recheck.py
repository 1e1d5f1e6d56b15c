"""`labgen drill recheck`: a log in, a verdict out, and the exit code that goes with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from labgen.cli.main import app
from labgen.errors import UsageError
from tests.unit.drill_logs import Story


def recheck(path: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["drill", "recheck", str(path), *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout


def written(tmp_path: Path, story: Story) -> Path:
    path = tmp_path / "power-loss.jsonl"
    path.write_text(story.text())
    return path


def test_a_passed_drill_ends_with_0_and_the_same_figures_each_time(tmp_path: Path) -> None:
    path = written(tmp_path, Story(expect={"failover": True}))
    code, text = recheck(path)
    assert code == 0
    assert text.startswith("pass power-loss")
    code, text = recheck(path, "--json")
    assert code == 0
    told = json.loads(text)
    assert told["verdict"] == "pass"
    assert told["paths"][0]["gap"] == 8.1
    assert told["writes"] == {"acknowledged": 320, "lost": 0, "recovered": 0, "unexpected": 0, "forked": 0}
    assert recheck(path, "--json") == (code, text)


def test_a_failed_one_and_an_open_one_end_with_1(tmp_path: Path) -> None:
    assert recheck(written(tmp_path, Story(expect={"outage": 3})))[0] == 1
    code, text = recheck(written(tmp_path, Story(ended=False, whole=None)))
    assert code == 1
    assert text.startswith("unknown power-loss")


def test_a_page_is_written(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    recheck(written(tmp_path, Story()), "--html", str(page))
    assert page.read_text().startswith("<!doctype html>")


def test_what_is_no_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        recheck(tmp_path / "nothing.jsonl")
    (tmp_path / "binary.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="it is no text"):
        recheck(tmp_path / "binary.jsonl")
