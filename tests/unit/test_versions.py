"""A component in another version than its operating system's: what comes of it in the lab, its images and its steps."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from labs import blueprint_text, lab, load, write_component

from labgen.artefacts.store import identity
from labgen.artefacts.wheels import _failed
from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import LoadedBlueprint, load_blueprint
from labgen.components.manifest import GoSource, PypiSource, ReleaseSource
from labgen.components.registry import load_component
from labgen.components.versions import is_below, is_of_series, is_release, is_same, nearest
from labgen.errors import LabgenError, UsageError
from labgen.images import ImageSpec
from labgen.lab.keys import KeyPair
from labgen.lab.model import Lab
from labgen.lab.resolve import resolve
from labgen.lab.secrets import make_secrets
from labgen.plan import build_plan
from labgen.render.lab import Machines, render_lab
from labgen.render.model import Rendered
from labgen.render.nodes import render_nodes
from labgen.resources import resource

MANIFEST = """\
versions: {debian-13: 3.4.0, debian-12: "3.1"}
other_versions:
  kind: pypi
  package: agent-program
  extras: [fast, small]
  beside: [driver]
  minimum: "2.0"
  except: [2.5.0]
  pins: {driver: 1.0.1, old-one: "1.0"}
  built: [old-one]
"""


def source(path: Path, *words: str) -> PypiSource:
    """The one source of the agent's artefact in a lab made with WORDS."""
    (artefact,) = lab(path, {"one": ["agent"]}, "", *words).components["agent"].manifest.artefacts.values()
    (found,) = artefact.sources
    assert isinstance(found, PypiSource)
    return found


@pytest.fixture
def place(tmp_path: Path) -> Path:
    write_component(tmp_path / "components", "agent", MANIFEST, {"install.sh": "agent"})
    return tmp_path


@pytest.mark.parametrize(
    ("version", "other", "below", "same"),
    [
        ("2.0", "2.0.0", False, True),
        ("3.0.9", "3.0.10", True, False),
        ("4.0.0", "3.3.11", False, False),
        ("15", "9.6", False, False),
    ],
)
def test_order(version: str, other: str, below: bool, same: bool) -> None:
    assert is_below(version, other) == below
    assert is_same(version, other) == same


@pytest.mark.parametrize("text", ["2.0", "3.0.10", "0.1", "1.2.3.4"])
def test_a_release(text: str) -> None:
    assert is_release(text)


@pytest.mark.parametrize(
    "text",
    ["", "4", "v3.0", "3.0rc1", "3.0.", "3,0", "3.0\n", " 3.0", "3.0 --index-url x", "٣.٠", "1.2.3.4.5", "9" * 99],
)
def test_no_release(text: str) -> None:
    assert not is_release(text)


@pytest.mark.parametrize(
    ("version", "near"),
    [
        ("9.9.9", ["3.3.9", "3.3.10", "4.0.0"]),
        ("3.3.3", ["2.0", "3.3.2", "3.3.9", "3.3.10", "4.0.0"]),
        ("1.0", ["2.0", "3.3.2", "3.3.9"]),
        ("", ["3.3.9", "3.3.10", "4.0.0"]),
    ],
)
def test_the_nearest_of_many(version: str, near: list[str]) -> None:
    assert nearest(version, ["3.3.10", "3.3.2", "4.0.0", "5.0.0rc1", "2.0", "3.3.9"]) == near


@pytest.mark.parametrize(
    ("package", "own", "is_one"),
    [
        ("3.4.23-4", "3.4.23", True),
        ("3.4.30-1+deb12u1", "3.4.23", True),
        ("3.5.16-4", "3.4.23", False),
        ("17.9-0+deb13u1", "17", True),
        ("15.1-1", "17", False),
        ("1:2.6.12-1", "2.6.12", True),
    ],
)
def test_a_release_stays_with_its_series(package: str, own: str, is_one: bool) -> None:
    assert is_of_series(package, own) is is_one


def test_pip_names_the_nearest_versions() -> None:
    said = "ERROR: Could not find a version of the requirement patroni[etcd3]==9.9.9 (from versions: 4.0.9, 4.0.10)"
    told = _failed("", said)
    assert str(told) == "there is no patroni 9.9.9; the nearest: 4.0.9, 4.0.10"
    assert told
    assert told.cure == "ask for a version of patroni that there is"


def test_the_chosen_version_is_an_artefact_of_the_component(place: Path) -> None:
    made = lab(place, {"one": ["agent"]}, "", "versions.agent=2.10")
    assert made.versions == {"agent": "2.10"}
    assert made.artefact_names == {"agent": ("agent",)}
    found = source(place, "versions.agent=2.10")
    assert found.requirements == ("agent-program[fast,small]==2.10", "driver")
    assert found.pins == {"driver": "1.0.1", "old-one": "1.0"}
    assert found.built == ("old-one",)


@pytest.mark.parametrize(("os", "python"), [("debian-12", "3.11"), ("debian-13", "3.13")])
def test_for_the_python_of_the_nodes(place: Path, os: str, python: str) -> None:
    assert source(place, "versions.agent=2.10", f"os={os}").python == python


@pytest.mark.parametrize(
    "words", [(), ("versions.agent=3.4.0",), ("versions.agent=3.4",), ("os=debian-12", "versions.agent=3.1.0")]
)
def test_the_systems_own_version_comes_from_the_system(place: Path, words: tuple[str, ...]) -> None:
    made = lab(place, {"one": ["agent"]}, "", *words)
    assert made.artefact_names == {"agent": ()}
    assert made.versions["agent"] in ("3.4.0", "3.1")


def test_a_system_that_moves_is_not_taken_at_its_word(tmp_path: Path) -> None:
    """What Debian testing has as 3.4 may be any 3.4 there is."""
    write_component(tmp_path / "components", "agent", MANIFEST.replace("debian-13: 3.4.0", 'debian-14: "3.4"'))

    def artefacts(version: str) -> tuple[str, ...]:
        chosen = lab(tmp_path, {"one": ["agent"]}, "", f"versions.agent={version}", "os=debian-14")
        return chosen.artefact_names["agent"]

    assert artefacts("3.4") == ()
    assert artefacts("3.4.0") == ("agent",)


def test_a_profile_may_choose_and_the_command_line_counts_more(place: Path) -> None:
    profiles = "profiles:\n  published: {os: debian-13, summary: old, versions: {agent: 2.1.0}}\n"
    loaded = load(place, blueprint_text({"one": ["agent"]}, profiles=profiles))
    assert resolve(loaded, provider="docker").versions == {"agent": "2.1.0"}
    assert resolve(loaded, provider="docker", overrides=["versions.agent=2.2.0"]).versions == {"agent": "2.2.0"}
    assert resolve(loaded, provider="docker", overrides=["os=debian-12"]).versions == {"agent": "2.1.0"}


def test_a_system_that_the_component_is_not_made_for_stays_one(place: Path) -> None:
    with pytest.raises(UsageError, match="the component 'agent' is not made for debian-11"):
        lab(place, {"one": ["agent"]}, "", "versions.agent=2.10", "os=debian-11")


def test_the_choice_is_another_image(place: Path) -> None:
    component = load_component(place / "components" / "agent")
    scripts = resource("scripts")

    def digest(version: str, os: str = "debian-13") -> str:
        chosen = component.in_version(version, os)
        return ImageSpec(os, "docker", (chosen,), scripts / "lib", scripts / "image").digest

    plain = ImageSpec("debian-13", "docker", (component,), scripts / "lib", scripts / "image").digest
    assert digest("3.4.0") == plain
    assert len({plain, digest("2.1.0"), digest("2.2.0"), digest("2.1.0", "debian-12")}) == 4
    assert component.manifest.artefacts == {}


def test_the_install_step_is_told(place: Path, tmp_path: Path) -> None:
    """By a file beside its script, which the rendered folder and the image builder have alike."""

    def rendered(*words: str) -> Rendered:
        made = lab(place, {"one": ["agent"]}, "", *words)
        return render_lab(made, build_plan(made), {}, KeyPair("private", "public"), Machines({"one": "image"}))

    assert rendered("versions.agent=2.10")["components/agent/version"].text == "2.10\n"
    assert "components/agent/version" not in rendered()
    root = tmp_path / "node"
    shutil.copytree(resource("scripts") / "lib", root / "components" / "lib")
    (root / "components" / "agent").mkdir()
    (root / "components" / "agent" / "install.sh").write_text('echo "chosen: <$LABGEN_VERSION>"\n')
    words = ["bash", str(root / "components" / "lib" / "run.sh"), "agent", "install"]
    told = []
    for version in ("", "2.10\n"):
        if version:
            (root / "components" / "agent" / "version").write_text(version)
        told.append(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    assert told == ["chosen: <>\n", "chosen: <2.10>\n"]


def test_other_pins_are_another_artefact(place: Path) -> None:
    before = load_component(place / "components" / "agent").in_version("2.1.0", "debian-13")
    write_component(place / "components", "agent", MANIFEST.replace("1.0.1", "1.0.2"))
    after = load_component(place / "components" / "agent").in_version("2.1.0", "debian-13")
    assert identity(before.manifest.artefacts["agent"]) != identity(after.manifest.artefacts["agent"])


@pytest.fixture(scope="module")
def consul() -> LoadedBlueprint:
    return load_blueprint(find_blueprint("consul-pgbouncer"))


@pytest.mark.parametrize(
    ("os", "version", "needed"),
    [
        ("debian-11", "2.0", None),
        ("debian-11", "4.1.5", None),
        ("debian-12", "2.1.4", "2.1.5"),
        ("debian-12", "2.1.5", None),
        ("debian-12", "3.0.1", None),
        ("debian-13", "2.0.2", "3.3.3"),
        ("debian-13", "3.0.1", "3.3.3"),
        ("debian-13", "3.3.2", "3.3.3"),
        ("debian-13", "3.3.10", None),
        ("debian-13", "4.0.1", None),
        ("debian-14", "3.3.10", "4.0.7"),
        ("debian-14", "4.0.6", "4.0.7"),
        ("debian-14", "4.0.7", None),
    ],
)
def test_a_patroni_older_than_its_postgresql_is_refused(
    consul: LoadedBlueprint, os: str, version: str, needed: str | None
) -> None:
    words = [f"versions.patroni={version}", f"os={os}"]
    if needed is None:
        assert resolve(consul, provider="docker", overrides=words).versions["patroni"] == version
        return
    with pytest.raises(UsageError) as caught:
        resolve(consul, provider="docker", overrides=words)
    (line,) = caught.value.detail
    assert f" needs Patroni {needed} or later, not {version}, which goes with Debian " in line
    (fitting,) = re.findall(r"--set os=(debian-[0-9]+)", line)
    assert resolve(consul, provider="docker", overrides=[words[0], f"os={fitting}"]).os == fitting


@pytest.mark.parametrize(
    ("words", "state"),
    [
        (["os=debian-11"], "running"),
        (["os=debian-12", "versions.patroni=3.0.3"], "running"),
        (["os=debian-12", "versions.patroni=3.0.4"], "streaming"),
        (["os=debian-11", "versions.patroni=4.1.5"], "streaming"),
        (["os=debian-13"], "streaming"),
    ],
)
def test_scripts_and_templates_follow_the_version(consul: LoadedBlueprint, words: list[str], state: str) -> None:
    made = resolve(consul, provider="docker", overrides=words)
    home = "nodes/pg-patroni1/patroni"
    rendered = render_nodes(made, make_secrets(made.components.values()))
    assert f"PATRONI_REPLICA_STATE={state}\n" in rendered[f"{home}/env"].text
    config = rendered[f"{home}/files/etc/patroni/config.yml"].text
    assert ("  # Before Patroni 4 the validator" in config) == is_below(made.versions["patroni"], "4")


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        (["patroni.dcs=etcd"], True),
        (["patroni.dcs=etcd", "etcd.enable_v2=true"], False),
        (["patroni.dcs=etcd", "os=debian-12"], True),
        (["patroni.dcs=etcd", "os=debian-11"], False),
        (["patroni.dcs=etcd3", "os=debian-11"], False),
    ],
)
def test_etcds_old_api_must_be_answered(words: list[str], refused: bool) -> None:
    loaded = load_blueprint(find_blueprint("etcd-patroni-ops"))
    if refused:
        with pytest.raises(UsageError, match=r"etcd only answers it with etcd\.enable_v2; it is off on node0"):
            resolve(loaded, provider="docker", profile="modern", overrides=words)
    else:
        resolve(loaded, provider="docker", profile="modern", overrides=words)


def test_an_etcd_without_the_old_api(tmp_path: Path) -> None:
    text = (resource("scripts") / "etcd" / "component.yml").read_text()
    manifest = re.sub("^name:.*\n", "", text, flags=re.MULTILINE)
    manifest = manifest.replace("debian-13: 3.5.16", "debian-13: 3.6.4").replace("summary: etcd member", "# ")
    write_component(tmp_path / "components", "etcd", manifest, {"default.j2": ""})
    text = blueprint_text({"one": ["etcd", "postgresql", "patroni"]})
    words = ["patroni.dcs=etcd", "etcd.enable_v2=true"]
    with pytest.raises(UsageError) as caught:
        resolve(load(tmp_path, text), provider="docker", overrides=words)
    assert caught.value.detail == (
        "etcd: enable_v2 is on, and etcd 3.6.4 has the old API (v2) no more (on one)",
        "patroni: dcs is etcd, the old API (v2), which etcd 3.6.4 no longer has; etcd3 is the present one (on one)",
    )


def test_another_suite_of_the_systems_archive(tmp_path: Path) -> None:
    """Its install step learns number and suite; it is another image, and another lab."""
    write_component(
        tmp_path / "components",
        "agent",
        'versions: {debian-13: "17", debian-14: "18"}\nsuites: {debian-14: {"19": experimental}}\n',
        {"install.sh": 'echo "$LABGEN_VERSION from $LABGEN_SUITE"'},
    )

    def made(*words: str) -> Lab:
        return lab(tmp_path, {"one": ["agent"]}, "", *words)

    newer = made("os=debian-14", "versions.agent=19")
    assert newer.versions == {"agent": "19"}
    assert newer.components["agent"].shipped["suite"] == "experimental\n"
    own = made("os=debian-14", "versions.agent=18")
    assert own.components["agent"].shipped.keys() == {"install.sh"}
    scripts = resource("scripts")
    digests = {
        ImageSpec("debian-14", "docker", (one.components["agent"],), scripts / "lib", scripts / "image").digest
        for one in (newer, own)
    }
    assert len(digests) == 2
    with pytest.raises(UsageError, match="agent comes from Debian 13 in the version 17"):
        made("versions.agent=19")
    with pytest.raises(UsageError, match="agent comes from Debian 14 in the version 18 or 19"):
        made("os=debian-14", "versions.agent=20")


GO_MANIFEST = """\
versions: {debian-12: 3.1.0, debian-13: 3.4.0}
other_versions:
  kind: go
  minimum: 3.2.0
  programs: {keeper: example.test/server/v3, keeperctl: example.test/ctl/v3}
  release:
    url: https://example.test/v{version}/keeper-{version}.tar.gz
    sums: https://example.test/v{version}/SUMS
    folder: keeper-{version}/
"""
PINNED = """\
artefacts:
  keeper:
    version: 1.8.7
    sources:
      - {kind: url, url: "https://example.test/keeper", sha256: "%s"}
other_versions: {kind: go, minimum: 1.9.0, programs: {keeper: example.test/keeper}}
""" % ("0" * 64)


def test_each_program_of_a_chosen_version_is_an_artefact(tmp_path: Path) -> None:
    write_component(tmp_path / "components", "keeper", GO_MANIFEST)
    made = lab(tmp_path, {"one": ["keeper"]}, "", "versions.keeper=3.6.16")
    assert made.versions == {"keeper": "3.6.16", "keeperctl": "3.6.16"}
    assert made.artefact_names == {"keeper": ("keeper", "keeperctl")}
    control = made.components["keeper"].manifest.artefacts["keeperctl"]
    go, release = control.sources
    assert isinstance(go, GoSource)
    assert isinstance(release, ReleaseSource)
    assert (go.module, go.version, go.sum) == ("example.test/ctl/v3", "v3.6.16", None)
    assert release.url == "https://example.test/v3.6.16/keeper-3.6.16.tar.gz"
    assert (release.sums, release.member) == ("https://example.test/v3.6.16/SUMS", "keeper-3.6.16/keeperctl")


@pytest.mark.parametrize("words", [(), ("versions.keeper=3.4.0",), ("os=debian-12", "versions.keeper=3.1.0")])
def test_nothing_is_built_of_what_the_system_has(tmp_path: Path, words: tuple[str, ...]) -> None:
    write_component(tmp_path / "components", "keeper", GO_MANIFEST)
    assert lab(tmp_path, {"one": ["keeper"]}, "", *words).artefact_names == {"keeper": ()}


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ("3.1.9", "must be at least 3.2.0"),
        ("3.6", "must be a version of three numbers, like 1.2.3, not '3.6'"),
        ("latest", "must be the number of a release, like 3.0.4, not 'latest'"),
        ("3.6.0-rc.0", "must be the number of a release, like 3.0.4"),
    ],
)
def test_go_is_asked_for_one_release_only(tmp_path: Path, version: str, why: str) -> None:
    write_component(tmp_path / "components", "keeper", GO_MANIFEST)
    with pytest.raises(UsageError, match=re.escape(f"the version of keeper {why}")):
        lab(tmp_path, {"one": ["keeper"]}, "", f"versions.keeper={version}")


def test_a_chosen_version_goes_over_the_pinned_one(tmp_path: Path) -> None:
    write_component(tmp_path / "components", "keeper", PINNED)

    def sources(*words: str) -> list[str]:
        manifest = lab(tmp_path, {"one": ["keeper"]}, "", *words).components["keeper"].manifest
        return [source.kind for source in manifest.artefacts["keeper"].sources]

    assert sources() == sources("versions.keeper=1.8.7") == ["url"]
    assert sources("versions.keeper=1.9.2") == ["go"]


def test_the_old_api_of_etcd_ended_with_3_6() -> None:
    def made(version: str) -> Lab:
        loaded = load_blueprint(find_blueprint("etcd-haproxy"))
        return resolve(loaded, provider="docker", overrides=[f"versions.etcd={version}", "etcd.enable_v2=true"])

    assert made("3.5.35").versions["etcdctl"] == "3.5.35"
    with pytest.raises(LabgenError) as caught:
        made("3.6.16")
    assert "enable_v2 is on, and etcd 3.6.16 has the old API (v2) no more" in str(caught.value)
