"""Parsers against data files: `tests/parsers/PARSER/CASE.txt` is what a node printed, `CASE.json` what it means.

To take in a new case, put the raw output there and run this file as a program: it writes the missing JSON, to be read
before it is committed. A case that a parser refuses has `{"unknown": WHY}`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

import pytest

from labgen.checks.builtin import (
    consul,
    etcd,
    floating_ip,
    haproxy,
    liman,
    patroni,
    patroni_api,
    patroni_sync,
    ports,
    postgresql,
    secrets,
    services,
)
from labgen.checks.context import Unknown

DATA = Path(__file__).parents[1] / "parsers"
PARSERS: dict[str, Callable[[str], Any]] = {
    "addresses": floating_ip.parse_addresses,
    "consul_leader": consul.parse_leader,
    "consul_members": consul.parse_members,
    "consul_peers": consul.parse_peers,
    "etcd_members": etcd.parse_members,
    "etcd_status": etcd.parse_status,
    "haproxy_stat": haproxy.parse_stat,
    "liman_reply": liman.parse_reply,
    "patroni_cluster": patroni.parse_cluster,
    "patroni_list": patroni.parse_list,
    "patroni_sync": patroni_sync.parse_states,
    "rest_api": patroni_api.parse_answers,
    "rest_codes": patroni.parse_codes,
    "secret_files": secrets.parse_files,
    "server": postgresql.parse_server,
    "services": services.parse_services,
    "sockets": ports.parse_sockets,
}
CASES = sorted(path.relative_to(DATA) for path in DATA.glob("*/*.txt"))


def parsed(case: Path) -> Any:
    try:
        value = PARSERS[case.parent.name]((DATA / case).read_text())
    except Unknown as why:
        return {"unknown": str(why)}
    return plain(value)


def plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return str(value) if isinstance(value, (IPv4Address, IPv6Address)) else value


@pytest.mark.parametrize("case", CASES, ids=str)
def test_parsed_value(case: Path) -> None:
    assert parsed(case) == json.loads((DATA / case).with_suffix(".json").read_text())


def test_every_parser_has_good_and_bad_data() -> None:
    for name in PARSERS:
        cases = [path.stem for path in (DATA / name).glob("*.txt")]
        assert any(case.startswith(("garbage", "empty")) for case in cases), name
        assert any(not case.startswith(("garbage", "empty")) for case in cases), name


if __name__ == "__main__":
    for case in CASES:
        target = (DATA / case).with_suffix(".json")
        if not target.exists():
            target.write_text(json.dumps(parsed(case), indent=1, ensure_ascii=False) + "\n")
            print(f"wrote {target.relative_to(DATA)}")
