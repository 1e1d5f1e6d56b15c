"""Changes in finished configuration files: what was there stays, a key is replaced, added, or taken away."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from labgen.overrides.formats import FORMATS

HAPROXY = """\
# a comment
global
    user haproxy
    stats socket /run/haproxy/admin.sock mode 600 level admin

defaults
    mode tcp
    timeout connect 4s
    timeout client 30m

listen primary
    bind 192.168.60.3:5000
    option httpchk OPTIONS /primary
    server one 192.168.60.11:5432 check
    server two 192.168.60.12:5432 check
"""
KEEPALIVED = """\
# keepalived
include /run/keepalived/interface.conf

global_defs {
    router_id one
}

vrrp_script haproxy {
    script "/usr/bin/curl http://192.168.60.3:7000/health"
    interval 2
}

vrrp_instance vip {
    interface $INTERFACE
    advert_int 1
    authentication {
        auth_type PASS
    }
    virtual_ipaddress {
        192.168.60.9/24
    }
}
"""
INI = """\
; where the databases come from
%include /var/lib/databases.ini

[pgbouncer]
listen_port = 6432
pool_mode = session

; the last one
auth_type = scram-sha-256
"""
ENV = """\
# etcd
ETCD_NAME="one"
ETCD_ELECTION_TIMEOUT="1000"

# Only looked at while the member has no data yet.
ETCD_INITIAL_CLUSTER_STATE="new"
"""
HCL = """\
consul {
  address = "127.0.0.1:8500"
  retry {
    attempts    = 0
    max_backoff = "2s"
  }
}
"""


def lines(name: str, text: str, changes: dict[str, Any]) -> tuple[list[str], list[str]]:
    """The lines that went, and those that came."""
    changed = FORMATS[name].changed(text, changes)
    assert changed.endswith("\n")
    before, after = text.splitlines(), changed.splitlines()
    return [line for line in before if line not in after], [line for line in after if line not in before]


@pytest.mark.parametrize(
    ("name", "text"),
    [("haproxy", HAPROXY), ("keepalived", KEEPALIVED), ("ini", INI), ("env", ENV), ("hcl", HCL)],
)
def test_without_a_change_every_byte_stays(name: str, text: str) -> None:
    assert FORMATS[name].changed(text, {}) == text


def test_haproxy() -> None:
    assert lines("haproxy", HAPROXY, {"defaults": {"timeout connect": "1s"}}) == (
        ["    timeout connect 4s"],
        ["    timeout connect 1s"],
    )
    gone, came = lines("haproxy", HAPROXY, {"listen primary": {"server": ["one 1.2.3.4:5432", "two 1.2.3.5:5432"]}})
    assert len(gone) == 2
    assert came == ["    server one 1.2.3.4:5432", "    server two 1.2.3.5:5432"]
    assert lines("haproxy", HAPROXY, {"global": {"nbthread": 1, "stats socket": None}}) == (
        ["    stats socket /run/haproxy/admin.sock mode 600 level admin"],
        ["    nbthread 1"],
    )
    changed = FORMATS["haproxy"].changed(
        HAPROXY, {"defaults": {"option tcplog": True}, "frontend web": {"bind": ":80"}}
    )
    assert "    timeout client 30m\n    option tcplog\n\nlisten primary\n" in changed
    assert changed.endswith("check\n\nfrontend web\n    bind :80\n")


def test_keepalived() -> None:
    assert lines(
        "keepalived", KEEPALIVED, {"vrrp_instance vip": {"advert_int": 3, "authentication": {"auth_type": "AH"}}}
    ) == (
        ["    advert_int 1", "        auth_type PASS"],
        ["    advert_int 3", "        auth_type AH"],
    )
    changed = FORMATS["keepalived"].changed(KEEPALIVED, {"vrrp_instance vip": {"track_interface": {"eth0": True}}})
    assert "    }\n    track_interface {\n        eth0\n    }\n}\n" in changed
    gone, came = lines("keepalived", KEEPALIVED, {"vrrp_instance vip": {"virtual_ipaddress": None}})
    assert (gone, came) == (["    virtual_ipaddress {", "        192.168.60.9/24"], [])


def test_ini() -> None:
    assert lines("ini", INI, {"pgbouncer": {"pool_mode": "transaction", "verbose": 2}}) == (
        ["pool_mode = session"],
        ["pool_mode = transaction", "verbose = 2"],
    )
    assert (
        FORMATS["ini"]
        .changed(INI, {"users": {"app": "pool_mode=statement"}})
        .endswith("\n\n[users]\napp = pool_mode=statement\n")
    )


def test_env() -> None:
    assert lines("env", ENV, {"ETCD_ELECTION_TIMEOUT": 5000, "ETCD_LOG_LEVEL": 'de"b$ug'}) == (
        ['ETCD_ELECTION_TIMEOUT="1000"'],
        ['ETCD_ELECTION_TIMEOUT="5000"', 'ETCD_LOG_LEVEL="de\\"b\\$ug"'],
    )


def test_hcl() -> None:
    assert lines("hcl", HCL, {"consul": {"retry": {"attempts": 5}, "token": "x"}}) == (
        ["    attempts    = 0"],
        ["    attempts = 5", '  token = "x"'],
    )


def test_yaml_as_patroni_reads_it() -> None:
    text = "# Patroni\n# on one\nscope: postgres\npostgresql:\n  use_slots: true\n  callbacks:\n    on_stop: a\n"
    changes = {"postgresql": {"callbacks": {"on_start": "b", "on_stop": None}, "mode": "on"}, "tags": {}}
    changed = FORMATS["yaml"].changed(text, changes)
    assert changed.startswith("# Patroni\n# on one\nscope:")
    assert yaml.safe_load(changed) == {
        "scope": "postgres",
        "postgresql": {"use_slots": True, "callbacks": {"on_start": "b"}, "mode": "on"},
        "tags": {},
    }


def test_json() -> None:
    changed = FORMATS["json"].changed('{"a": {"b": 1}, "c": [1]}', {"a": {"d": 2}, "c": [2, 3]})
    assert json.loads(changed) == {"a": {"b": 1, "d": 2}, "c": [2, 3]}


@pytest.mark.parametrize(
    ("name", "keys", "value", "fault"),
    [
        ("ini", ("pgbouncer",), 1, "takes 2 keys, one in the other, for a value, not 1"),
        ("env", ("A", "B"), 1, "takes 1 key for a value, not 2"),
        ("ini", ("pgbouncer", "a"), [1], "takes a string, a number, true or false there"),
        ("haproxy", ("defaults", "a"), [{}], "takes a string, a number, true or false there, or a list of them"),
        ("env", ("A",), "two\nlines", "takes one line of printable characters there"),
        ("haproxy", ("defaults", "a"), ["x", "y"], None),
        ("yaml", ("a", "b", "c", "d", "e"), [{"f": 1}], None),
    ],
)
def test_what_cannot_stand_there(name: str, keys: tuple[str, ...], value: Any, fault: str | None) -> None:
    assert FORMATS[name].problem(keys, value) == fault


# ---------------------------------------------------------------- what a keyword is about


def test_a_keyword_named_by_two_words_is_about_no_other_line() -> None:
    spelled = dict(FORMATS["haproxy"].spelled(("defaults", "timeout"), ("connect 5s", "client  1m", "queue 5s")))
    assert spelled == {
        ("defaults", "timeout connect"): "5s",
        ("defaults", "timeout client"): "1m",
        ("defaults", "timeout queue"): "5s",
    }
    assert list(FORMATS["haproxy"].spelled(("listen  primary", "option"), "tcplog")) == [
        (("listen primary", "option tcplog"), "")
    ]
    assert list(FORMATS["haproxy"].spelled(("listen primary", "server"), ("a", "b"))) == [
        (("listen primary", "server"), ("a", "b"))
    ]
    assert FORMATS["haproxy"].changed(HAPROXY, {"listen primary": {"option tcplog": ""}}).count("    option ") == 2


def test_a_new_block_comes_before_those_that_name_it() -> None:
    changes = {
        "vrrp_script check_all": {"script": "/bin/true"},
        "vrrp_script unused": {"script": "/bin/true"},
        "vrrp_instance vip": {"track_script": {"check_all": True}},
    }
    changed = FORMATS["keepalived"].changed(KEEPALIVED, changes)
    assert changed.index("vrrp_script check_all {") < changed.index("vrrp_instance vip {")
    assert "}\n\nvrrp_script check_all {\n    script /bin/true\n}\n\nvrrp_instance vip {\n" in changed
    assert changed.endswith("}\n\nvrrp_script unused {\n    script /bin/true\n}\n")
