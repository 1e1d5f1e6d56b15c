"""What the checks rely on is followed or refused with the reason, and old versions' own settings can be had."""

from __future__ import annotations

import pytest

from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.checks import lab_checks
from labgen.checks.builtin.etcd import MEMBERS_COMMAND
from labgen.checks.builtin.patroni import PatroniCluster, PatroniMember
from labgen.checks.builtin.patroni_sync import judge_sync
from labgen.checks.builtin.postgresql import local_sql
from labgen.errors import DocumentError, UsageError
from labgen.lab.model import Lab
from labgen.lab.resolve import resolve
from labgen.lab.secrets import make_secrets
from labgen.render.nodes import render_nodes
from labgen.resources import resource

LOADED = load_blueprint(find_blueprint("etcd-patroni-ops"))
OLD = ("os=debian-12", "versions.patroni=3.0.2")


def lab(*words: str, name: str = "etcd-patroni-ops") -> Lab:
    loaded = LOADED if name == "etcd-patroni-ops" else load_blueprint(find_blueprint(name))
    return resolve(loaded, provider="docker", overrides=words)


def refused(*words: str, name: str = "etcd-patroni-ops") -> str:
    with pytest.raises((UsageError, DocumentError)) as caught:
        lab(*words, name=name)
    return "\n".join([caught.value.what, *caught.value.detail, *map(str, caught.value.problems)])


def patroni_config(made: Lab, node: str = "node1") -> str:
    files = render_nodes(made, make_secrets(made.components.values()))
    return files[f"nodes/{node}/patroni/files/etc/patroni/config.yml"].text


@pytest.mark.parametrize(
    ("words", "warning"),
    [
        (("patroni.ttl=15", "patroni.loop_wait=5", "patroni.retry_timeout=5"), "ttl is 15 and retry_timeout 5"),
        (("patroni.retry_timeout=30",), "loop_wait + 2 * retry_timeout is 70, more than ttl"),
        (("patroni.retry_timeout=2",), "ttl is 30 and retry_timeout 2"),
    ],
)
def test_timers_that_an_old_patroni_takes_can_be_had_with_a_warning(words: tuple[str, ...], warning: str) -> None:
    made = lab(*OLD, *words)
    assert any(warning in weakness.text for weakness in made.weaknesses)
    for word in words:
        name, _, value = word.removeprefix("patroni.").partition("=")
        assert f"    {name}: {value}\n" in patroni_config(made)
    # One that would go by others is refused.
    assert "values break a rule" in refused(*words)


def test_options_of_pg_basebackup_can_be_had() -> None:
    made = lab("config.patroni.postgresql.basebackup={max-rate: 100M}", "patroni.checkpoint=fast")
    assert "  basebackup:\n    checkpoint: fast\n    max-rate: 100M\n" in patroni_config(made)
    assert "change the parameter patroni.checkpoint" in refused("config.patroni.postgresql.basebackup.checkpoint=fast")


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("config.patroni.restapi.certfile=/x", "ask there by HTTP"),
        ("config.patroni.restapi.verify_client=required", "means nothing without restapi.certfile"),
        ("config.patroni.bootstrap.dcs.standby_cluster.host=10.0.0.1", "its leader takes no writes"),
        ("nodes.node3.patroni.scope=dr", "scope is not the same on all members (postgres, dr)"),
        ("nodes.node3.patroni.namespace=/other/", "namespace is not the same"),
        ("config.patroni.restapi.allowlist=[127.0.0.1]", "restapi.allowlist without the members"),
        ("patroni.parameters.unix_socket_directories=", "unix_socket_directories is empty"),
        ("config.etcd.ETCD_CERT_FILE=/x", "etcd does not look at it"),
        ("config.etcd.ETCD_CONFIG_FILE=/x", "none of these variables"),
    ],
)
def test_what_the_checks_rely_on_is_refused_with_the_reason(word: str, reason: str) -> None:
    assert reason in refused(word)


def test_an_access_list_with_the_members_is_taken() -> None:
    lab("config.patroni.restapi.allowlist=[127.0.0.1]", "config.patroni.restapi.allowlist_include_members=true")
    lab(f"config.patroni.restapi.allowlist=[{LOADED.blueprint.network.cidr}]")


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("config.consul.acl.enabled=true", "ask without a token"),
        ("config.consul.ports.http=8501", "at the usual ones"),
        ("config.pgbouncer.pgbouncer.auth_type=md5", "SCRAM secrets"),
        ("config.pgbouncer.pgbouncer.auth_query=x", "looks up secrets"),
    ],
)
def test_who_may_ask_is_refused_with_the_reason(word: str, reason: str) -> None:
    assert reason in refused(word, name="consul-pgbouncer")


def test_a_socket_elsewhere_is_followed() -> None:
    lab("patroni.parameters.unix_socket_directories=/tmp/")
    assert '-h "$(sed -n 5p /var/lib/postgresql/*/*/postmaster.pid 2>/dev/null)"' in local_sql("select 1")
    assert "postmaster.pid" in (resource("scripts") / "drill" / "observe.py").read_text()


def test_synchronous_mode_brings_its_check() -> None:
    assert "patroni-sync" not in lab_checks(lab())
    assert "patroni-sync" in lab_checks(lab("patroni.synchronous_mode=true"))


def test_where_the_tags_leave_no_standby_none_is_missed() -> None:
    words = ("patroni.synchronous_mode=true", *(f"nodes.node{n}.patroni.tags.nosync=true" for n in (2, 3)))
    assert any("nobody may take over from it" in weakness.text for weakness in lab(*words).weaknesses)
    members = [PatroniMember(f"node{n}", "", "replica" if n > 1 else "leader", "running", 1) for n in (1, 2, 3)]
    outcome = judge_sync(PatroniCluster(tuple(members)), {}, {}, {"node2", "node3"})
    assert (outcome.status, "nobody may take over" in outcome.detail) == ("pass", True)
    assert judge_sync(PatroniCluster(tuple(members)), {}, {}, {"node2"}).status == "fail"


def test_a_variable_beside_an_option_of_etcdctl_is_unset() -> None:
    start = (resource("scripts") / "etcd" / "start.sh").read_text()
    for text in (MEMBERS_COMMAND, start):
        assert "env -u ETCDCTL_ENDPOINTS " in text


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("config.patroni.failsafe_mode=true",), "looks for failsafe_mode directly under bootstrap.dcs"),
        (("config.patroni.bootstrap.dcs.postgresql.ttl=20",), "looks for ttl directly under bootstrap.dcs"),
        (("config.patroni.postgresql.synchronous_mode=true",), "looks for synchronous_mode directly"),
        (("config.patroni.bootstrap.dcs.failsave_mode=true",), "has no failsave_mode in the cluster's configuration"),
        (("config.patroni.bootstrap.dcs.parameters.work_mem=1MB",), "has no parameters in the cluster's"),
        (("config.patroni.bootstrap.users.admin.password=x",), "Patroni 4.0.7 makes no bootstrap.users"),
        (("config.patroni.bootstrap.pg_hba=[local all all trust]",), "goes by postgresql.pg_hba"),
        (("config.patroni.postgresql.use_slots=false",), "change the parameter patroni.use_slots"),
        (("config.patroni.bootstrap.dcs.postgresql.listen=x",), "leaves listen out"),
        (("patroni.shared_parameters.wal_keep_size=0",), "keeps 128MB"),
        (
            ("os=debian-11", "versions.patroni=2.1.4", "config.patroni.bootstrap.dcs.failsafe_mode=true"),
            "Patroni 2.1.4 does not know failsafe_mode, which came with 3.0",
        ),
    ],
)
def test_what_patroni_would_never_look_at_is_refused(words: tuple[str, ...], reason: str) -> None:
    said = refused(*words)
    assert reason in said
    assert "values break a rule" in said


def test_what_patroni_does_look_at_is_taken() -> None:
    lab(*OLD, "config.patroni.bootstrap.users.admin.password=x", "config.patroni.bootstrap.dcs.master_start_timeout=1")
    lab("config.patroni.bootstrap.dcs.slots.mine.type=physical", "config.patroni.postgresql.use_pg_rewind=false")
