"""etcd's checks: what members say of themselves and of each other."""

from __future__ import annotations

import pytest

from labgen.checks import Status
from labgen.checks.builtin.etcd import EtcdMember, judge_leader, judge_members
from labgen.checks.builtin.etcd import EtcdStatus as Answer

EXPECTED = {"e1": "10.0.0.11", "e2": "10.0.0.12", "e3": "10.0.0.13"}


def members(**changed: EtcdMember) -> list[EtcdMember]:
    healthy = {
        name: EtcdMember(number, name, (f"http://{address}:2379",))
        for number, (name, address) in enumerate(EXPECTED.items(), start=1)
    }
    return list({**healthy, **changed}.values())


def statuses(**changed: Answer) -> dict[str, Answer]:
    return {**{name: Answer(number, 2, 7, "3.5.16") for number, name in enumerate(EXPECTED, start=1)}, **changed}


def test_a_whole_cluster_passes() -> None:
    assert judge_members(members(), EXPECTED).detail == "3 members, all started"
    verdict = judge_leader(statuses())
    assert (verdict.status, verdict.detail) == (Status.PASS, "leader e2 in term 7, 3 members of version 3.5.16")


@pytest.mark.parametrize(
    ("found", "detail"),
    [
        (members()[:2], "e3 is missing"),
        ([*members(), EtcdMember(10, "x9", ())], "x9 is not of this lab"),
        (members(e3=EtcdMember(171, "", ())), "e3 is missing; member ab has never started"),
        (
            members(e1=EtcdMember(1, "e1", ("http://localhost:2379",))),
            "e1 is at http://localhost:2379, not at http://10.0.0.11:2379",
        ),
        (members(e1=EtcdMember(1, "e1", ())), "e1 is at no address, not at http://10.0.0.11:2379"),
    ],
)
def test_members_that_are_not_the_labs(found: list[EtcdMember], detail: str) -> None:
    verdict = judge_members(found, EXPECTED)
    assert (verdict.status, verdict.detail) == (Status.FAIL, detail)


@pytest.mark.parametrize(
    ("found", "detail"),
    [
        (statuses(e1=Answer(1, 0, 7, "3.5.16")), "e1 knows no leader"),
        (
            statuses(e1=Answer(1, 1, 7, "3.5.16")),
            "2 leaders: e1 follows e1, e2 follows e2, e3 follows e2",
        ),
        (statuses(e3=Answer(3, 2, 6, "3.5.16")), "terms differ: e1 7, e2 7, e3 6"),
        (statuses(e2=Answer(2, 2, 7, "3.5.16", ("NOSPACE",))), "e2 reports NOSPACE"),
        (
            {name: Answer(n, 0, 0, "3.5.16") for n, name in enumerate(EXPECTED)},
            "e1 knows no leader; e2 knows no leader; e3 knows no leader",
        ),
    ],
)
def test_members_that_do_not_agree(found: dict[str, Answer], detail: str) -> None:
    verdict = judge_leader(found)
    assert (verdict.status, verdict.detail) == (Status.FAIL, detail)


def test_a_leader_that_does_not_answer_is_named_by_nobody() -> None:
    some = {name: status for name, status in statuses().items() if name != "e2"}
    assert "leader a member that does not answer" in judge_leader(some).detail
