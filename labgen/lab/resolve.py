"""Blueprint + profile + overrides → Lab: every parameter of every component on every node gets its value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network

from jinja2 import TemplateError

from labgen.blueprint.addresses import address_problem
from labgen.blueprint.loader import LoadedBlueprint
from labgen.blueprint.model import Blueprint
from labgen.blueprint.rebase import addresses_in, inside, move, rebase
from labgen.components.registry import MANIFEST, Component
from labgen.documents import Loc, path_text, shown
from labgen.errors import DocumentError, UnknownNameError, UsageError
from labgen.lab.boxes import box_warnings
from labgen.lab.choices import explained
from labgen.lab.expressions import Expressions, reason
from labgen.lab.layers import Layers
from labgen.lab.model import Lab, LabNetwork, LabWarning, Node, PlacedFile, on_nodes
from labgen.lab.versions import in_versions, lab_versions
from labgen.overrides.assignment import leaves
from labgen.overrides.document import OverridesFile
from labgen.overrides.model import Tree, UserFile, UserStep
from labgen.overrides.parse import parse_overrides
from labgen.overrides.result import Overrides
from labgen.overrides.user_defined import FILES, PACKAGES, files_component, packages_component, step_component


def resolve(
    loaded: LoadedBlueprint,
    *,
    provider: str,
    profile: str | None = None,
    name: str | None = None,
    overrides: Sequence[str] = (),
    files: Sequence[OverridesFile] = (),
    emulated: bool = False,
    network: str | None = None,
) -> Lab:
    """The lab that LOADED makes; raises UnknownNameError, UsageError, or DocumentError where a rule does not hold.

    overrides: `--set` words, which go over FILES. network: the lab's range where it is not the blueprint's own;
    `--set network.cidr` goes over it.
    """
    wanted = parse_overrides(overrides, loaded.blueprint, loaded.components, files)
    own = IPv4Network(loaded.blueprint.network.cidr)
    actual = IPv4Network(wanted.network or network or own)
    asked = wanted.origins.get(("network", "cidr"))
    blueprint = rebase(loaded.blueprint, loaded.components, actual, asked)
    _move_overridden_addresses(wanted, loaded, own, actual)
    if actual != own:
        _refuse_addresses_in_config(wanted, own, actual)
    profile_name = profile or blueprint.default_profile
    if profile_name not in blueprint.profiles:
        raise UnknownNameError("profile", profile_name, blueprint.profiles, where=str(loaded.path))
    chosen = blueprint.profiles[profile_name]
    lab_network = LabNetwork(str(actual), actual.prefixlen, str(own) if own != actual else None)
    recipe = _Recipe(
        name or blueprint.name,
        loaded,
        blueprint,
        profile_name,
        provider,
        emulated,
        lab_network,
        wanted,
        tuple(overrides),
    )
    os, versions = wanted.os or chosen.os, {**chosen.versions, **wanted.versions}
    try:
        lab = recipe.lab(os, versions)
    except UsageError as error:
        raise (explained(error, os, versions, recipe.lab) if versions else error) from None
    _check_overridden_addresses(lab, wanted, actual)
    return lab


@dataclass(frozen=True)
class _Recipe:
    """What a lab is made from, but for its operating system and the versions that are asked for."""

    name: str
    loaded: LoadedBlueprint
    blueprint: Blueprint
    profile: str
    provider: str
    emulated: bool
    network: LabNetwork
    wanted: Overrides
    overrides: tuple[str, ...]

    def lab(self, os: str, versions: Mapping[str, str]) -> Lab:
        """The lab on OS with VERSIONS (component → version); raises UsageError."""
        loaded, wanted, chosen = self.loaded, self.wanted, self.blueprint.profiles[self.profile]
        # The profile's box holds the profile's own operating system.
        box = wanted.box or (chosen.box.get(self.provider) if os == chosen.os else None)
        layers = Layers(loaded, self.blueprint.settings, self.profile, chosen, self.emulated, wanted)
        components, packages = in_versions(loaded.components, versions, os, wanted.origins)
        own_components, carried = _own(wanted, {**packages, **wanted.packages})
        lab = Lab(
            name=self.name,
            blueprint=self.blueprint,
            profile=self.profile,
            provider=self.provider,
            os=os,
            box=box,
            network=self.network,
            nodes=tuple(carried(layers.node(spec)) for spec in self.blueprint.nodes),
            components={**components, **own_components},
            versions=lab_versions(components, os, versions),
            overrides=self.overrides,
            packages={**packages, **wanted.packages},
            files=tuple(
                PlacedFile(given.about, given.text)
                for given in wanted.files.values()
                if isinstance(given.about, UserFile)
            ),
            contained=wanted.secrets,
            origins=wanted.origins,
        )
        boxes = box_warnings(loaded, self.profile, [self.provider] if box and not wanted.box else [])
        return replace(lab, weaknesses=(*_check_rules(lab, loaded, wanted), *boxes))


def _own(wanted: Overrides, packages: Mapping[str, str]) -> tuple[dict[str, Component], Callable[[Node], Node]]:
    """The components that stand for the user's packages, files and steps; and a node with those that it gets."""
    first = {PACKAGES: packages_component(packages)} if packages else {}
    files = [given.about.nodes for given in wanted.files.values()]
    last = {FILES: files_component()} if files else {}
    steps = {}
    for given in wanted.steps.values():
        assert isinstance(given.about, UserStep)  # noqa: S101 - that is what is in there
        made = step_component(given.about, given.text)
        steps[made.name] = (made, given.about.nodes)

    def carried(node: Node) -> Node:
        more = [FILES] if any(not nodes or node.name in nodes for nodes in files) else []
        for name, (made, nodes) in steps.items():
            named = made.hook.component if made.hook else ""
            if (not nodes or node.name in nodes) and (not named or named in node.components):
                more.append(name)
        names = (*first, *node.components, *more)
        return replace(node, components=names, settings={**{name: {} for name in names}, **node.settings})

    return {**first, **last, **{name: made for name, (made, _) in steps.items()}}, carried


def _move_overridden_addresses(
    wanted: Overrides, loaded: LoadedBlueprint, own: IPv4Network, actual: IPv4Network
) -> None:
    """Addresses given as the blueprint's network has them go along: nobody knows beforehand that a lab is moved."""
    for settings in (wanted.everywhere, *wanted.by_node.values()):
        for component, values in settings.items():
            parameters = loaded.components[component].manifest.parameters
            for name, value in values.items():
                if parameters[name].type == "address" and inside(value, own) and not inside(value, actual):
                    values[name] = move(value, own, actual)


def _refuse_addresses_in_config(wanted: Overrides, own: IPv4Network, actual: IPv4Network) -> None:
    """An address in a configuration file cannot be told from other text, so it does not go along."""
    trees: list[tuple[tuple[str, ...], dict[str, Tree]]] = [(("config",), wanted.config)]
    trees += [(("nodes", node, "config"), by) for node, by in wanted.config_by_node.items()]
    for begin, by_component in trees:
        for path, value in leaves(by_component):
            for address in addresses_in(value, own):
                raise UsageError(
                    f"the lab is in {actual}, and {'.'.join((*begin, *path))} holds {address} of the blueprint's {own}",
                    where=wanted.origins.get((*begin, *path)),
                    cure=f"write the address as it is in {actual}: {move(address, own, actual)}",
                )


def _check_overridden_addresses(lab: Lab, wanted: Overrides, network: IPv4Network) -> None:
    taken = {node.address: node.name for node in lab.nodes}
    everywhere: tuple[tuple[str, ...], dict[str, dict[str, object]]] = ((), wanted.everywhere)
    for prefix, settings in [everywhere, *((("nodes", node), by) for node, by in wanted.by_node.items())]:
        for component, values in settings.items():
            parameters = lab.components[component].manifest.parameters
            for name, value in values.items():
                if parameters[name].type != "address":
                    continue
                problem = address_problem(value, network)
                if not problem and value in taken:
                    problem = f"{value} is the address of {taken[value]}"
                if problem:
                    raise UsageError(problem, where=wanted.origins[(*prefix, component, name)])


def _check_rules(lab: Lab, loaded: LoadedBlueprint, wanted: Overrides) -> tuple[LabWarning, ...]:
    """Every manifest's rules, where they apply; a message is given once for each place.

    Returns what the rules of level `warning` say.
    """
    broken: dict[tuple[Loc, str, str], list[str]] = {}
    weak: dict[tuple[Loc, str, str], list[str]] = {}
    changed = {*wanted.everywhere, *wanted.versions, *(name for by in wanted.by_node.values() for name in by)}
    blame_words = False
    expressions = Expressions(lab)
    for node in lab.nodes:
        for name in node.components:
            for rule in lab.components[name].manifest.rules:
                if rule.scope == "lab" and node is not lab.nodes_with(name)[0]:
                    continue
                try:
                    if expressions.holds(rule.holds, node, name):
                        continue
                    text = expressions.text(rule.message, node, name)
                except TemplateError as error:
                    raise UsageError(
                        f"the rule '{rule.holds}' of {name} cannot be worked out on {node.name}: {reason(error)}",
                        where=shown(lab.components[name].folder / MANIFEST),
                    ) from None
                of_lab = rule.scope == "lab"
                place = _place(loaded, lab.profile, node.name, None if of_lab else name)
                nodes = (weak if rule.level == "warning" else broken).setdefault((place, name, text), [])
                nodes += [] if of_lab else [node.name]
                blame_words |= rule.level == "error" and name in changed
    if blame_words:
        lines = [f"{name}: {text}{on_nodes(nodes)}" for (_, name, text), nodes in broken.items()]
        raise UsageError("values break a rule", where=" ".join(dict.fromkeys(wanted.origins.values())), detail=lines)
    if broken:
        problems = [
            loaded.source.problem(place, f"{'' if name in place else f'{name}: '}{text}{on_nodes(nodes)}")
            for (place, name, text), nodes in broken.items()
        ]
        raise DocumentError(loaded.source.sort(problems))
    return tuple(
        LabWarning(name, text, tuple(nodes), loaded.source.place(place), path_text(place))
        for (place, name, text), nodes in weak.items()
    )


def _place(loaded: LoadedBlueprint, profile: str, node: str, component: str | None) -> Loc:
    """Where the blueprint says something about COMPONENT on a node: the settings that count most, else the node."""
    index = loaded.node_index.get(node)
    at: Loc = ("nodes",) if index is None else ("nodes", index)
    if component is None:
        return at
    places: list[Loc] = [
        (*at, "settings", component),
        ("profiles", profile, "settings", component),
        ("settings", component),
        ("profiles", profile, "versions", component),
    ]
    return next((place for place in places if place in loaded.source.places), at)
