"""What a bundle is: where its members may lie, and what its first one, `bundle.json`, says about the rest."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ConfigDict

from labgen.archives import Kind

SUFFIX = ".tar.zst"
CONTENTS = "bundle.json"
RECORD = "lab.json"
BLUEPRINT = "blueprint.yml"
LOCK = "labgen.lock"
CHECKS = "checks.json"
TIMELINE = "timeline.log"
CLOCKS = "clocks.json"
ISSUE = "issue.md"
STEPS = "steps.jsonl"
OVERRIDES, RENDERED, COMPONENTS, REPRO = "overrides", "rendered", "components", "repro"
DRILLS, NODES, CLUSTER, LOGS = "drills", "nodes", "cluster", "logs"

_FILES = (RECORD, BLUEPRINT, LOCK, CHECKS, TIMELINE, CLOCKS, ISSUE, STEPS)
_FOLDERS = (OVERRIDES, RENDERED, COMPONENTS, REPRO, DRILLS, NODES, CLUSTER, LOGS)
_PART = r"(?![.]{1,2}(?:/|$))[A-Za-z0-9._@+=,:~-]{1,100}"
_PLACE = re.compile(rf"(?:{'|'.join(map(re.escape, _FILES))})|(?:{'|'.join(_FOLDERS)})(?:/{_PART}){{1,20}}")
# Whatever a user's own component or document brings beside itself may be run by it.
_SCRIPT = re.compile(rf"(?:{COMPONENTS}|{OVERRIDES}|{REPRO})/.*(?<![.]yml)(?<![.]json)")
LONGEST = 240  # characters of a member's name: what the format of the archive has room for


def is_place(name: str) -> bool:
    """Whether a member of a bundle may be called NAME: it then lies below the folder that it is unpacked into."""
    return len(name) <= LONGEST and _PLACE.fullmatch(name) is not None


def is_given(name: str) -> bool:
    """Whether the member NAME is something that a lab is made from."""
    return name in (BLUEPRINT, RECORD) or name.startswith((f"{OVERRIDES}/", f"{COMPONENTS}/", f"{REPRO}/"))


BUNDLE = Kind(
    noun="bundle",
    contents=CONTENTS,
    format=1,
    place=is_place,
    misplaced="has no place in a bundle",
    required=RECORD,
    cure="ask for the file again, or for another: labgen bundle LAB -o FILE",
    largest=256 << 20,
    most=1 << 30,
)


class Told(BaseModel):
    """A part of `bundle.json`; keys that a later labgen has added are not looked at."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class LabFacts(Told):
    """The lab that was bundled. versions: program → version. packages: how many its lock names, 0 without one."""

    name: str
    blueprint: str
    title: str
    profile: str
    provider: str
    os: str
    network: str
    nodes: dict[str, tuple[str, ...]]
    versions: dict[str, str]
    packages: int = 0


class Size(Told):
    """A member."""

    size: int
    sha256: str


class Replaced(Told):
    """A secret, by its name, and how often it was taken out. (In JSON, no value stands beside a word like password.)"""

    secret: str
    times: int


class ReproFacts(Told):
    """The reproduction that goes with the lab.

    member: where it lies in the bundle. verdict: of its last run on the lab, empty if there was none; tries: how often
    which one, of that run.
    """

    name: str
    title: str
    member: str
    verdict: str = ""
    tries: dict[str, int] = {}


class About(Told):
    """All of `bundle.json`.

    made: ISO 8601, UTC. silent: node → why nothing of it is there. notes: what a reader should know.
    checks: check → its status when the bundle was made. reproduction: what is to be shown on the lab, if anything.
    plugins: components that are in no bundle, since they come with other packages.
    """

    format: int
    labgen: str
    made: str
    lab: LabFacts
    silent: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    replaced: tuple[Replaced, ...] = ()
    checks: dict[str, str] = {}
    plugins: tuple[str, ...] = ()
    reproduction: ReproFacts | None = None
    members: dict[str, Size]

    @property
    def scripts(self) -> tuple[str, ...]:
        """The members that run inside a lab which is made from the bundle."""
        return tuple(name for name in self.members if _SCRIPT.fullmatch(name))


def plain(model: BaseModel) -> dict[str, Any]:
    """MODEL as it goes into JSON."""
    return model.model_dump(mode="json")
