"""What a drill's log means: hand-made logs, each with one thing in it that a checker must see."""

from __future__ import annotations

import pytest

from labgen.drill.judge.log import parse_log
from labgen.drill.judge.measure import measure
from labgen.drill.judge.verdict import judge
from labgen.drill.report.summary import summary
from labgen.drill.report.tables import outage_of
from labgen.errors import UsageError
from tests.unit.drill_logs import LEADER, OTHER, THIRD, Story, sealed


def test_a_failover_as_it_should_be() -> None:
    verdict = judge(Story(expect={"failover": True, "outage": 9}).log())
    assert verdict.status == "pass", verdict.reasons
    (libpq,) = verdict.measures.paths
    assert libpq.outage == pytest.approx(8.1, abs=0.02)  # the last yes at 9.91, the next one at 18.01
    assert libpq.outage_from == pytest.approx(9.91)
    assert libpq.outage_before == pytest.approx(0.1, abs=0.01)
    assert libpq.new_timeline == pytest.approx(8.01)
    assert libpq.recovered_before_heal
    assert not libpq.open
    assert (libpq.unknown, libpq.fail) == (1, 12)
    measures = verdict.measures
    assert measures.key == pytest.approx(7.0)
    assert measures.promoted == pytest.approx(7.5)
    assert measures.fully_replicated == pytest.approx(26.0)
    assert measures.replica_rejoin == pytest.approx(5.0)
    assert (measures.lost, measures.recovered, measures.unexpected) == ((), (), ())
    assert (measures.timeline, measures.later_timeline) == (1, 2)
    assert measures.overlaps == ()


def test_a_lost_write() -> None:
    story = Story()
    gone = story.kept()[99]
    story.rows = [row for row in story.kept() if row != gone]
    verdict = judge(story.log())
    assert verdict.status == "fail"
    assert verdict.measures.lost == (gone,)
    assert f"1 acknowledged write lost: {gone}" in verdict.failures


def test_lost_writes_that_were_announced() -> None:
    story = Story(expect={"lost": 2})
    story.rows = story.kept()[2:]
    assert judge(story.log()).status == "pass"
    story.rows = story.kept()[3:]
    verdict = judge(story.log())
    assert verdict.status == "fail"
    assert verdict.failures[0].startswith("3 acknowledged writes lost, 2 may be: ")


def test_two_leaders() -> None:
    story = Story()
    story.seen(LEADER, 19.0, 21.0)
    verdict = judge(story.log())
    assert verdict.status == "fail"
    (overlap,) = verdict.measures.overlaps
    assert (overlap.first, overlap.second) == (LEADER, OTHER)
    assert overlap.seconds == pytest.approx(2.0, abs=0.01)
    assert "two leaders at once: node1 and node2 for 2.0 s" in verdict.failures


def test_two_leaders_for_as_long_as_expected() -> None:
    story = Story(expect={"two_leaders": 3})
    story.seen(LEADER, 19.0, 21.0)
    assert judge(story.log()).status == "pass"


def test_two_leaders_within_the_error_of_the_clocks_are_none() -> None:
    story = Story(clocks={LEADER: 0.3, OTHER: 0.3})
    story.seen(LEADER, 17.5, 18.0)
    assert judge(story.log()).status == "pass"


def test_a_leader_seen_once_more_is_no_span() -> None:
    story = Story()
    story.seen(LEADER, 19.0, 19.0)
    story.seen(LEADER, 25.0, 25.0)
    assert judge(story.log()).measures.overlaps == ()


def test_a_write_acknowledged_on_the_old_timeline_is_proof_of_a_fork() -> None:
    story = Story()
    forked = story.attempt("libpq", 20.03, 20.04, server=LEADER, timeline=1)
    verdict = judge(story.log())
    assert verdict.status == "fail"
    assert verdict.measures.forked == (forked["id"],)


def test_a_write_that_was_under_way_while_the_timeline_changed_is_no_fork() -> None:
    story = Story()
    story.attempt("libpq", 17.9, 18.2, server=LEADER, timeline=1)
    assert judge(story.log()).measures.forked == ()


def test_a_longer_outage_than_expected() -> None:
    verdict = judge(Story(expect={"outage": 8}).log())
    assert verdict.status == "fail"
    assert verdict.failures == ("libpq: 8.1 s without an acknowledged write, expected at most 8 s",)


def test_a_path_has_a_limit_of_its_own() -> None:
    story = Story(expect={"outage": 8, "paths": {"haproxy": 9}}, paths=("libpq", "haproxy"))
    assert judge(story.log()).failures == ("libpq: 8.1 s without an acknowledged write, expected at most 8 s",)


def test_a_hole_at_the_end_is_a_path_that_never_came_back() -> None:
    story = Story(paths=("libpq", "haproxy"), expect={"outage": 100})
    for entry in story.attempts:
        if entry["path"] == "haproxy" and entry["t_start"] > 10:
            entry["result"] = "fail"
    verdict = judge(story.log())
    assert verdict.status == "fail"
    assert any(
        reason.startswith("haproxy: nothing was acknowledged any more from 9.9 s on") for reason in verdict.failures
    )


def test_what_was_healed_before_its_time_proves_no_absence() -> None:
    """Ctrl-C: nobody knows whether another one would have taken over, and the path come back."""
    story = Story(expect={"failover": True}, early=True, ended=False, whole=None)
    story.attempts = [entry for entry in story.attempts if entry["t_start"] < 13]
    story.entries = []
    story.seen(LEADER, 0, 9.9)
    verdict = judge(story.log())
    assert verdict.failures == ()
    assert verdict.status == "unknown"
    story.early, story.ended = False, True
    assert "nobody took over" in judge(story.log()).failures


def test_a_log_without_healing_does_not_say_how_a_gap_ended() -> None:
    story = Story(ended=False, whole=None)
    lines = [line for line in story.text().splitlines(keepends=True) if '"heal"' not in line]
    log = parse_log(lines, "drill.jsonl")
    verdict = judge(log)
    assert verdict.measures.paths[0].recovered_before_heal is None
    (path,) = summary(log, verdict, "drill.jsonl").paths
    assert outage_of(path) == "8.1 s"


def test_a_hole_in_the_load_itself_is_a_doubt_and_no_outage() -> None:
    story = Story(expect={"outage": 9})
    story.attempts = [entry for entry in story.attempts if not 21 < entry["t_start"] < 25]
    verdict = judge(story.log())
    assert verdict.status == "unknown"
    assert verdict.doubts == (
        "libpq: the load itself stood still for 4.0 s, from 21.0 s on",
        "libpq: its attempts are not all there, one after the other",
    )


def test_an_unknown_commit_that_is_there_is_recovered_and_not_unexpected() -> None:
    story = Story()
    unknown = next(entry["id"] for entry in story.attempts if entry["result"] == "unknown")
    story.rows = [*story.kept(), unknown]
    verdict = judge(story.log())
    assert verdict.status == "pass"
    assert verdict.measures.recovered == (unknown,)
    assert verdict.measures.unexpected == ()


@pytest.mark.parametrize("row", ["libpq-99999", "refused"])
def test_a_row_that_nobody_wrote_or_that_was_refused(row: str) -> None:
    story = Story()
    refused = next(entry["id"] for entry in story.attempts if entry["result"] == "fail")
    row = refused if row == "refused" else row
    story.rows = [*story.kept(), row]
    verdict = judge(story.log())
    assert verdict.status == "fail"
    assert verdict.measures.unexpected == (row,)


def test_an_unfinished_log_leaves_the_verdict_open() -> None:
    verdict = judge(Story(ended=False, whole=None).log())
    assert verdict.status == "unknown"
    assert verdict.doubts == (
        "the log is unfinished: the drill was cut off",
        "nobody counted the rows, so nothing is known of lost writes",
        "the cluster was not seen whole again",
    )


def test_a_log_that_was_cut_off_in_the_outage_proves_nothing() -> None:
    story = Story(expect={"failover": True, "outage": 3}, ended=False, whole=None)
    lines = [line for line in story.lines() if line["event"] in ("begin", "fault") or line.get("t_start", 99) < 14]
    verdict = judge(parse_log(sealed(lines).splitlines(keepends=True), "drill.jsonl"))
    assert verdict.status == "unknown"
    assert verdict.failures == ()


def test_a_proven_fault_outweighs_an_unfinished_log() -> None:
    story = Story(ended=False)
    story.seen(LEADER, 19.0, 21.0)
    assert judge(story.log()).status == "fail"


def test_without_a_fault_there_is_nothing_to_judge() -> None:
    verdict = judge(Story(faults=False).log())
    assert verdict.status == "unknown"
    assert "no fault was injected" in verdict.doubts


def test_nobody_took_over() -> None:
    story = Story(expect={"failover": True})
    for entry in story.attempts:
        entry["timeline"] = 1
    story.entries = [entry for entry in story.entries if entry["node"] == LEADER and entry["t"] < 10]
    assert "nobody took over" in judge(story.log()).failures


def test_somebody_took_over_only_when_all_was_healed() -> None:
    story = Story(expect={"failover": True, "held": []})
    story.attempts = [entry for entry in story.attempts if not 12 < entry["t_start"] < 32]
    story.entries = [entry for entry in story.entries if not 12 < entry["t"] < 32]
    assert "nobody took over before healing, only 22.0 s after the fault" in judge(story.log()).failures


def test_a_failover_that_should_not_have_been() -> None:
    assert "another node took over" in judge(Story(expect={"failover": False}).log()).failures[0]


def test_a_dcs_without_majority() -> None:
    """Of two members one is gone: the leader steps down, nobody follows it, and healed it is promoted anew."""
    story = Story(expect={"failover": False, "outage": 5}, paths=())
    story.entries = [seen for seen in story.entries if seen["by"] == "dcs"]
    for seen in story.entries:
        seen["leader"] = LEADER if seen["t"] < 15 or seen["t"] > 33 else ""
    for node in OTHER, THIRD:
        story.seen(node, 0, 40, leads=False)
    for node in LEADER, OTHER, THIRD:
        story.seen(node, 0, 40, by="rest", leads=None)
    story.writes("libpq", 0, 16, server=LEADER, timeline=1)
    story.writes("libpq", 16, 33, result="fail", step=0.5, error="25006 cannot execute INSERT")
    story.writes("libpq", 33, 40, server=LEADER, timeline=2)
    story.seen(LEADER, 0, 15.9)
    story.seen(LEADER, 33, 40, timeline=2)
    story.paths = ("libpq",)
    verdict = judge(story.log())
    assert verdict.status == "fail"
    assert verdict.failures == (
        "libpq: 17.1 s without an acknowledged write, expected at most 5 s",
        "libpq: no write was acknowledged any more when healing began",
    )
    assert verdict.measures.took_over is None
    assert verdict.measures.paths[0].new_timeline == pytest.approx(23.01)
    # Who expects no more than that comes out as expected.
    story.expect = {"held": []}
    assert judge(story.log()).status == "pass"


def test_a_path_that_came_back_only_by_healing() -> None:
    story = Story(paths=("libpq", "haproxy"))
    for entry in story.attempts:
        if entry["path"] == "haproxy" and 10 < entry["t_start"] < 31:
            entry["result"] = "fail"
    assert judge(story.log()).failures == ("haproxy: no write was acknowledged any more when healing began",)
    story.expect = {"held": ["libpq"]}
    assert judge(story.log()).status == "pass"


def test_where_no_path_is_to_hold_one_has_to_go_away() -> None:
    story = Story(paths=("libpq", "haproxy"), expect={"held": []})
    assert judge(story.log()).failures == (
        "every path that writes went on (libpq, haproxy), and at least one was to go away",
    )
    for entry in story.attempts:
        if entry["path"] == "haproxy" and 10 < entry["t_start"] < 31:
            entry["result"] = "fail"
    assert judge(story.log()).status == "pass"


def test_a_path_that_went_away_only_some_time_after_the_fault() -> None:
    """As when a DCS is lost: the leader goes on until its retries are over."""
    story = Story(paths=("libpq", "haproxy"))
    for entry in story.attempts:
        if entry["path"] == "haproxy" and 22 < entry["t_start"] < 31:
            entry["result"] = "fail"
    verdict = judge(story.log())
    assert not verdict.measures.paths[1].recovered_before_heal
    assert verdict.status == "fail"


def test_ids_that_were_used_twice_are_a_doubt() -> None:
    story = Story()
    story.attempts[5]["id"] = story.attempts[6]["id"]
    story.rows = [entry["id"] for entry in story.attempts if entry["result"] == "ok"]
    assert judge(story.log()).status == "unknown"


def test_a_torn_last_line_is_left_out() -> None:
    text = Story().text()
    log = parse_log(text[: text.rindex('"end"') + 3].splitlines(keepends=True), "drill.jsonl")
    assert log.torn
    assert not log.ended


@pytest.mark.parametrize(
    "line",
    [
        "no json\n",
        '{"event":"write","id":1}\n',
        '{"event":"party"}\n',
        '{"event":"write","id":"a","path":"p","t_start":2,"t_end":1,"result":"ok"}\n',
        '{"event":"write","id":"a","path":"p","t_start":1,"t_end":2,"result":"maybe"}\n',
        "[]\n",
    ],
)
def test_a_line_that_is_none_is_named(line: str) -> None:
    lines = Story().text().splitlines(keepends=True)
    with pytest.raises(UsageError) as caught:
        parse_log([*lines[:3], line, *lines[3:]], "drill.jsonl")
    assert caught.value.where == "drill.jsonl:4"


def test_measuring_is_repeatable() -> None:
    assert measure(Story().log()) == measure(Story().log())
