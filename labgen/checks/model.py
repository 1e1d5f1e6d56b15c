"""What checks produce: plain frozen data, from one command's answer up to the whole report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Status(StrEnum):
    """`unknown` is neither good nor bad news: it could not be found out."""

    PASS = "pass"  # noqa: S105  not a password
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class CheckOutcome:
    """What a check thinks, in one line a person is glad to read."""

    status: Status
    detail: str

    @classmethod
    def passed(cls, detail: str) -> CheckOutcome:
        return cls(Status.PASS, detail)

    @classmethod
    def failed(cls, detail: str) -> CheckOutcome:
        return cls(Status.FAIL, detail)

    @classmethod
    def unknown(cls, detail: str) -> CheckOutcome:
        return cls(Status.UNKNOWN, detail)

    @classmethod
    def of(cls, fine: str, *, faults: Sequence[str] = (), unknown: Sequence[str] = ()) -> CheckOutcome:
        """FINE, unless there are faults; a known fault weighs more than what is not known."""
        if faults:
            return cls.failed("; ".join(dict.fromkeys([*faults, *unknown])))
        if unknown:
            return cls.unknown("; ".join(dict.fromkeys(unknown)))
        return cls.passed(fine)


@dataclass(frozen=True)
class Evidence:
    """One command on one node and its answer, secrets blacked out. No `rc` means that no answer came."""

    node: str
    command: str
    rc: int | None
    stdout: str
    stderr: str
    seconds: float


@dataclass(frozen=True)
class CheckResult:
    """A check's verdict with all that it rests on."""

    name: str
    title: str
    status: Status
    detail: str
    evidence: tuple[Evidence, ...]
    seconds: float


@dataclass(frozen=True)
class CheckReport:
    """The results of one run over one lab, in the order in which the lab lists its checks."""

    lab: str
    blueprint: str
    provider: str
    profile: str
    os: str
    started: datetime
    seconds: float
    results: tuple[CheckResult, ...]

    @property
    def passed(self) -> bool:
        """Whether every result is a pass; what is unknown has not passed."""
        return all(result.status is Status.PASS for result in self.results)

    def count(self, status: Status) -> int:
        return sum(result.status is status for result in self.results)

    @property
    def summary(self) -> str:
        """`9 checks: 7 passed, 1 failed, 1 unknown`."""
        words = {Status.PASS: "passed", Status.FAIL: "failed", Status.UNKNOWN: "unknown"}
        counts = [f"{self.count(status)} {word}" for status, word in words.items() if self.count(status)]
        noun = "check" if len(self.results) == 1 else "checks"
        return f"{len(self.results)} {noun}: {', '.join(counts) or 'nothing to do'}"
