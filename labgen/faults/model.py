"""What a fault is: what it would do to a node, with the undo, and what becomes of a leader that it strikes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import get_args

from labgen.cluster.state import ClusterState
from labgen.components.manifest import DcsRole, FailoverManagerRole, ProxyRole, VipRole
from labgen.errors import OperationError, UnknownNameError, UsageError, meant
from labgen.faults.targets import TARGETS
from labgen.lab.model import Lab, Node
from labgen.providers import Capability, get_provider

UnitRole = DcsRole | ProxyRole | VipRole | FailoverManagerRole
"""The roles of components that a systemd unit runs."""


class Effect(StrEnum):
    """What becomes of a leader that a fault strikes; predictions and waiting go by it."""

    LEASE_EXPIRES = "lease_expires"
    """It falls silent: its lease has to end."""
    LEASE_RENEWED_ONCE = "lease_renewed_once"
    """It hears nothing more, and renews its lease once again before that ends."""
    DCS_ISOLATED = "dcs_isolated"
    """Its lease has to end, while it still takes writes for a time."""
    PATRONI_GONE = "patroni_gone"
    """Its lease has to end, while it takes writes for ever."""
    CLEAN_HANDOVER = "clean_handover"
    """It gives its key back."""
    RESTART = "restart"
    """PostgreSQL starts again in place."""
    DCS_QUORUM_LOST = "dcs_quorum_lost"
    """The DCS loses its majority."""
    NONE = "none"
    """It goes on."""
    SYNC_UNCONFIRMED = "sync_unconfirmed"
    """It waits for synchronous standbys that have all fallen silent: what several faults on those come to."""


FAILS_OVER = frozenset(
    {
        Effect.LEASE_EXPIRES,
        Effect.LEASE_RENEWED_ONCE,
        Effect.DCS_ISOLATED,
        Effect.PATRONI_GONE,
        Effect.CLEAN_HANDOVER,
    }
)
"""Effects on a leader after which another one takes over."""
FALLS_SILENT = frozenset({Effect.LEASE_EXPIRES, Effect.LEASE_RENEWED_ONCE})
"""Effects after which nothing comes from a node any more."""
OF_A_FAULT = tuple(effect for effect in Effect if effect is not Effect.SYNC_UNCONFIRMED)


@dataclass(frozen=True)
class Injection:
    """A command and what undoes it; None: nothing does, or nothing has to.

    node: where both are run as root; None: on this host, as words. dead_man: whether a timer there is to undo it too.
    provider: whose tool is run on this host, by which it is known when there is nothing left to undo.
    """

    node: str | None
    command: str | tuple[str, ...]
    undo: str | tuple[str, ...] | None
    dead_man: bool = False
    provider: str | None = None


@dataclass(frozen=True)
class Choice:
    """A number that one may choose, with its unit."""

    default: float
    least: float
    most: float
    about: str


Plan = Callable[[ClusterState, Node, Mapping[str, float]], tuple[Injection, ...]]


@dataclass(frozen=True)
class Fault:
    """A way to break something. TARGET is its usual one, one of `labgen.faults.targets`.

    effect: what becomes of a leader that it strikes. needs: what the lab's
    machines have to have for it; a provider that does not say that they have is refused. role: what a
    component on the target has to be for it, run by a unit; component: what the target has to carry, any of these.
    takes_down: whether clients on the node would feel it too, for its machine or its network is struck.
    Raises ValueError if effect or target is none.
    """

    name: str
    title: str
    target: str
    effect: Effect
    plan: Plan
    needs: frozenset[Capability] = frozenset()
    role: type[UnitRole] | None = None
    component: tuple[str, ...] = ()
    takes_down: bool = False
    choices: Mapping[str, Choice] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known: tuple[tuple[str, str, Collection[str]], ...] = (
            ("effect", self.effect, OF_A_FAULT),
            ("target", self.target, TARGETS),
        )
        for key, value, words in known:
            if value not in words:
                raise ValueError(f"the fault {self.name} has the {key} '{value}'; {meant(value, words)}")
        object.__setattr__(self, "effect", Effect(self.effect))

    def refuse(self, cluster: ClusterState, nodes: tuple[str, ...]) -> None:
        """Raise OperationError if this cannot be done to NODES."""
        lab = cluster.lab
        if reason := self.not_with(lab.provider):
            raise OperationError(
                f"the fault {self.name} cannot be injected with the provider {lab.provider}: {reason}",
                where=lab.name,
                cure=f"labgen drill list {lab.name} shows what can",
            )
        for name in nodes:
            if reason := self.not_on(lab, lab.node(name)):
                raise OperationError(f"the fault {self.name} {reason}", where=lab.name, cure="name another target")

    def not_with(self, provider: str) -> str | None:
        """Why this cannot be done to the machines of PROVIDER, as a clause; None if it can."""
        capabilities = get_provider(provider).capabilities
        return next((lacking.without for lacking in sorted(self.needs - capabilities)), None)

    def not_on(self, lab: Lab, node: Node) -> str | None:
        """Why this cannot be done to NODE of LAB, as the end of a sentence; None if it can."""
        wanted = self.component
        if self.role is not None:
            if any(units_on(lab, node, self.role)):
                return None
            wanted = tuple(dict.fromkeys(name for one in lab.nodes for name, _ in units_on(lab, one, self.role)))
            words = " or ".join(get_args(self.role.model_fields["role"].annotation))
            wanted = wanted or (f"the unit of a {words}",)
        elif not wanted or set(wanted) & set(node.components):
            return None
        return f"is about {' or '.join(wanted)}, and {node.name} carries none"

    def chosen(self, values: Mapping[str, float]) -> dict[str, float]:
        """VALUES completed by the defaults; raises UsageError for one that is unknown or out of range."""
        for name, value in values.items():
            if name not in self.choices:
                raise UnknownNameError(f"value of the fault {self.name}", name, self.choices)
            about = self.choices[name]
            if not about.least <= value <= about.most:
                raise UsageError(
                    f"{name} is {value:g}, and has to be from {about.least:g} to {about.most:g} ({about.about})",
                    where=f"fault {self.name}",
                )
        return {name: float(values.get(name, about.default)) for name, about in self.choices.items()}


def units_on(lab: Lab, node: Node, role: type[UnitRole]) -> Iterator[tuple[str, str]]:
    """Each component with ROLE on NODE that a unit runs, and the unit."""
    for component, provided in lab.roles_on(node, role):
        if provided.unit is not None:
            yield component, provided.unit
