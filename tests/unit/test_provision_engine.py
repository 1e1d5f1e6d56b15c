"""The engine: order, parallelism, failure, interruption and going on, against scripted connections."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from labgen.errors import NodeError, StepError
from labgen.plan.model import Plan, Step, StepId
from labgen.provision import Journal, pending_steps, run_plan
from labgen.provision.engine import Limits
from labgen.redact import Redactor
from tests.fakes.connection import Answer, FakeConnection


def step(name: str, *after: str) -> Step:
    """A step by its short name: `node/component/stage`."""
    return Step(identity(name), frozenset(map(identity, after)))


def identity(name: str) -> StepId:
    node, component, stage = name.split("/")
    return StepId(node, component, stage)


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


class Recorder:
    """Notes what it is told, and in which thread."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.threads: set[int] = set()

    def _note(self, event: str, step: StepId) -> None:
        self.threads.add(threading.get_ident())
        self.events.append(f"{event} {step}")

    def started(self, step: StepId) -> None:
        self._note("started", step)

    def finished(self, step: StepId, _seconds: float) -> None:
        self._note("finished", step)

    def failed(self, step: StepId, _seconds: float) -> None:
        self._note("failed", step)

    def skipped(self, step: StepId) -> None:
        self._note("skipped", step)


class Bench:
    """A folder, a journal and one scripted connection a node."""

    def __init__(self, folder: Path) -> None:
        self.logs = folder / "logs"
        self.journal = Journal(folder / "journal")
        self.nodes: dict[str, FakeConnection] = {}
        self.recorder = Recorder()
        self.digests: dict[StepId, str] = {}

    def run(
        self, *steps: Step, answers: Mapping[str, Mapping[str, Answer]] | None = None, **options: object
    ) -> list[str]:
        plan = Plan(steps)
        self.recorder = Recorder()
        self.nodes = {step.id.node: FakeConnection((answers or {}).get(step.id.node)) for step in steps}
        digests = {step.id: self.digests.get(step.id, "d") for step in steps}
        run_plan(
            plan,
            self.nodes,
            digests,
            self.journal,
            self.logs,
            observer=self.recorder,
            lab="tour",
            **options,  # type: ignore[arg-type]
        )
        return self.recorder.events


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


CHAIN = (step("a/x/configure"), step("b/x/start", "a/x/configure"), step("a/y/start", "b/x/start"))


def test_a_step_waits_for_those_it_names(bench: Bench) -> None:
    events = bench.run(*CHAIN)
    names = [str(step.id) for step in CHAIN]
    assert events == [f"{word} {name}" for name in names for word in ("started", "finished")]
    assert bench.nodes["a"].commands == [
        "bash /opt/labgen/components/lib/run.sh x configure",
        "bash /opt/labgen/components/lib/run.sh y start",
    ]


def test_independent_steps_overlap(bench: Bench) -> None:
    # Each waits at the barrier until all three are there: one after the other, they would never get past it.
    meet = {"run.sh": Answer(meet=threading.Barrier(3))}
    bench.run(step("a/x/start"), step("b/x/start"), step("b/y/start"), answers={"a": meet, "b": meet})
    assert bench.recorder.threads == {threading.get_ident()}


def test_no_more_steps_at_once_than_workers(bench: Bench) -> None:
    now, most, lock = 0, 0, threading.Lock()

    def arrive() -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)

    class Counting(FakeConnection):
        def run(self, command: str, **options: object) -> object:  # type: ignore[override]
            nonlocal now
            arrive()
            result = super().run(command, **options)  # type: ignore[arg-type]
            with lock:
                now -= 1
            return result

    steps = tuple(step(f"a/c{number}/start") for number in range(12))
    digests = {step.id: "d" for step in steps}
    run_plan(Plan(steps), {"a": Counting()}, digests, bench.journal, bench.logs, lab="tour", limits=Limits(workers=3))  # type: ignore[dict-item]
    assert 1 <= most <= 3


class Coming:
    """Awaited nodes: each is there after so many looks; then, at the LAST look, an error."""

    def __init__(self, error: Exception | None = None, **looks: int) -> None:
        self.looks = looks
        self.error = error
        self.asked = 0

    def missing(self) -> list[str]:
        self.asked += 1
        if self.error and self.asked > max(self.looks.values()):
            raise self.error
        return [node for node, looks in self.looks.items() if self.asked <= looks]


def test_a_step_waits_for_its_node_and_holds_up_nobody_else(bench: Bench) -> None:
    steps = (step("late/x/start"), step("here/x/start"), step("here/y/start", "here/x/start"))
    events = bench.run(*steps, awaited=Coming(late=4))
    assert events.index("finished here/y/start") < events.index("started late/x/start")
    assert events[-1] == "finished late/x/start"


def test_nobody_is_awaited_when_nothing_is_to_be_done(bench: Bench) -> None:
    bench.run(*CHAIN)
    awaited = Coming(a=1000)
    bench.run(*CHAIN, awaited=awaited)
    assert awaited.asked == 0


def test_what_keeps_a_node_from_coming_ends_the_run(bench: Bench) -> None:
    """Steps under way are ended, those that are done stay done."""
    hangs = {"run.sh y": Answer(until=threading.Event())}
    steps = (step("here/x/start"), step("here/y/start", "here/x/start"), step("late/x/start"))
    with pytest.raises(NodeError, match="no such image"):
        bench.run(*steps, answers={"here": hangs}, awaited=Coming(NodeError("no such image"), late=6))
    assert bench.nodes["here"].cancelled.is_set()
    digests = {step.id: "d" for step in steps}
    assert pending_steps(Plan(steps), digests, bench.journal) == (identity("here/y/start"), identity("late/x/start"))


def test_a_failure_does_not_wait_for_nodes(bench: Bench) -> None:
    steps = (step("here/x/start"), step("late/x/start"))
    with pytest.raises(StepError, match="here/x/start failed"):
        bench.run(*steps, answers={"here": {"run.sh": Answer(rc=3)}}, awaited=Coming(late=100_000))


def test_what_is_done_is_skipped(bench: Bench) -> None:
    bench.run(*CHAIN)
    assert bench.run(*CHAIN) == [f"skipped {step.id}" for step in CHAIN]
    assert all(not node.commands for node in bench.nodes.values())


def test_a_changed_step_and_all_after_it_run_again(bench: Bench) -> None:
    other = step("c/z/start", "a/x/configure")
    bench.run(*CHAIN, other)
    bench.digests[identity("b/x/start")] = "changed"
    events = bench.run(*CHAIN, other)
    assert [event for event in events if event.startswith("skipped")] == ["skipped a/x/configure", "skipped c/z/start"]
    assert [event for event in events if event.startswith("started")] == ["started b/x/start", "started a/y/start"]


def test_an_interrupted_rerun_does_not_leave_later_steps_done(bench: Bench) -> None:
    bench.run(*CHAIN)
    bench.digests[identity("a/x/configure")] = "changed"
    with pytest.raises(StepError):
        bench.run(*CHAIN, answers={"b": {"run.sh": Answer(rc=1)}})
    # a/x/configure is done now, and b/x/start's own digest never changed: it still has to run.
    assert [event for event in bench.run(*CHAIN) if "skipped" in event] == ["skipped a/x/configure"]


def test_a_failure_shows_last_lines_log_and_cure(bench: Bench) -> None:
    said = "".join(f"line {number}\n" for number in range(40))
    with pytest.raises(StepError) as caught:
        bench.run(*CHAIN, answers={"b": {"run.sh": Answer(rc=7, stdout=said, stderr="no such user\n")}})
    error = caught.value
    assert error.what == "step b/x/start failed with exit code 7"
    assert error.where == str(bench.logs / "steps" / "b-x-start.log")
    assert error.detail[-1] == "no such user"
    assert len(error.detail) == 15
    assert error.cure is not None
    assert "labgen up tour" in error.cure
    assert "started a/y/start" not in bench.recorder.events
    log = Path(error.where or "").read_text()
    assert log.startswith("# bash /opt/labgen/components/lib/run.sh x start, started 20")
    assert "line 0\n" in log
    assert log.splitlines()[-1].startswith("# failed with exit code 7, 0.")


def test_after_a_failure_the_next_run_goes_on_there(bench: Bench) -> None:
    with pytest.raises(StepError):
        bench.run(*CHAIN, answers={"b": {"run.sh": Answer(rc=1)}})
    assert bench.run(*CHAIN)[0] == "skipped a/x/configure"
    assert all("skipped" in event for event in bench.run(*CHAIN))


def test_steps_under_way_end_before_a_failure_is_reported(bench: Bench) -> None:
    slow = threading.Event()
    threading.Timer(0.3, slow.set).start()
    with pytest.raises(StepError):
        bench.run(
            step("a/x/start"),
            step("b/x/start"),
            step("b/y/start", "b/x/start"),
            answers={"a": {"run.sh": Answer(rc=1)}, "b": {"x start": Answer(until=slow)}},
        )
    assert bench.recorder.events[-1] == "finished b/x/start"
    assert bench.journal.is_done(identity("b/x/start"), "d")


def test_a_step_that_waits_for_what_failed_is_given_up(bench: Bench) -> None:
    never = threading.Event()
    answers = {"a": {"run.sh": Answer(rc=1)}, "b": {"run.sh": Answer(until=never)}}
    with pytest.raises(StepError) as caught:
        bench.run(step("a/x/start"), step("b/y/start"), answers=answers, limits=Limits(grace=0.1))
    assert caught.value.what == "step a/x/start failed with exit code 1"
    assert bench.nodes["b"].cancelled.is_set()
    assert [event for event in bench.run(step("a/x/start"), step("b/y/start")) if "started" in event] == [
        "started a/x/start",
        "started b/y/start",
    ]


def test_several_failures_are_reported_together(bench: Bench) -> None:
    meet = threading.Barrier(2)
    with pytest.raises(StepError) as caught:
        bench.run(
            step("a/x/start"),
            step("b/x/start"),
            answers={
                "a": {"run.sh": Answer(rc=1, stderr="boom a\n", meet=meet)},
                "b": {"run.sh": Answer(meet=meet, raises=NodeError("the connection to node b was lost"))},
            },
        )
    assert caught.value.what == "2 steps failed"
    assert caught.value.detail == (
        "step a/x/start failed with exit code 1 (a-x-start.log)",
        "  boom a",
        "step b/x/start failed: the connection to node b was lost (b-x-start.log)",
    )


def test_a_node_that_cannot_be_reached_is_a_failed_step(bench: Bench) -> None:
    class Unreachable(dict[str, FakeConnection]):
        def __missing__(self, node: str) -> FakeConnection:
            raise NodeError(f"node {node} cannot be reached")

    one = step("a/x/start")
    with pytest.raises(StepError, match="step a/x/start failed: node a cannot be reached"):
        run_plan(Plan((one,)), Unreachable(), {one.id: "d"}, bench.journal, bench.logs, lab="tour")


def test_an_unexpected_error_is_not_swallowed(bench: Bench) -> None:
    def break_down() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        bench.run(step("a/x/start"), answers={"a": {"run.sh": Answer(on_start=break_down)}})


def test_ctrl_c_ends_remote_steps_and_keeps_the_journal(bench: Bench) -> None:
    never = threading.Event()
    with pytest.raises(KeyboardInterrupt):
        bench.run(
            step("a/x/start"),
            step("b/x/start", "a/x/start"),
            step("c/x/start", "b/x/start"),
            answers={"b": {"run.sh": Answer(until=never, on_start=press_ctrl_c)}},
        )
    assert bench.nodes["b"].cancelled.is_set()
    assert not bench.nodes["c"].commands
    assert bench.journal.is_done(identity("a/x/start"), "d")
    assert not bench.journal.is_done(identity("b/x/start"), "d")


def test_a_step_that_ends_well_during_ctrl_c_counts(bench: Bench) -> None:
    release = threading.Event()

    class Stubborn(FakeConnection):
        def cancel(self) -> None:
            release.set()

    one = step("a/x/start")
    node = Stubborn({"run.sh": Answer(until=release, on_start=press_ctrl_c)})
    with pytest.raises(KeyboardInterrupt):
        run_plan(Plan((one,)), {"a": node}, {one.id: "d"}, bench.journal, bench.logs, lab="tour")
    assert bench.journal.is_done(one.id, "d")


@pytest.mark.parametrize(
    "steps",
    [
        (step("a/x/start", "b/x/start"), step("b/x/start", "a/x/start")),
        (step("a/x/start", "a/x/start"),),
        (step("a/x/start", "z/x/start"),),
    ],
    ids=["cycle", "itself", "unknown"],
)
def test_a_plan_that_cannot_end_does_not_begin(bench: Bench, steps: tuple[Step, ...]) -> None:
    with pytest.raises(StepError, match="the plan cannot be run: a/x/start waits for"):
        bench.run(*steps)
    assert not bench.recorder.events


def test_secrets_do_not_reach_log_or_error(bench: Bench) -> None:
    with pytest.raises(StepError) as caught:
        bench.run(
            step("a/x/start"),
            answers={"a": {"run.sh": Answer(rc=1, stdout="password=hush12 and hush\n")}},
            hide=Redactor({"one": {"a": "hush", "b": "hush12"}}),
        )
    assert caught.value.detail == ("password=‹secret one.b› and ‹secret one.a›",)
    assert "hush" not in (bench.logs / "steps" / "a-x-start.log").read_text()


def test_pending_steps_are_known_without_a_connection(bench: Bench) -> None:
    digests = {step.id: "d" for step in CHAIN}
    bench.journal.done(CHAIN[0].id, "d")
    assert pending_steps(Plan(CHAIN), digests, bench.journal) == (CHAIN[1].id, CHAIN[2].id)


def test_two_hundred_steps_in_a_random_order_of_ends(bench: Bench) -> None:
    """Every step of a wide, deep plan runs once, never before what it waits for."""
    done: list[str] = []
    lock = threading.Lock()

    def check(name: str, after: frozenset[StepId]) -> Callable[[], None]:
        def look() -> None:
            with lock:
                assert {str(one) for one in after} <= set(done), name
                done.append(name)

        return look

    steps = []
    for number in range(200):
        before = [f"n{other % 7}/c{other}/start" for other in range(max(0, number - 9), number) if (number + other) % 3]
        steps.append(step(f"n{number % 7}/c{number}/start", *before))
    answers: dict[str, dict[str, Answer]] = {}
    for one in steps:
        answers.setdefault(one.id.node, {})[f"{one.id.component} start"] = Answer(
            on_start=check(str(one.id), one.after)
        )
    events = bench.run(*steps, answers=answers)
    assert len(done) == len(set(done)) == 200
    assert sum(event.startswith("finished") for event in events) == 200
