"""Which version of each program a lab has, and components in another version than their operating system's."""

from __future__ import annotations

from collections.abc import Mapping

from labgen.components.registry import Component
from labgen.components.versions import program_version
from labgen.errors import UsageError
from labgen.wording import shortened


def in_versions(
    components: Mapping[str, Component], wanted: Mapping[str, str], os: str, origins: Mapping[tuple[str, ...], str]
) -> tuple[Mapping[str, Component], dict[str, str]]:
    """COMPONENTS, those in WANTED (component → version) in that version; and Debian package → version, where it is one
    of Debian's own. Raises UsageError for one that cannot be, naming where it was asked for by ORIGINS.
    """
    packages: dict[str, str] = {}
    for name, version in wanted.items():
        if problem := components[name].version_problem(version, os):
            where = origins.get(("versions", name), f"--set versions.{name}={shortened(version)}")
            raise UsageError(problem, where=where, cure=_choice(components, name, os))
        packages |= components[name].pins(version, os)
    chosen = {
        name: component.in_version(wanted[name], os) if name in wanted else component
        for name, component in components.items()
    }
    return chosen, packages


def _choice(components: Mapping[str, Component], name: str, os: str) -> str | None:
    """What can be chosen instead, where NAME cannot at all."""
    free = sorted(other for other, component in components.items() if component.manifest.choosable(os))
    if name in free:
        return None
    manifest = components[name].manifest
    if manifest.packages and os in manifest.versions:
        return f"another of Debian's packages is chosen by its whole version, like {manifest.versions[os]}-1"
    return f"only {', '.join(free)} can be chosen" if free else "no component of this lab can be chosen"


def lab_versions(components: Mapping[str, Component], os: str, wanted: Mapping[str, str]) -> dict[str, str]:
    """Program → version on OS; raises UsageError for a component that is not made for it.

    wanted: component → version that was asked for; where it is that of a Debian package, the program's follows from it.
    """
    versions: dict[str, str] = {}
    for component in components.values():
        manifest = component.manifest
        if os in manifest.versions:
            own = manifest.versions[os]
            versions[component.name] = own
            if component.pins(asked := wanted.get(component.name, ""), os):
                # PostgreSQL 15.10 is 15 here: what counts is what the rules and paths know it by.
                program = program_version(asked)
                versions[component.name] = own if f"{program}.".startswith(f"{own}.") else program
        elif manifest.versions:
            raise UsageError(
                f"the component '{component.name}' is not made for {os}",
                where=component.folder / "component.yml",
                cure=f"it is made for {', '.join(manifest.versions)}",
            )
        versions |= {name: artefact.version for name, artefact in manifest.artefacts.items()}
    return versions
