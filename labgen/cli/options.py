"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from labgen.actions.session.open import LabRequest, OpenLab


def complete_labs(incomplete: str) -> list[str]:
    """Names of labs that exist, for the shell."""
    from labgen.state import all_labs

    return [lab.name for lab in all_labs() if lab.name.startswith(incomplete)]


def complete_blueprints(incomplete: str) -> list[str]:
    """Names of blueprints and of labs that exist, for the shell."""
    from labgen.blueprint.files import blueprint_files

    names = {*blueprint_files(), *complete_labs("")}
    return sorted(name for name in names if name.startswith(incomplete))


def complete_nodes(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of the nodes of the lab that stands before, and words for who they are now, for the shell."""
    from labgen.actions.session.open import existing_lab
    from labgen.errors import LabgenError
    from labgen.faults.targets import TARGETS

    try:
        lab = existing_lab(str(ctx.params.get("lab"))).lab
    except LabgenError:
        return []
    names = [*(node.name for node in lab.nodes), *TARGETS]
    return [name for name in names if name.startswith(incomplete)]


def complete_providers(incomplete: str) -> list[str]:
    """Names of providers, for the shell."""
    from labgen.providers import provider_names

    return [name for name in provider_names() if name.startswith(incomplete)]


def complete_profiles(ctx: typer.Context, incomplete: str) -> list[str]:
    """Profiles of the lab or blueprint that stands before, for the shell."""
    from labgen.errors import LabgenError

    try:
        profiles = _opened(ctx).lab.blueprint.profiles
    except LabgenError:
        return []
    return [name for name in profiles if name.startswith(incomplete)]


def complete_stages(ctx: typer.Context, incomplete: str) -> list[str]:
    """Where the lab or blueprint that stands before can be stopped, for the shell."""
    from labgen.errors import LabgenError
    from labgen.plan import build_plan
    from labgen.plan.until import until_words

    try:
        words = until_words(build_plan(_opened(ctx).lab))
    except LabgenError:
        return []
    return [word for word in words if word.startswith(incomplete)]


def complete_values(ctx: typer.Context, incomplete: str) -> list[str]:
    """What `--set` can change in the lab or blueprint that stands before, for the shell."""
    from labgen.errors import LabgenError
    from labgen.overrides.assignment import MACHINE_VALUES

    try:
        lab = _opened(ctx).lab
    except LabgenError:
        return []
    paths = ["os", "network.cidr", *(f"nodes.{node.name}.{what}" for node in lab.nodes for what in MACHINE_VALUES)]
    for name, component in lab.components.items():
        paths += [f"{name}.{parameter}" for parameter in component.manifest.parameters]
        paths += [f"versions.{name}"] if component.manifest.choosable(lab.os) else []
    return [f"{path}=" for path in sorted(paths) if path.startswith(incomplete)]


def _opened(ctx: typer.Context) -> OpenLab:
    from labgen.actions.session.open import LabRequest, lab_of

    # An option that still lacks its value ends the parsing, and leaves the words before it unnamed.
    words = [ctx.params.get("lab"), *ctx.args]
    return lab_of(LabRequest(next(filter(None, words), ""), provider=ctx.params.get("provider")))


Blueprint = Annotated[
    str,
    typer.Argument(
        metavar="LAB",
        help="A blueprint's name, a path to a blueprint, or an existing lab.",
        autocompletion=complete_blueprints,
        show_default=False,
    ),
]
Lab = Annotated[
    str, typer.Argument(metavar="LAB", help="An existing lab.", autocompletion=complete_labs, show_default=False)
]
Node = Annotated[
    str,
    typer.Argument(
        metavar="NODE",
        help="One of its nodes, or who it is now: leader, replica, vip-holder …",
        autocompletion=complete_nodes,
        show_default=False,
    ),
]
Provider = Annotated[
    str | None,
    typer.Option(
        envvar="LABGEN_PROVIDER",
        help="docker, libvirt or virtualbox. [default: libvirt where KVM is usable, else docker]",
        autocompletion=complete_providers,
        show_default=False,
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(
        envvar="LABGEN_PROFILE",
        help="An edition of the lab that the blueprint offers: modern, next, published. [default: the blueprint's]",
        autocompletion=complete_profiles,
        show_default=False,
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        envvar="LABGEN_SET",
        metavar="PATH=VALUE",
        help="Change a value: patroni.ttl=60, os=debian-12, nodes.NODE.memory=512, network.cidr=10.77.5.0/24. "
        "May be repeated.",
        autocompletion=complete_values,
        show_default=False,
    ),
]
Unset = Annotated[
    list[str] | None,
    typer.Option(
        "--unset",
        metavar="PATH",
        help="Take back what an earlier --set of this lab said at PATH, and below it. May be repeated.",
        show_default=False,
    ),
]
OverridesFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "-f",
        "--overrides",
        envvar="LABGEN_OVERRIDES",
        metavar="FILE",
        help="An overrides document: values, configuration, packages, files and steps of your own "
        "(docs/overrides.md). May be repeated; --set goes over it.",
        exists=True,
        dir_okay=False,
        show_default=False,
    ),
]
Name = Annotated[
    str | None,
    typer.Option(envvar="LABGEN_NAME", help="The lab's name. [default: the blueprint's]", show_default=False),
]
Components = Annotated[
    list[Path] | None,
    typer.Option(
        "--components",
        envvar="LABGEN_COMPONENTS",
        metavar="DIR",
        help="A folder with component folders of your own. May be repeated.",
        exists=True,
        file_okay=False,
        show_default=False,
    ),
]
NoBake = Annotated[
    bool,
    typer.Option("--no-bake", help="Boot plain Debian and run the install steps in the guests.", show_default=False),
]
LockFile = Annotated[
    Path | None,
    typer.Option(
        "--lock",
        metavar="FILE",
        help="Install just the packages and artefacts that this lock file names (labgen fetch writes one).",
        dir_okay=False,
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.", show_default=False)]


def request_of(
    lab: str,
    provider: str | None = None,
    profile: str | None = None,
    name: str | None = None,
    set_: list[str] | None = None,
    components: list[Path] | None = None,
    no_bake: bool = False,
    lock: Path | None = None,
    files: list[Path] | None = None,
    unset: list[str] | None = None,
) -> LabRequest:
    """What these options ask for."""
    from labgen.actions.session.open import LabRequest

    return LabRequest(
        lab=lab,
        name=name,
        provider=provider,
        profile=profile,
        overrides=tuple(set_ or ()),
        files=tuple(files or ()),
        components=tuple(components or ()),
        baked=False if no_bake else None,
        lock=lock,
        unset=tuple(unset or ()),
    )
