"""Where the seconds of a run went: the longest chain of steps, and the stopwatch in front of a Reporter."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labgen.actions.lab.timings import Stopwatch
from labgen.checks import CheckResult
from labgen.plan.model import Plan, Step, StepId
from labgen.provision.timings import Ran, longest_chain


def identity(name: str) -> StepId:
    node, component, stage = name.split("/")
    return StepId(node, component, stage)


def plan_of(**after: str) -> Plan:
    """Steps `KEY/c/start`, each with the keys of those that it waits for."""
    return Plan(
        tuple(
            Step(identity(f"{key}/c/start"), frozenset(identity(f"{other}/c/start") for other in others.split()))
            for key, others in after.items()
        )
    )


def ran(key: str, began: float, ended: float) -> Ran:
    return Ran(identity(f"{key}/c/start"), began, ended)


def names(plan: Plan, *steps: Ran) -> list[tuple[str, str | None]]:
    chain = longest_chain(plan, steps)
    return [(link.ran.step.node, link.after.step.node if link.after else None) for link in chain]


def test_nothing_ran() -> None:
    assert longest_chain(plan_of(a="", b="a"), []) == ()


def test_the_chain_leads_through_what_was_done_last_not_what_took_longest() -> None:
    plan = plan_of(quick="", slow="", late="quick", end="slow late")
    steps = ran("quick", 0, 1), ran("slow", 0, 5), ran("late", 1, 6), ran("end", 6, 7)
    assert names(plan, *steps) == [("quick", None), ("late", "quick"), ("end", "late")]


def test_it_ends_with_the_step_that_was_done_last_even_if_others_come_after_it_in_the_plan() -> None:
    plan = plan_of(a="", b="a", alone="")
    assert names(plan, ran("a", 0, 1), ran("b", 1, 2), ran("alone", 0, 9)) == [("alone", None)]


def test_a_step_of_an_earlier_run_held_nobody_up() -> None:
    plan = plan_of(a="", b="a", c="b")
    assert names(plan, ran("b", 0, 1), ran("c", 1, 3)) == [("b", None), ("c", "b")]
    # Nor is the chain followed through one that did not run.
    assert names(plan, ran("a", 0, 1), ran("c", 1, 3)) == [("c", None)]


def test_of_two_that_were_done_at_once_it_is_always_the_same() -> None:
    plan = plan_of(a="", b="", c="a b")
    steps = [ran("a", 0, 1), ran("b", 0, 1), ran("c", 1, 2)]
    assert names(plan, *steps) == names(plan, *reversed(steps)) == [("b", None), ("c", "b")]


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Told:
    """A Reporter that notes what it is told."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def phase(self, title: str, name: str) -> None:
        assert name == title.lower()
        self.words.append(f"phase {title}")

    def note(self, text: str) -> None:
        self.words.append(f"note {text}")

    def progress(self, text: str) -> None:
        self.words.append(f"progress {text}")

    def steps(self, total: int) -> None:
        self.words.append(f"steps {total}")

    def started(self, step: StepId) -> None:
        self.words.append(f"started {step}")

    def finished(self, step: StepId, seconds: float) -> None:
        self.words.append(f"finished {step} {seconds}")

    def failed(self, step: StepId, seconds: float) -> None:
        self.words.append(f"failed {step} {seconds}")

    def skipped(self, step: StepId) -> None:
        self.words.append(f"skipped {step}")

    def checked(self, result: CheckResult) -> None:
        self.words.append(f"checked {result.name}")


@pytest.fixture
def clock() -> Clock:
    return Clock()


def measured(clock: Clock, told: Told) -> Stopwatch:
    """A run of 10 s: 1 before the first phase, 3 to boot, 6 for two steps and one that fails."""
    watch = Stopwatch(told, clock)
    clock.now += 1
    watch.phase("Boot", "boot")
    watch.progress("…")
    clock.now += 3
    watch.phase("Provision", "provision")
    watch.steps(3)
    watch.skipped(identity("z/c/start"))
    watch.started(identity("a/c/start"))
    clock.now += 2
    watch.finished(identity("a/c/start"), 1.5)
    watch.started(identity("b/c/start"))
    watch.started(identity("x/c/start"))
    watch.note("halfway")
    clock.now += 4
    watch.failed(identity("x/c/start"), 4.0)
    watch.finished(identity("b/c/start"), 4.0)
    return watch


def test_the_stopwatch_measures_phases_and_steps_from_its_beginning(clock: Clock) -> None:
    timings = measured(clock, Told()).timings(plan_of(a="", b="a", x="a"))
    assert timings.seconds == 10
    assert timings.before == 1
    assert [(p.title, p.began, p.seconds) for p in timings.phases] == [("Boot", 1, 3), ("Provision", 4, 6)]
    assert timings.before + sum(phase.seconds for phase in timings.phases) == timings.seconds
    assert timings.share(6) == 0.6
    # A step that failed has no end that anybody could have waited for.
    assert timings.steps == (ran("a", 4, 6), ran("b", 6, 10))
    assert [link.ran.step.node for link in timings.chain] == ["a", "b"]


def test_everything_is_passed_on(clock: Clock) -> None:
    told = Told()
    measured(clock, told)
    assert told.words == [
        "phase Boot",
        "progress …",
        "phase Provision",
        "steps 3",
        "skipped z/c/start",
        "started a/c/start",
        "finished a/c/start 1.5",
        "started b/c/start",
        "started x/c/start",
        "note halfway",
        "failed x/c/start 4.0",
        "finished b/c/start 4.0",
    ]


def test_what_is_kept_says_the_same(clock: Clock, tmp_path: Path) -> None:
    timings = measured(clock, Told()).timings(plan_of(a="", b="a", x="a"))
    file = timings.save(tmp_path / "logs")
    kept = json.loads(file.read_text())
    assert file == tmp_path / "logs" / "timings.json"
    assert kept["phases"][1] == {"title": "Provision", "start": 4.0, "seconds": 6.0, "share": 0.6}
    assert kept["chain"] == [
        {"step": "a/c/start", "start": 4.0, "seconds": 2.0, "end": 6.0, "after": None},
        {"step": "b/c/start", "start": 6.0, "seconds": 4.0, "end": 10.0, "after": "a/c/start"},
    ]
    assert [step["step"] for step in kept["steps"]] == ["a/c/start", "b/c/start"]


def test_a_run_with_nothing_to_do_has_phases_only(clock: Clock) -> None:
    watch = Stopwatch(Told(), clock)
    clock.now += 0.5
    watch.phase("Preflight", "preflight")
    clock.now += 0.5
    timings = watch.timings(plan_of(a=""))
    assert timings.chain == timings.steps == ()
    assert timings.share(0.5) == 0.5
