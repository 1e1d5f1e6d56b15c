"""From a word on the command line to a lab: new, existing, changed, refused."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from labs import MANAGES, blueprint_text, write_component

from labgen.actions.lab.listing import lab_lines
from labgen.actions.lab.ranges import in_a_free_range
from labgen.actions.session.find import find_lab_blueprint
from labgen.actions.session.open import LabRequest, OpenLab, check_lab_name, existing_lab, lab_of
from labgen.errors import (
    AddressInUseError,
    DocumentError,
    LabgenError,
    RangeLostError,
    UnknownNameError,
    UsageError,
    VagrantError,
)
from labgen.lab.scaling import grown
from labgen.overrides.words import changed
from labgen.providers.docker import DockerProvider
from labgen.state import lab_folder
from tests.fakes.reporter import Heard

CHOSEN = """\
versions: {debian-13: 2.4.0, debian-12: 2.0.1}
other_versions: {kind: pypi, package: agent, minimum: 2.0.0}
"""
PARAMETER = "parameters: {port: {type: integer, default: 1, doc: a port}}\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with sample.yml and components/agent, which is the current one; the state is below it."""
    monkeypatch.setenv("LABGEN_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    write_component(tmp_path / "components", "agent", PARAMETER)
    profiles = "profiles:\n  modern: {os: debian-13, summary: new}\n  published: {os: debian-11, summary: old}\n"
    (tmp_path / "sample.yml").write_text(blueprint_text({"one": ["agent"]}, profiles=profiles))
    return tmp_path


def request(lab: str = "sample.yml", **asked: object) -> LabRequest:
    return LabRequest(lab, **{"provider": "docker", "components": (Path("components"),), **asked})  # type: ignore[arg-type]


def test_new(here: Path) -> None:
    opened = lab_of(request(overrides=("agent.port=2",)))
    assert (opened.lab.name, opened.lab.profile, opened.lab.provider) == ("sample", "modern", "docker")
    assert opened.lab.nodes[0].settings["agent"]["port"] == 2
    assert opened.record.blueprint == str(here / "sample.yml")
    assert opened.record.components == (str(here / "components"),)
    assert opened.record.baked
    assert not opened.folder.exists()
    opened.save()
    assert opened.folder.exists()


def test_existing_by_its_name(here: Path) -> None:
    lab_of(request(overrides=("agent.port=2",), profile="published", baked=False)).save()
    opened = lab_of(LabRequest("sample"))
    assert opened.lab.os == "debian-11"
    assert opened.lab.nodes[0].settings["agent"]["port"] == 2
    assert not opened.record.baked
    assert existing_lab("sample").lab == opened.lab
    assert lab_of(LabRequest("sample", overrides=("agent.port=3",))).lab.nodes[0].settings["agent"]["port"] == 3
    assert lab_of(LabRequest("sample", baked=True)).record.baked
    assert find_lab_blueprint("sample") == here / "state" / "labs" / "sample" / "blueprint.yml"


def test_an_edited_blueprint_counts_and_its_copy_when_it_is_gone(here: Path) -> None:
    lab_of(request()).save()
    (here / "sample.yml").write_text(blueprint_text({"one": ["agent"], "two": ["agent"]}))
    assert len(lab_of(LabRequest("sample")).lab.nodes) == 2
    assert len(existing_lab("sample").lab.nodes) == 1
    (here / "sample.yml").unlink()
    assert len(lab_of(LabRequest("sample")).lab.nodes) == 1


def test_a_damaged_copy_is_taken_anew(here: Path) -> None:
    lab_of(request()).save()
    copy = here / "state" / "labs" / "sample" / "blueprint.yml"
    copy.write_text("name: [")
    with pytest.raises(DocumentError) as told:
        existing_lab("sample")
    assert f"labgen up sample takes this copy anew from {here / 'sample.yml'}" in str(told.value)
    lab_of(LabRequest("sample")).save()
    assert existing_lab("sample").lab.name == "sample"


def test_an_edited_blueprint_may_have_faults(here: Path) -> None:
    lab_of(request()).save()
    (here / "sample.yml").write_text("name: [")
    with pytest.raises(DocumentError):
        lab_of(LabRequest("sample"))
    assert existing_lab("sample").lab.name == "sample"


def test_other_components_replace_those_of_the_record(here: Path) -> None:
    lab_of(request()).save()
    write_component(here / "more", "agent", PARAMETER.replace("default: 1", "default: 7"))
    opened = lab_of(LabRequest("sample", components=(Path("more"),)))
    assert opened.lab.nodes[0].settings["agent"]["port"] == 7
    assert opened.record.components == (str(here / "more"),)


@pytest.mark.usefixtures("alone")
def test_second_lab_of_one_blueprint(here: Path) -> None:
    lab_of(request()).save()
    second = lab_of(request(name="second", profile="published"), make=True)
    second.save()
    assert second.lab.name == "second"
    assert not any("second lab" in note for note in second.notes)
    assert second.folder.path == here / "state" / "labs" / "second"
    assert existing_lab("sample").lab.profile == "modern"
    assert lab_of(request(name="second")).lab.profile == "published"


@pytest.mark.usefixtures("here", "alone")
def test_a_second_lab_by_the_name_of_the_first_is_said() -> None:
    lab_of(request()).save()
    second = lab_of(request("sample", name="second"), make=True)
    assert second.notes[0] == "second is a second lab: sample stays as it is"
    # A blueprint's name stands for the blueprint.
    lab_of(LabRequest("etcd-haproxy", provider="docker"), make=True).save()
    third = lab_of(LabRequest("etcd-haproxy", "third", provider="docker"), make=True)
    assert not any("second lab" in note for note in third.notes)


def test_existing_keeps_its_system_and_its_versions(here: Path) -> None:
    write_component(here / "components", "agent", CHOSEN + PARAMETER)
    lab_of(request(overrides=("versions.agent=2.1.0",))).save()
    assert lab_of(LabRequest("sample", overrides=("versions.agent=2.1", "agent.port=2"))).lab.versions["agent"] == "2.1"
    for words in (("versions.agent=2.1.1",), ("versions.agent=2.4.0",)):
        with pytest.raises(
            UsageError, match=r"the lab sample exists with the agent version 2\.1\.0, not 2\."
        ) as caught:
            lab_of(LabRequest("sample", overrides=words), make=True)
        assert caught.value.cure
        assert caught.value.cure.endswith("another --name; --set versions.agent=2.1.0 keeps it")
    with pytest.raises(UsageError, match="the lab sample exists with the operating system debian-13, not debian-12"):
        lab_of(LabRequest("sample", overrides=("versions.agent=2.1.0", "os=debian-12")), make=True)


def test_an_edited_blueprint_does_not_change_what_is_installed(here: Path) -> None:
    write_component(here / "components", "agent", CHOSEN + PARAMETER)
    lab_of(request()).save()
    text = (here / "sample.yml").read_text()
    (here / "sample.yml").write_text(text.replace("os: debian-13", "os: debian-13, versions: {agent: 2.4.0}"))
    assert lab_of(LabRequest("sample")).lab.versions["agent"] == "2.4.0"
    (here / "sample.yml").write_text(text.replace("os: debian-13", "os: debian-13, versions: {agent: 2.3.0}"))
    with pytest.raises(
        UsageError, match=r"the lab sample exists with the agent version 2\.4\.0, not 2\.3\.0"
    ) as caught:
        lab_of(LabRequest("sample"), make=True)
    assert caught.value.where == str(here / "sample.yml")
    # A lab whose own copy is of no use any more is taken as it is now.
    (here / "state" / "labs" / "sample" / "blueprint.yml").write_text("name: [")
    assert lab_of(LabRequest("sample")).lab.versions["agent"] == "2.3.0"


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("asked", [{"provider": "libvirt"}, {"profile": "published"}])
def test_existing_stays_what_it_is(asked: dict[str, str]) -> None:
    lab_of(request()).save()
    for lab in ("sample", "sample.yml"):
        with pytest.raises(UsageError, match=r"the lab sample exists with the \w+ \w+, not \w+"):
            lab_of(request(lab, **asked), make=True)
        # A question is answered all the same.
        answered = lab_of(request(lab, **asked)).lab
        assert {"provider": answered.provider, "profile": answered.profile}.items() >= asked.items()


def test_a_name_is_not_taken_over_by_another_blueprint(here: Path) -> None:
    lab_of(request(name="mine")).save()
    (here / "other.yml").write_text((here / "sample.yml").read_text().replace("name: sample", "name: other"))
    with pytest.raises(UsageError, match="the lab mine exists with the blueprint sample, not other"):
        lab_of(request("other.yml", name="mine"))
    shutil.move(here / "sample.yml", here / "moved.yml")
    assert lab_of(request("moved.yml", name="mine")).record.blueprint == str(here / "moved.yml")


@pytest.mark.parametrize(
    "name", ["", "Mine", "a b", "../x", "a--b", "-a", "a-", "1a", "a" * 41, "a\n", "ä", "a/b", "$x"]
)
def test_lab_names(here: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a lab"):
        check_lab_name(name)
    if name:
        with pytest.raises(UsageError, match="cannot name a lab"):
            lab_of(request(name=name))
    assert not lab_folder("mine").exists()
    assert [path.name for path in here.iterdir() if path.name == "x"] == []


def test_a_scaled_lab_is_what_everybody_sees(here: Path) -> None:
    write_component(here / "components", "patroni", PARAMETER + MANAGES)
    nodes = {"one": ["patroni"], "two": ["patroni"], "three": ["patroni"]}
    (here / "sample.yml").write_text(blueprint_text(nodes))
    lab_of(request(overrides=("nodes.three.patroni.port=3", "nodes.two.patroni.port=2"))).save()
    opened = existing_lab("sample")
    bigger = opened.rescaled(grown(opened.lab, opened.record.scale))
    bigger.save()
    for seen in (bigger, existing_lab("sample"), lab_of(LabRequest("sample")), lab_of(request())):
        assert [node.name for node in seen.lab.nodes] == ["one", "two", "three", "three2"]
    with_words = lab_of(request(overrides=("nodes.three.patroni.port=3", "nodes.three2.patroni.port=9")))
    assert with_words.lab.node("three2").settings["patroni"]["port"] == 9
    # What was said about a node goes with it.
    smaller = with_words.rescaled(with_words.record.scale.without("three2"))
    assert smaller.record.overrides == ("nodes.two.patroni.port=2", "nodes.three.patroni.port=3")
    smallest = opened.rescaled(opened.record.scale.without("three"))
    assert smallest.record.overrides == ("nodes.two.patroni.port=2",)
    smallest.save()
    assert [node.name for node in existing_lab("sample").lab.nodes] == ["one", "two"]
    back = smallest.rescaled(grown(smallest.lab, smallest.record.scale))
    assert [node.name for node in back.lab.nodes] == ["one", "two", "three"]


@pytest.mark.usefixtures("here")
def test_unknown_words() -> None:
    lab_of(request()).save()
    with pytest.raises(UnknownNameError) as caught:
        lab_of(LabRequest("simple"))
    assert caught.value.what == "no blueprint or lab is called 'simple'"
    assert caught.value.cure == "did you mean 'sample'?"
    with pytest.raises(UnknownNameError) as caught:
        lab_of(LabRequest("consul-pgbuncer"))
    assert caught.value.cure == "did you mean 'consul-pgbouncer'?"
    with pytest.raises(UsageError, match=r"there is no blueprint file absent\.yml"):
        lab_of(LabRequest("absent.yml"))
    with pytest.raises(UsageError, match="there is no lab consul-pgbouncer yet") as yet:
        existing_lab("consul-pgbouncer")
    assert yet.value.cure == "labgen up consul-pgbouncer"
    with pytest.raises(UnknownNameError) as caught:
        existing_lab("simple")
    assert caught.value.known == ["sample"]
    with pytest.raises(UnknownNameError) as caught:
        lab_of(request("sample.yml", name="new", provider="doker"))
    assert caught.value.cure == "did you mean 'docker'?"
    with pytest.raises(UnknownNameError) as caught:
        lab_of(request("sample.yml", name="new", profile="modrn"))
    assert caught.value.cure == "did you mean 'modern'?"


def test_damaged_lab_is_told(here: Path) -> None:
    lab_of(request()).save()
    (here / "state" / "labs" / "sample" / "lab.json").write_text("{")
    with pytest.raises(LabgenError, match="damaged"):
        lab_of(LabRequest("sample"))
    with pytest.raises(LabgenError, match="damaged"):
        lab_of(request())
    with pytest.raises(LabgenError, match="damaged"):
        existing_lab("sample")


@pytest.mark.usefixtures("here")
def test_provider_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labgen.actions.session.open.default_provider", lambda: "libvirt")
    assert lab_of(request(provider=None)).lab.provider == "libvirt"


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host whose providers and routes hold nothing."""
    monkeypatch.setattr("labgen.actions.session.networks.ranges_in_use", lambda _lab: [])


def addresses(opened: OpenLab) -> list[str]:
    return [node.address for node in opened.lab.nodes]


@pytest.mark.usefixtures("here", "alone")
def test_each_copy_gets_a_network_of_its_own() -> None:
    first = lab_of(request(), make=True)
    assert (first.record.network, first.notes) == ("192.168.60.0/24", ())
    first.save()
    second = lab_of(request(name="second"), make=True)
    assert second.notes == ("192.168.60.0/24 is the lab sample's: this one gets 192.168.61.0/24",)
    assert addresses(second) == ["192.168.61.11"]
    second.save()
    third = lab_of(request(name="third"), make=True)
    assert addresses(third) == ["192.168.62.11"]
    assert third.notes == ("192.168.60.0/24 is the lab sample's: this one gets 192.168.62.0/24",)
    # It stays, whatever is done with the lab, and whatever becomes of the others.
    first.folder.remove()
    again = [
        lab_of(request(name="second"), make=True),
        lab_of(LabRequest("second", overrides=("agent.port=3",)), make=True),
    ]
    for opened in (*again, existing_lab("second")):
        assert addresses(opened) == ["192.168.61.11"]
        assert opened.record.network == "192.168.61.0/24"
        assert opened.notes == ()
    assert addresses(lab_of(request(), make=True)) == ["192.168.60.11"]


@pytest.mark.usefixtures("here", "alone")
def test_what_is_only_looked_at_keeps_the_blueprints_network() -> None:
    lab_of(request()).save()
    assert addresses(lab_of(request(name="second"))) == ["192.168.60.11"]


@pytest.mark.usefixtures("here")
def test_ranges_in_use_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    lab_of(request()).save()
    used = [IPv4Network("192.168.61.0/24"), IPv4Network("192.168.62.64/26")]
    monkeypatch.setattr("labgen.actions.session.networks.ranges_in_use", lambda _lab: used)
    assert addresses(lab_of(request(name="second"), make=True)) == ["192.168.63.11"]


@pytest.mark.usefixtures("here")
def test_no_range_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    lab_of(request()).save()
    monkeypatch.setattr("labgen.actions.session.networks.ranges_in_use", lambda _lab: [IPv4Network("192.168.0.0/16")])
    second = lab_of(request(name="second"), make=True)
    with pytest.raises(AddressInUseError) as caught:
        second.save()
    assert caught.value.lines() == [
        "error: the lab's network 192.168.60.0/24 is in use here: 192.168.60.0/24 is the lab sample's",
        "  next:  give the lab another range: --set network.cidr=…; without it labgen looks for one that is free",
        "         or, if the other lab is not needed: labgen destroy sample --yes",
    ]
    assert not second.folder.exists()


def all_at_once(count: int) -> list[OpenLab]:
    """COUNT labs that have been opened before any of them is written down."""
    return [lab_of(request(name=f"lab-{number}"), make=True) for number in range(count)]


def saved(opened: OpenLab) -> OpenLab:
    opened.save()
    return opened


@pytest.fixture
def nothing_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """No machine of any lab is there."""
    monkeypatch.setattr(
        DockerProvider, "states", lambda _self, lab, _vagrant: {node.name: "absent" for node in lab.nodes}
    )


@pytest.mark.usefixtures("here", "alone", "nothing_there")
def test_ten_labs_at_the_same_moment_get_a_range_each() -> None:
    opened = all_at_once(10)
    with ThreadPoolExecutor(10) as pool:
        made = list(pool.map(lambda one: in_a_free_range(one, Heard(), saved), opened))
    ranges = {one.lab.network.cidr for one in made}
    assert ranges == {f"192.168.{number}.0/24" for number in range(60, 70)}
    assert {existing_lab(one.lab.name).lab.network.cidr for one in made} == ranges


@pytest.mark.usefixtures("here", "alone", "nothing_there")
def test_a_range_that_docker_gives_another_is_left() -> None:
    """Other users and other state folders do not ask this one's lock."""

    def boot(one: OpenLab) -> OpenLab:
        one.save()
        if one.lab.network.cidr < "192.168.62":
            said = "Error response from daemon: Pool overlaps with other one on this address space"
            raise VagrantError("`vagrant up` failed", detail=["docker network create labgen-sample: " + said])
        return one

    reporter = Heard()
    made = in_a_free_range(lab_of(request(), make=True), reporter, boot)
    assert addresses(made) == ["192.168.62.11"]
    assert existing_lab("sample").lab.network.cidr == "192.168.62.0/24"
    assert reporter.notes[0] == "192.168.60.0/24 was taken meanwhile: this lab gets 192.168.61.0/24"
    asked = lab_of(request(name="asked", overrides=("network.cidr=192.168.61.0/24",)), make=True)
    with pytest.raises(VagrantError):
        in_a_free_range(asked, Heard(), boot)


@pytest.mark.usefixtures("here", "alone")
def test_a_lab_with_machines_does_not_move(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DockerProvider, "states", lambda _self, lab, _vagrant: {lab.nodes[0].name: "stopped"})
    saved(lab_of(request(), make=True))

    def boot(one: OpenLab) -> OpenLab:
        raise RangeLostError(f"{one.lab.network.cidr} is taken")

    with pytest.raises(RangeLostError):
        in_a_free_range(existing_lab("sample"), Heard(), boot)


@pytest.mark.usefixtures("here", "alone")
def test_an_explicit_network_is_not_replaced() -> None:
    lab_of(request()).save()
    asked = lab_of(request(name="second", overrides=("network.cidr=192.168.60.0/25",)), make=True)
    assert (addresses(asked), asked.notes) == (["192.168.60.11"], ())
    with pytest.raises(AddressInUseError, match=r"192\.168\.60\.0/24 is the lab sample's"):
        asked.save()
    other = lab_of(request(name="second", overrides=("network.cidr=10.77.5.0/24",)), make=True)
    other.save()
    assert addresses(existing_lab("second")) == ["10.77.5.11"]
    assert addresses(lab_of(LabRequest("second", overrides=("agent.port=3",)))) == ["10.77.5.11"]
    assert addresses(lab_of(LabRequest("second", overrides=("network.cidr=10.77.5.0/24",)))) == ["10.77.5.11"]


@pytest.mark.usefixtures("here", "alone")
def test_two_new_labs_at_the_same_moment() -> None:
    """Both have looked before one was written down: the later one is told, and repeats itself."""
    one, two = (lab_of(request(name=name), make=True) for name in ("one", "two"))
    one.save()
    with pytest.raises(AddressInUseError, match="the lab one's"):
        two.save()
    lab_of(request(name="two"), make=True).save()
    assert addresses(existing_lab("two")) == ["192.168.61.11"]


@pytest.mark.usefixtures("here")
def test_a_lab_stays_in_its_network() -> None:
    lab_of(request()).save()
    with pytest.raises(UsageError) as caught:
        lab_of(LabRequest("sample", overrides=("network.cidr=10.77.5.0/24",)), make=True)
    assert caught.value.lines() == [
        "error: the lab sample exists with the network 192.168.60.0/24, not 10.77.5.0/24",
        "  where: --set network.cidr=10.77.5.0/24",
        "  next:  labgen destroy sample --yes, or make a second lab with another --name",
    ]


@pytest.mark.usefixtures("alone")
def test_labs_from_before_have_their_blueprints_network(here: Path) -> None:
    lab_of(request()).save()
    record = here / "state" / "labs" / "sample" / "lab.json"
    record.write_text(
        json.dumps({key: value for key, value in json.loads(record.read_text()).items() if key != "network"})
    )
    assert addresses(existing_lab("sample")) == ["192.168.60.11"]
    assert lab_lines()[0]["network"] == "192.168.60.0/24"
    assert addresses(lab_of(request(name="second"), make=True)) == ["192.168.61.11"]


@pytest.mark.usefixtures("alone")
def test_a_damaged_lab_holds_no_range(here: Path) -> None:
    lab_of(request()).save()
    (here / "state" / "labs" / "sample" / "lab.json").write_text("{")
    assert addresses(lab_of(request(name="second"), make=True)) == ["192.168.60.11"]
    assert lab_lines() == [{"name": "sample", "blueprint": "damaged", "network": "", "profile": "", "provider": ""}]


@pytest.mark.usefixtures("here", "alone")
def test_a_lab_remembers_its_words() -> None:
    lab_of(request(overrides=("agent.port=2", "os=debian-12")), make=True).save()
    # Another word, and the first one stays; so does the operating system, without which this would be refused.
    opened = lab_of(request(overrides=("nodes.one.memory=512",)), make=True)
    opened.save()
    assert opened.record.overrides == ("agent.port=2", "os=debian-12", "nodes.one.memory=512")
    assert opened.notes == ("still set: agent.port=2, os=debian-12; labgen up sample --unset agent.port takes it back",)
    again = lab_of(LabRequest("sample", overrides=("agent.port=3",)), make=True)
    assert again.lab.nodes[0].settings["agent"]["port"] == 3
    assert again.record.overrides == ("os=debian-12", "nodes.one.memory=512", "agent.port=3")
    assert again.notes[0] == "agent.port=3 in place of agent.port=2"
    # What is said once more is no news.
    assert lab_of(LabRequest("sample", overrides=opened.record.overrides), make=True).notes == ()
    assert lab_of(LabRequest("sample"), make=True).notes == ()
    back = lab_of(LabRequest("sample", unset=("agent.port", "nodes.one")), make=True)
    assert back.record.overrides == ("os=debian-12",)
    assert back.notes[0] == "taken back: agent.port=2, nodes.one.memory=512"
    assert back.lab.nodes[0].settings["agent"]["port"] == 1
    with pytest.raises(UsageError) as caught:
        lab_of(LabRequest("sample", unset=("os",)), make=True)
    assert caught.value.lines()[:2] == [
        "error: the lab sample exists with the operating system debian-12, not debian-13",
        "  where: --unset os, or without --set os=debian-12",
    ]
    with pytest.raises(UsageError) as caught:
        lab_of(LabRequest("sample", unset=("agent.prt",)), make=True)
    assert caught.value.lines() == [
        "error: nothing is set for 'agent.prt'",
        "  where: --unset",
        "  next:  did you mean 'agent.port'?",
    ]
    with pytest.raises(UsageError, match="nothing is set for 'agent"):
        lab_of(request(name="new", unset=("agent.port",)), make=True)


def test_a_wider_word_goes_over_narrower_ones() -> None:
    had = ("a.map.x=1", "a.map.y=2", "a.mapper=3")
    assert changed(had, ("a.map={z: 1}",)).words == ("a.mapper=3", "a.map={z: 1}")
    assert changed(had, ("a.map.x=9",)).words == ("a.map.y=2", "a.mapper=3", "a.map.x=9")


@pytest.mark.usefixtures("here", "alone")
def test_a_typo_is_answered_with_what_was_meant() -> None:
    lab_of(request(), make=True).save()
    for make in (True, False):
        for asked, meant in (({"profile": "modrn"}, "modern"), ({"provider": "dokcer"}, "docker")):
            with pytest.raises(UnknownNameError) as caught:
                lab_of(LabRequest("sample", **asked), make=make)
            assert caught.value.cure == f"did you mean '{meant}'?"
