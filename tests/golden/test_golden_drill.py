"""A drill's figures as they are shown, and every no to a drill that cannot be, to the letter."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.cluster.state import ClusterState
from labgen.drill.judge.log import parse_log
from labgen.drill.judge.measure import measure
from labgen.drill.judge.verdict import judge
from labgen.drill.report.describe import drill_rows
from labgen.drill.report.drawing import COLOURS, WRITABLE, timeline
from labgen.drill.report.page import page
from labgen.drill.report.summary import DrillSummary, series, summary
from labgen.drill.report.tables import cluster_lines, path_table, series_table, verdict_lines
from labgen.drill.run.choose import choose_drill
from labgen.drill.run.clients import rank_clients
from labgen.drill.run.plan import plan_faults
from labgen.errors import LabgenError
from labgen.lab.model import Lab
from labgen.lab.resolve import resolve
from tests.unit.drill_logs import LEADER, Story

HERE = Path(__file__).parent / "drill"
LAB = resolve(load_blueprint(find_blueprint("etcd-haproxy")), provider="docker")
WORLD = ClusterState(LAB, "postgres01", 1, ("postgres02", "postgres03"))
ALL = ("postgres01", "postgres02", "postgres03")


def story(**about: object) -> Story:
    return Story(paths=("libpq", "haproxy"), expect={"failover": True, "outage": 9}, **about)  # type: ignore[arg-type]


def spoilt() -> Story:
    bad = story(ended=True)
    bad.seen(LEADER, 19.0, 21.0)
    bad.rows = bad.kept()[7:]
    bad.expect = {"failover": True, "outage": 5}
    return bad


def told(one: Story) -> DrillSummary:
    log = one.log()
    return summary(log, judge(log), "drills/power-loss.jsonl")


def rendered(*things: object) -> str:
    console = Console(file=io.StringIO(), width=160, color_system=None, highlight=False, soft_wrap=True)
    for thing in things:
        console.print(thing)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def test_figures_for_programs(golden: Callable[[Path, str], None]) -> None:
    """The keys of `--json`, which are those of format 1 whatever the code calls them."""
    runs = [told(one) for one in (story(), spoilt(), story(ended=False, whole=None))]
    text = {"runs": [run.to_json() for run in runs], "series": [row.to_json() for row in series(runs)]}
    golden(HERE / "figures.json", json.dumps(text, indent=1, ensure_ascii=False) + "\n")


def test_figures_in_the_terminal(golden: Callable[[Path, str], None]) -> None:
    text = ""
    for one in (story(), spoilt(), story(ended=False, whole=None)):
        run = told(one)
        text += rendered(*verdict_lines(run), path_table(run), *cluster_lines(run), "")
    text += rendered(series_table(series([told(story()), told(spoilt()), told(story(ended=False, whole=None))])))
    golden(HERE / "figures.txt", text)


@pytest.mark.parametrize("case", ["passed", "failed"])
def test_the_page(case: str, golden: Callable[[Path, str], None]) -> None:
    log = (story() if case == "passed" else spoilt()).log()
    text = page(log, judge(log))
    golden(HERE / f"{case}.html", text)
    assert "http://" not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "https://" not in text
    assert "<script" not in text
    drawing = ElementTree.fromstring(timeline(log, measure(log)))  # noqa: S314 - it was made here
    width = float(drawing.attrib["viewBox"].split()[2])
    bars = [element for element in drawing.iter() if element.tag.endswith("rect")]
    assert {bar.attrib["fill"] for bar in bars} >= {*COLOURS.values(), WRITABLE}
    assert all(0 <= float(bar.attrib["x"]) <= width for bar in bars)
    assert all(float(bar.attrib["x"]) + float(bar.attrib["width"]) <= width + 1 for bar in bars)


def test_words_of_a_log_do_not_become_markup() -> None:
    one = story()
    one.attempts[-1].update(result="fail", error="<script>alert(1)</script>")
    log = one.log()
    assert "<script" not in page(log, judge(log))


def test_drills_of_the_blueprints(golden: Callable[[Path, str], None]) -> None:
    text = ""
    for name in (
        "consul-pgbouncer",
        "etcd-haproxy",
        "etcd-haproxy-keepalived",
        "etcd-patroni-ops",
        "liman-etcd-haproxy",
    ):
        text += f"# {name}\n"
        for row in drill_rows(load_blueprint(find_blueprint(name)).blueprint.drills):
            text += f"{row['name']}: {', then '.join(row['faults'])}\n    {row['expected']}\n"
    golden(HERE / "drills.txt", text)


def play(word: str, *changes: str, lab: Lab = LAB) -> Callable[[], object]:
    return lambda: plan_faults(choose_drill(lab, word, changes), WORLD)


REFUSED: dict[str, Callable[[], object]] = {
    "an unknown drill": play("power-los"),
    "a drill file that is not there": play("mine.yml"),
    "an unknown fault": play("power-loss", "fault=powerloss"),
    "an unknown target": play("power-loss", "target=leeder"),
    "a target that matches nothing": play("power-loss", "target=vip-holder"),
    "a fault about something else": play("patroni-stop", "target=haproxy"),
    "a fault that containers cannot have": play("clock-step"),
    "a full disk in a container": play("disk-full"),
    "a value out of range": play("freeze", "hold=1000"),
    "a value that is no number": play("freeze", "hold=soon"),
    "an outage that is no number": play("freeze", "expect.outage=quick"),
    "a drill without a fault": play("freeze", "faults=[]"),
    "a path that is not there": play("freeze", "expect.held=[haprox]"),
    "a change without a value": play("freeze", "hold"),
    "a change of something that is not there": play("freeze", "expext.outage=3"),
    "a change of a fault that is not there": play("freeze", "faults.1.target=replica"),
    "a change that is no YAML": play("freeze", "hold=[1"),
    "nowhere to run clients": lambda: rank_clients(LAB, ALL, ALL, ALL, WORLD),
    "a log that is none": lambda: parse_log(["hello\n", "there\n"], "drill.jsonl"),
    "an empty log": lambda: parse_log([], "drill.jsonl"),
}


def test_titles_follow_what_is_changed() -> None:
    assert choose_drill(LAB, "freeze").title == "The leader is frozen as a whole"
    assert choose_drill(LAB, "freeze", ["target=etcd"]).title == "etcd is frozen as a whole"
    assert choose_drill(LAB, "power-loss", ["target=replica"]).title == "The replica loses power"
    assert choose_drill(LAB, "power-loss", ["target=replica", "title=Mine"]).title == "Mine"
    own = choose_drill(LAB, "replication-cut").title
    assert choose_drill(LAB, "replication-cut", ["faults.1.after=5"]).title == own


def test_drills_that_cannot_be(golden: Callable[[Path, str], None], readable: Callable[[str], None]) -> None:
    text = ""
    for case, work in REFUSED.items():
        with pytest.raises(LabgenError) as caught:
            work()
        text += f"# {case}\n" + "".join(f"{line}\n" for line in caught.value.lines()) + "\n"
    golden(HERE / "refused.txt", text)
    readable(text)


def test_a_drill_file_with_faults(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    golden: Callable[[Path, str], None],
    readable: Callable[[str], None],
) -> None:
    monkeypatch.chdir(tmp_path)
    text = ""
    for faulty in (
        "name: mine\ntitle: Mine\nfaults: [{fault: freez}]\nexpect: {held: [haprox]}\n",
        "name: Mine\nfaults: []\nhold: long\nexpects: {lost: 1}\n",
    ):
        Path("mine.yml").write_text(faulty)
        with pytest.raises(LabgenError) as caught:
            choose_drill(LAB, "mine.yml")
        text += "".join(f"{line}\n" for line in caught.value.lines()) + "\n"
    golden(HERE / "file.txt", text)
    readable(text)


@pytest.mark.skipif(not shutil.which("chromium"), reason="no headless browser here")
@pytest.mark.parametrize("size", ["1280,800", "1920,1080"])
@pytest.mark.parametrize("case", ["passed", "failed"])
def test_the_page_in_a_browser(case: str, size: str, tmp_path: Path) -> None:
    """Laid out with no name resolved, every bar has an extent, nothing sticks out, the drawing needs no scrolling."""
    probe = (
        "<script>addEventListener('load', () => {"
        "const widths = [...document.querySelectorAll('rect')].map(bar => bar.getBoundingClientRect().width);"
        "const fits = document.documentElement.scrollWidth <= innerWidth;"
        "const seen = document.querySelector('svg').getBoundingClientRect().bottom <= innerHeight;"
        "document.title = [widths.length, Math.min(...widths) > 0, fits, seen].join(' ') })</script>"
    )
    log = (story() if case == "passed" else spoilt()).log()
    (tmp_path / "page.html").write_text(page(log, judge(log)).replace("</head>", f"{probe}</head>"))
    words = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    words += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    words += [f"--window-size={size}", "--dump-dom", f"--user-data-dir={tmp_path / 'profile'}"]
    words += ["--host-resolver-rules=MAP * ~NOTFOUND", f"file://{tmp_path}/page.html"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    bars = timeline(log, measure(log)).count("<rect")
    assert f"<title>{bars} true true true</title>" in done.stdout, done.stderr
