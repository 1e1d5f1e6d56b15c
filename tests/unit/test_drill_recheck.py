"""`labgen drill recheck`: a log in, a verdict out, and the exit code that goes with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from labgen.cli.main import app
from labgen.errors import UsageError
from tests.unit.drill_logs import LEADER, Story


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


def lose_one(story: Story) -> None:
    story.rows = story.kept()[1:]


def two_leaders(story: Story) -> None:
    story.seen(LEADER, 19.0, 21.0)


def fork(story: Story) -> None:
    story.attempt("libpq", 20.03, 20.04, server=LEADER, timeline=1)


def never_back(story: Story) -> None:
    for entry in story.attempts:
        if entry["t_start"] > 10:
            entry["result"] = "fail"


def stand_still(story: Story) -> None:
    story.attempts = [entry for entry in story.attempts if not 21 < entry["t_start"] < 25]


def recover(story: Story) -> None:
    story.rows = [entry["id"] for entry in story.attempts if entry["result"] in ("ok", "unknown")]


def appear(story: Story) -> None:
    story.rows = [*story.kept(), *(entry["id"] for entry in story.attempts if entry["result"] == "fail")]


@pytest.mark.parametrize(
    ("spoil", "verdict", "reason"),
    [
        (lose_one, "fail", "1 acknowledged write lost: libpq-1"),
        (two_leaders, "fail", "two leaders at once: node1 and node2 for 2.0 s"),
        (fork, "fail", "1 write acknowledged on the old timeline after others were on the new"),
        (never_back, "fail", "libpq: nothing was acknowledged any more from 9.9 s on"),
        (appear, "fail", "12 rows that nobody was to have written"),
        (stand_still, "unknown", "libpq: the load itself stood still for 4.0 s"),
        (recover, "pass", ""),
    ],
)
def test_one_thing_in_a_log_decides(spoil: Callable[[Story], None], verdict: str, reason: str, tmp_path: Path) -> None:
    story = Story(expect={"failover": True})
    spoil(story)
    code, text = recheck(written(tmp_path, story))
    assert code == (0 if verdict == "pass" else 1)
    assert text.startswith(f"{verdict} power-loss")
    assert reason in text


@pytest.mark.parametrize("kept", [0.4, 0.7, 0.999])
def test_a_log_that_ends_too_soon_is_open(kept: float, tmp_path: Path) -> None:
    """labgen was killed, perhaps within a line."""
    path = written(tmp_path, Story(expect={"failover": True, "outage": 9}))
    text = path.read_text()
    path.write_text(text[: int(len(text) * kept)])
    code, told = recheck(path)
    assert code == 1
    assert told.startswith("unknown power-loss")
    assert "the log is unfinished: the drill was cut off" in told


def test_a_page_is_written(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    recheck(written(tmp_path, Story()), "--html", str(page))
    assert page.read_text().startswith("<!doctype html>")


def test_a_page_that_cannot_be_written_is_refused_beforehand(tmp_path: Path) -> None:
    log = written(tmp_path, Story())
    with pytest.raises(UsageError, match="it is a folder") as caught:
        recheck(log, "--html", str(tmp_path))
    assert caught.value.where == "--html"
    with pytest.raises(UsageError, match=r"no folder .*nowhere"):
        recheck(log, "--html", str(tmp_path / "nowhere" / "page.html"))


def test_what_is_no_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        recheck(tmp_path / "nothing.jsonl")
    (tmp_path / "binary.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="it is no text"):
        recheck(tmp_path / "binary.jsonl")
