"""`doctor`: what this machine has of what labgen needs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from labgen.actions.plugins import PluginReport
from labgen.artefacts.wheels import PipFailed, pip_command
from labgen.errors import LabgenError, PluginError, UnknownNameError
from labgen.host.capacity import available_memory, free_disk
from labgen.host.cgroups import cgroup_versions
from labgen.plugins import PROVIDERS, installed, refused
from labgen.providers import default_provider, get_provider, provider_names
from labgen.state import cache_folder

MEMORY_FOR_A_LAB = 2048  # MiB
DISK_FOR_A_LAB = 8192  # MiB: three images, their root filesystems and seven nodes


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `required` is False for what only another provider needs."""

    what: str
    ok: bool
    found: str
    cure: str = ""
    required: bool = True


def examine(provider: str | None = None, plugins: Sequence[PluginReport] = ()) -> list[Finding]:
    """Everything the chosen provider needs, the other providers in a line each, then what is wrong with PLUGINS.

    Raises UnknownNameError.
    """
    chosen = provider or default_provider()
    problems = _problems(chosen)
    findings = [Finding("default provider", True, default_provider())]
    if not problems:
        findings.append(Finding(f"provider {chosen}", True, "ready"))
    findings += [Finding(f"provider {chosen}", False, problem.what, problem.cure or "") for problem in problems]
    findings += _image_tools(chosen)
    findings += _capacity()
    findings += [_go(), _pip()]
    for name in provider_names():
        if name != chosen:
            other = _problems(name)
            found = other[0].what if other else "ready"
            findings.append(
                Finding(f"provider {name}", not other, found, (other[0].cure or "") if other else "", required=False)
            )
    return findings + _plugins(plugins)


def _problems(provider: str) -> Sequence[LabgenError]:
    """What keeps PROVIDER from being used; one from outside that breaks takes nothing else down."""
    try:
        return get_provider(provider).problems()
    except UnknownNameError:
        raise
    except PluginError as error:
        return [error]
    except Exception as error:  # whatever somebody else's package does
        plugin = next(plugin for plugin in installed(PROVIDERS) if plugin.name == provider)
        return [refused(plugin, f"{type(error).__name__}: {error}")]


def _plugins(reports: Sequence[PluginReport]) -> list[Finding]:
    bad = [
        Finding(
            f"{report.plugin.group} {report.plugin.name}",
            False,
            f"of {report.plugin.package} {report.plugin.version} ({report.plugin.value}): {problem}",
            report.cure,
            required=False,
        )
        for report in reports
        for problem in report.problems
    ]
    packages = dict.fromkeys(f"{report.plugin.package} {report.plugin.version}" for report in reports)
    return bad or [Finding("plug-ins", True, ", ".join(packages) or "none but labgen's own")]


def _image_tools(name: str) -> list[Finding]:
    try:
        images = get_provider(name).images
    except PluginError:  # has been told
        images = None
    if images is None:
        return []
    findings = [
        Finding(
            tool,
            bool(shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")),
            f"for images, from the package {package}",
            f"apt-get install {package}",
        )
        for tool, package in images.tools.items()
    ]
    root = os.geteuid() == 0
    return [*findings, Finding("root", root, "needed to build images", "run labgen with sudo")]


def _capacity() -> list[Finding]:
    memory, disk = available_memory(), free_disk(cache_folder())
    return [
        Finding("memory", memory >= MEMORY_FOR_A_LAB, f"{memory} MiB available", "stop something, or add memory"),
        Finding(
            "disk", disk >= DISK_FOR_A_LAB, f"{disk} MiB free at {cache_folder()}", "make room, or set LABGEN_CACHE"
        ),
        Finding("control groups", True, cgroup_versions()),
    ]


def _go() -> Finding:
    found = shutil.which("go")
    return Finding(
        "go",
        bool(found),
        "builds artefacts that cannot be downloaded",
        "only needed where release archives cannot be downloaded",
        required=False,
    )


def _pip() -> Finding:
    try:
        found = bool(pip_command())
    except PipFailed:
        found = False
    return Finding(
        "pip",
        found,
        "fetches Patroni in a version that was chosen",
        "only needed for versions that the operating system does not have: apt-get install python3-pip",
        required=False,
    )
