"""What a user adds to a lab, as components: packages, files, and steps. Plan, images and nodes know nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from labgen.components.manifest import Manifest
from labgen.components.registry import Component, Hook, load_component
from labgen.overrides.model import UserStep
from labgen.resources import resource

EXTRA = "extra"
"""The folder below scripts/ of the components that no blueprint names."""
PACKAGES, FILES, STEP = "extra-packages", "extra-files", "step"
LIST = "packages"
"""The file beside extra-packages' install script."""
NOWHERE = Path("/nonexistent")
"""The folder of a component that is made of texts only."""


def packages_component(packages: Mapping[str, str]) -> Component:
    """A component that installs PACKAGES (name → version, or nothing)."""
    lines = [f"{name}={version}" if version else name for name, version in sorted(packages.items())]
    component = load_component(resource("scripts") / EXTRA / PACKAGES)
    return replace(component, texts={LIST: "".join(f"{line}\n" for line in lines)})


def files_component() -> Component:
    """A component that puts a node's own files in place."""
    return load_component(resource("scripts") / EXTRA / FILES)


def step_component(step: UserStep, text: str) -> Component:
    """A component whose one stage is a user's script."""
    component, _, stage = str(step.before or step.after).rpartition("/")
    manifest = Manifest(name=f"{STEP}-{step.name}", summary=f"a step of the user's: {step.name}")
    hook = Hook(stage, component, before=step.before is not None)
    return Component(NOWHERE, manifest, texts={f"{stage}.sh": text}, hook=hook)
