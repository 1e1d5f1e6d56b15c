"""One drill from the gate to the last count: load on, faults, waiting, healing, load off, rows counted, log closed."""

from __future__ import annotations

import secrets as random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labgen.blueprint.drills import Drill
from labgen.checks import run_checks
from labgen.checks.builtin.postgresql import application, local_sql
from labgen.cluster import probes as look
from labgen.cluster.nodes import Nodes, run
from labgen.cluster.state import ClusterState, find_targets
from labgen.drill.judge.log import LogFile
from labgen.drill.judge.predict import Route, predict
from labgen.drill.run.streams import CONNECT_TIMEOUT, DEADLINE, OBSERVE_EVERY, Load, LoadPath, Observers, Seen
from labgen.errors import LabgenError, OperationError
from labgen.faults.catalogue import FAILS_OVER, Fault, Injection, find_fault
from labgen.faults.injector import FaultInjector, heal
from labgen.faults.undo import FILE, Undos
from labgen.lab.model import Lab
from labgen.operations import Patroni, leader_of

INTERVAL = 0.05
"""Seconds between two attempts on a path, if the first is answered by then."""
CALM = 3.0
"""Seconds of load before the fault."""
TAIL = 3.0
"""Seconds of load after all is whole again."""
GATE = 5.0
SETTLE = 20.0
"""Seconds for checks that do not pass yet, before the drill and after healing."""
WHOLE_WITHIN = 180.0
PATIENCE = 40.0
"""Seconds beyond what is predicted or expected after which nothing more is waited for before healing."""
PAUSE = 0.25
TABLE = "labgen_drill_"
DROP_OLD_TABLES = (
    "do $$ declare old text; begin for old in "  # noqa: S608 - the name is the line above
    f"select format('%I.%I', schemaname, tablename) from pg_tables where tablename ~ '^{TABLE}[0-9a-f]{{8}}$' "
    "loop execute 'drop table ' || old; end loop; end $$"
)


@dataclass(frozen=True)
class PlannedFault:
    """A fault, the nodes it strikes and what is done to each, worked out beforehand. AFTER: seconds to wait first."""

    fault: Fault
    targets: tuple[str, ...]
    injections: tuple[tuple[str, Injection], ...]
    after: float

    @property
    def title(self) -> str:
        who = self.targets[0] if len(self.targets) == 1 else f"each of {', '.join(self.targets)}"
        return f"{who} {self.fault.title}"


@dataclass
class DrillContext:
    """What a drill plays on. GENTLY: its machines are emulated, and bear little at a time."""

    lab: Lab
    secrets: Mapping[str, Mapping[str, str]]
    nodes: Nodes
    folder: Path
    progress: Callable[[str], None]
    sequential: bool = False


def plan_faults(drill: Drill, cluster: ClusterState) -> tuple[PlannedFault, ...]:
    """What DRILL will do to WORLD; raises LabgenError if any of it cannot be, before anything is done."""
    operations = []
    for step in drill.faults:
        fault = find_fault(step.fault)
        targets = find_targets(step.target or fault.target, cluster)
        fault.refuse(cluster, targets)
        values = fault.chosen(step.values)
        injections = tuple(
            (name, injection) for name in targets for injection in fault.plan(cluster, cluster.lab.node(name), values)
        )
        operations.append(PlannedFault(fault, targets, injections, step.after))
    return tuple(operations)


def strongest(operations: Sequence[PlannedFault], cluster: ClusterState) -> tuple[str, str]:
    """The effect by which OPERATIONS keep clients waiting (`predict` has them), and the node from which it comes."""
    on_leader = [one.fault.effect for one in operations if cluster.leader in one.targets]
    if on_leader:
        return on_leader[-1], cluster.leader
    silent = {name for one in operations if one.fault.effect in ("silent", "deaf") for name in one.targets}
    if cluster.synchronous and silent.issuperset(cluster.synchronous):
        return "unconfirmed", cluster.synchronous[0]
    return "none", cluster.leader


class DrillRunner:
    """Plays one drill on one lab. Whatever becomes of it, what it did is undone, or stays written down to be undone."""

    def __init__(self, stage: DrillContext, drill: Drill) -> None:
        self._stage, self._drill = stage, drill
        self._lab, self._nodes, self._say = stage.lab, stage.nodes, stage.progress
        self._patroni = Patroni(stage.lab, stage.nodes, 5)
        self._seen = Seen()

    def play(self) -> Path:
        """The whole drill; returns the file of its log."""
        lab, stage = self._lab, self._stage
        self._say("is the lab healthy?")
        look.gate(lab, stage.secrets, self._nodes, GATE, sequential=stage.sequential)
        cluster = look.cluster_state_of(lab, self._nodes, self._patroni)
        config = self._patroni.config()
        operations = plan_faults(self._drill, cluster)
        targets = {name for operation in operations for name in operation.targets}
        struck = {name for operation in operations if operation.fault.takes_down for name in operation.targets}
        client = look.choose_client(lab, self._nodes, struck, targets, cluster)
        paths = look.load_paths(lab, client)
        began = datetime.now(UTC)
        key = f"{began:%Y%m%d-%H%M%S}-{random.token_hex(2)}"
        log = LogFile(stage.folder / "drills" / f"{self._drill.name}-{key}.jsonl")
        zero = time.monotonic()
        table = f"{TABLE}{random.token_hex(4)}"
        load = Load(self._nodes, client, log, self._seen, zero)
        observers = Observers(self._nodes, lab, log, self._seen, zero)
        undos = Undos(stage.folder / FILE, key, f"drill {self._drill.name}")
        self._make_table(cluster.leader, table)
        try:
            clock = load.measure_clock()
            log.add("begin", **self._about(cluster, config, operations, client, paths, began))
            log.add("clock", node=client, error=round(clock, 4))
            observers.start()
            load.start(paths, table, application(lab, stage.secrets).password, INTERVAL)
            self._wait_for_calm(load, paths)
            self._break(load, operations, paths, cluster.leader, self._limit(config), undos, log, zero)
            whole = self._wait_until_whole(log, zero)
            if whole:
                self._wait_for_tail(load, paths)
            load.stop()
            observers.stop()
            log.add("clock", node=client, error=round(load.measure_drift(), 4))
            self._check(log)
            if whole:
                self._count(table, log)
                log.add("end", t=round(time.monotonic() - zero, 4))
        finally:
            load.stop()
            observers.stop()
            self._drop_table(table)
            log.close()
        return log.path

    # --- before -------------------------------------------------------------------------------------------------------

    def _about(
        self,
        cluster: ClusterState,
        config: Mapping[str, Any],
        operations: Sequence[PlannedFault],
        client: str,
        paths: Sequence[LoadPath],
        began: datetime,
    ) -> dict[str, Any]:
        lab = self._lab
        effect, struck = strongest(operations, cluster)
        quorum = any(operation.fault.effect == "dcs" for operation in operations)
        own = struck in cluster.dcs
        spans = {
            path.name: None
            if quorum or path.reads
            else predict(effect, Route(path.through), lab, config, dcs_leader=own)
            for path in paths
        }
        timers = ("ttl", "loop_wait", "retry_timeout", "synchronous_mode", "maximum_lag_on_failover")
        return {
            "format": 1,
            "lab": lab.name,
            "blueprint": lab.blueprint.name,
            "profile": lab.profile,
            "provider": lab.provider,
            "versions": dict(lab.versions),
            "started": began.isoformat(timespec="seconds"),
            "drill": self._drill.model_dump(mode="json"),
            "operations": [operation.title for operation in operations],
            "timers": {name: config.get(name) for name in timers},
            "leader": cluster.leader,
            "timeline": cluster.timeline,
            "members": [node.name for node in lab.nodes_with("patroni")],
            "vip": cluster.vip_holder,
            "client": client,
            "interval": INTERVAL,
            "deadline": DEADLINE,
            "connect_timeout": CONNECT_TIMEOUT,
            "observe": OBSERVE_EVERY,
            "paths": [
                {
                    "name": path.name,
                    "summary": path.summary,
                    "reads": path.reads,
                    "predicted": None if (span := spans[path.name]) is None else asdict(span),
                }
                for path in paths
            ],
        }

    def _wait_for_calm(self, load: Load, paths: Sequence[LoadPath]) -> None:
        """Until every path has answered for CALM seconds; raises OperationError if one does not."""
        self._say("load through " + ", ".join(path.name for path in paths))
        began = time.monotonic()
        first: dict[str, float] = {}
        while True:
            for path in paths:
                if path.name in self._seen.ok:
                    first.setdefault(path.name, time.monotonic())
            if len(first) == len(paths) and time.monotonic() - max(first.values()) >= CALM:
                return
            self._keep_loaded(load)
            if time.monotonic() - began > 30:
                silent = [path.name for path in paths if path.name not in first]
                raise OperationError(
                    "without any fault there are paths through which nothing is acknowledged: " + ", ".join(silent),
                    where=self._lab.name,
                    cure=f"labgen verify {self._lab.name} -v shows what is wrong",
                )
            time.sleep(PAUSE)

    # --- the fault ----------------------------------------------------------------------------------------------------

    def _limit(self, config: Mapping[str, Any]) -> float:
        """Seconds after which even a drill in which nothing comes back is healed."""
        expect = self._drill.expect
        # Where nobody is to take over, no lease is waited for, unless the timers are to say for how long.
        patient = expect.failover is not False or expect.outage == "timers"
        lease = 2.0 * float(config.get("ttl", 30)) if patient else 0.0
        outage = expect.outage if isinstance(expect.outage, float) else 0.0
        wanted = max([lease, outage, *expect.paths.values()])
        return wanted + self._drill.hold + PATIENCE

    def _break(
        self,
        load: Load,
        operations: Sequence[PlannedFault],
        paths: Sequence[LoadPath],
        leader: str,
        limit: float,
        undos: Undos,
        log: LogFile,
        zero: float,
    ) -> None:
        """The faults, what comes of them, and in any case the healing: too early, if anything goes wrong."""
        early = True
        try:
            self._strike(operations, undos, log, zero, limit)
            self._wait_for_service(load, operations, paths, leader, limit)
            early = False
        finally:
            self._heal(undos, log, zero, early=early)

    def _strike(
        self, operations: Sequence[PlannedFault], undos: Undos, log: LogFile, zero: float, limit: float
    ) -> None:
        injector = FaultInjector(
            self._nodes, undos, dead_man=limit + sum(operation.after for operation in operations) + 60
        )
        for operation in operations:
            time.sleep(operation.after)
            self._say(operation.title)
            # A machine may be reached over the network that is cut: the first injection is what takes effect.
            start = time.monotonic() - zero
            for name, injection in operation.injections:
                injector.do(injection, operation.fault.title, name)
            self._mark(log, "fault", operation.fault.name, operation.title, operation.targets, start, zero)

    def _wait_for_service(
        self, load: Load, operations: Sequence[PlannedFault], paths: Sequence[LoadPath], leader: str, limit: float
    ) -> None:
        """Until all paths that should come back have, and HOLD is over; LIMIT seconds at most.

        Where another one is to take over from LEADER, a path is back when it works a second after that.
        """
        expect, began, seen = self._drill.expect, time.monotonic(), self._seen
        names = [path.name for path in paths if expect.held is None or path.name in expect.held]
        # Without an expectation a failover is waited for where the fault usually makes one.
        usual = any(one.fault.effect in FAILS_OVER and leader in one.targets for one in operations)
        failover = usual if expect.failover is None else expect.failover
        at_least = max(self._drill.hold, 3.0)
        mark = dict(seen.ok)
        while (gone := time.monotonic() - began) < limit:
            self._keep_loaded(load)
            changed = seen.key not in (None, leader)
            since = {
                name: max(mark.get(name, 0.0) + at_least, seen.key_since + 1.0 if failover else 0.0) for name in names
            }
            back = all(seen.ok.get(name, 0.0) > since[name] for name in names)
            if gone >= at_least and back and (changed or not failover or not names):
                # What has come back should stay: a second more shows it.
                time.sleep(1.0)
                return
            self._say(f"{operations[-1].title}: {gone:.0f} s, " + self._standing(names))
            time.sleep(PAUSE)

    def _standing(self, names: Sequence[str]) -> str:
        leader = self._seen.key or "nobody known"
        return f"the DCS names {leader}; waiting for {', '.join(names) or 'the time to pass'}"

    # --- after --------------------------------------------------------------------------------------------------------

    def _heal(self, undos: Undos, log: LogFile, zero: float, *, early: bool) -> None:
        start = time.monotonic() - zero
        titles = undos.titles
        targets = list(dict.fromkeys(undo.machine or str(undo.node) for undo in undos.entries))
        failed = heal(self._nodes, undos, self._say)
        self._mark(log, "heal", "heal", "; ".join(titles) or "nothing to heal", targets, start, zero, early=early)
        if failed:
            raise OperationError(
                "not everything could be healed",
                where=self._lab.name,
                detail=[why.what for why in failed],
                cure=f"labgen drill heal {self._lab.name} tries again",
            )

    def _wait_until_whole(self, log: LogFile, zero: float) -> bool:
        self._say("until all members stream again")
        members = [node.name for node in self._lab.nodes_with("patroni")]
        end = time.monotonic() + WHOLE_WITHIN
        while time.monotonic() < end:
            if look.is_whole(self._patroni, members):
                log.add("whole", t=round(time.monotonic() - zero, 4))
                return True
            time.sleep(PAUSE)
        return False

    def _wait_for_tail(self, load: Load, paths: Sequence[LoadPath]) -> None:
        """A little more load, and longer while a path has not come back."""
        mark, began = dict(self._seen.ok), time.monotonic()
        while (gone := time.monotonic() - began) < 60:
            self._keep_loaded(load)
            back = all(self._seen.ok.get(path.name, 0.0) > mark.get(path.name, 0.0) for path in paths)
            if gone >= TAIL and back:
                return
            self._say("a little more load, with everything healed")
            time.sleep(PAUSE)

    def _check(self, log: LogFile) -> None:
        self._say("is the lab healthy again?")
        stage = self._stage
        report = run_checks(self._lab, stage.secrets, self._nodes, settle=SETTLE, sequential=stage.sequential)
        for result in report.results:
            log.add("check", name=result.name, status=result.status.value, detail=result.detail)

    def _count(self, table: str, log: LogFile) -> None:
        leader = leader_of(self._patroni.view(), self._lab.name).name
        ids = self._sql(leader, f"select id from {table} order by id").split()  # noqa: S608 - the name is made here
        for at in range(0, max(len(ids), 1), 1000):
            log.add("rows", ids=ids[at : at + 1000])

    # --- small things -------------------------------------------------------------------------------------------------

    def _keep_loaded(self, load: Load) -> None:
        load.check()
        if self._seen.ended is not None:
            raise OperationError(f"the load has ended before its time: {self._seen.ended}", where=self._lab.name)

    def _mark(
        self,
        log: LogFile,
        event: str,
        name: str,
        title: str,
        targets: Sequence[str],
        start: float,
        zero: float,
        **more: bool,
    ) -> None:
        end = round(time.monotonic() - zero, 4)
        log.add(event, t_start=round(start, 4), t_end=end, name=name, title=title, targets=list(targets), **more)

    def _make_table(self, leader: str, table: str) -> None:
        owner = application(self._lab, self._stage.secrets).user
        # One drill runs at a time: a table that is there is of one whose labgen was killed.
        self._sql(leader, DROP_OLD_TABLES)
        self._sql(leader, f"create table {table} (id text primary key); alter table {table} owner to {owner}")

    def _drop_table(self, table: str) -> None:
        try:
            leader = leader_of(self._patroni.view(), self._lab.name).name
            self._sql(leader, f"drop table if exists {table}")
        except LabgenError as why:
            self._say(f"the table {table} could not be dropped: {why.what}")

    def _sql(self, node: str, statement: str) -> str:
        database = application(self._lab, self._stage.secrets).database
        return run(self._nodes[node], node, local_sql(statement, database), timeout=60)
