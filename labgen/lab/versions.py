"""Which version of each program a lab has, and components in another version than their operating system's."""

from __future__ import annotations

from collections.abc import Mapping

from labgen.components.registry import Component
from labgen.errors import UsageError
from labgen.wording import shortened


def in_versions(components: Mapping[str, Component], wanted: Mapping[str, str], os: str) -> Mapping[str, Component]:
    """COMPONENTS, those in WANTED (component → version) in that version; raises UsageError for one that cannot be."""
    for name, version in wanted.items():
        if fault := components[name].version_fault(version, os):
            raise UsageError(fault, where=f"--set versions.{name}={shortened(version)}", cure=_choice(components, name))
    return {
        name: component.in_version(wanted[name], os) if name in wanted else component
        for name, component in components.items()
    }


def _choice(components: Mapping[str, Component], name: str) -> str | None:
    """What can be chosen instead, where NAME cannot at all."""
    free = sorted(other for other, component in components.items() if component.manifest.other_versions)
    if name in free:
        return None
    return f"only {', '.join(free)} can be chosen" if free else "no component of this lab can be chosen"


def lab_versions(components: Mapping[str, Component], os: str) -> dict[str, str]:
    """Program → version on OS; raises UsageError for a component that is not made for it."""
    versions: dict[str, str] = {}
    for component in components.values():
        manifest = component.manifest
        if os in manifest.versions:
            versions[component.name] = manifest.versions[os]
        elif manifest.versions:
            raise UsageError(
                f"the component '{component.name}' is not made for {os}",
                cure=f"it is made for {', '.join(manifest.versions)}",
            )
        versions |= {name: artefact.version for name, artefact in manifest.artefacts.items()}
    return versions
