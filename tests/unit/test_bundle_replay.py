"""What is made of a bundle, and what is not; nothing is booted here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bundles import BLUEPRINT, LOCK, lock_for, record, write_bundle

from labgen.actions.bundle.proposal import HOME, ReplayProposal, offered, settled
from labgen.actions.bundle.repro import document_member
from labgen.bundle.compare import CheckPair, check_pairs, package_differences
from labgen.bundle.model import is_place
from labgen.cli.commands.replay import statement
from labgen.errors import DocumentError, LabgenError, LockError, UsageError
from labgen.lab.keys import KeyPair
from labgen.lab.model import Lab
from labgen.overrides import read_overrides
from labgen.plan import build_plan
from labgen.render.lab import Machines, render_lab
from labgen.render.model import Rendered
from labgen.resources import resource

COMPONENT = """\
name: extra
summary: one of the user's own
{more}
"""
INSTALL = '#!/usr/bin/env bash\n. "${LABGEN_LIB:?}"\n'
WITH_EXTRA = BLUEPRINT.replace("[postgresql, patroni]", "[postgresql, patroni, extra]")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABGEN_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("LABGEN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "state"


def extra(more: str = "", **files: str) -> dict[str, str | None]:
    """The members of a bundle whose lab has a component of the user's own."""
    return {
        "blueprint.yml": WITH_EXTRA,
        "lab.json": record(components=["components/0"]),
        "components/0/extra/component.yml": COMPONENT.format(more=more),
        "components/0/extra/install.sh": INSTALL,
        **{f"components/0/extra/{name}": text for name, text in files.items()},
    }


def refused(path: Path, **options: object) -> LabgenError:
    with pytest.raises(LabgenError) as caught, offered(path, lambda _: None, **options):  # type: ignore[arg-type]
        pass
    return caught.value


def test_a_lab_is_offered_as_it_was(tmp_path: Path, state: Path) -> None:
    words = ("patroni.ttl=40", "nodes.one.memory=700")
    path = write_bundle(tmp_path / "x.tar.zst", {"lab.json": record(overrides=words)})
    with offered(path, lambda _: None) as offer:
        lab = offer.opened.lab
        assert (lab.name, lab.provider, lab.profile, lab.os) == ("small", "docker", "modern", "debian-13")
        assert lab.node("one").settings["patroni"]["ttl"] == 40
        assert lab.node("one").memory == 700
        assert offer.by_lock
        assert offer.scripts == ()
        assert not offer.opened.folder.path.exists()
    # Nobody said yes: nothing is left.
    assert not list(state.iterdir())


def test_it_settles_in_the_labs_own_folder(tmp_path: Path, state: Path) -> None:
    path = write_bundle(tmp_path / "x.tar.zst")
    with offered(path, lambda _: None, name="again") as offer:
        opened = settled(offer)
    assert opened.lab.name == "again"
    assert opened.lab.lock == LOCK
    assert opened.blueprint == state / "labs" / "again" / HOME / "blueprint.yml"
    assert opened.record.blueprint == str(opened.blueprint)
    assert opened.blueprint.read_text() == BLUEPRINT
    assert [path.name for path in state.iterdir()] == ["labs"]
    assert (state / "labs" / "again").stat().st_mode & 0o777 == 0o700


def test_nodes_that_came_and_went_are_as_they_were(tmp_path: Path) -> None:
    scale = {"added": [["two", "192.168.61.12"]], "removed": [], "by": 1, "left": 0}
    path = write_bundle(tmp_path / "x.tar.zst", {"lab.json": record(scale=scale)})
    with offered(path, lambda _: None) as offer:
        assert [node.name for node in offer.opened.lab.nodes] == ["dcs", "one", "two"]
        assert offer.opened.record.scale.by == 0


def test_what_was_rendered_elsewhere_is_not_used(tmp_path: Path) -> None:
    evil = {
        "rendered/Vagrantfile": "system('touch /tmp/evil')\n",
        "rendered/components/patroni/start.sh": "touch /tmp/evil\n",
        "rendered/vagrant/steps.rb": "touch /tmp/evil\n",
    }
    path = write_bundle(tmp_path / "x.tar.zst", {**evil})
    with offered(path, lambda _: None) as offer:
        lab = offer.opened.lab
        assert not [part for part in lab.components.values() if part.folder.is_relative_to(offer.home)]
        rendered = rendered_of(lab)
    assert not [name for name, file in rendered.items() if "evil" in file.text]


SECRETS = {
    "patroni": dict.fromkeys(
        ("superuser_password", "replication_password", "rewind_password", "rest_password", "app_password"), "x"
    )
}


def rendered_of(lab: Lab) -> Rendered:
    machines = Machines({node.name: "image" for node in lab.nodes})
    return render_lab(lab, build_plan(lab), SECRETS, KeyPair("key\n", "key"), machines)


def test_components_of_its_own_are_installed_in_the_guests_only(tmp_path: Path) -> None:
    path = write_bundle(tmp_path / "x.tar.zst", extra())
    with offered(path, lambda _: None) as offer:
        assert offer.opened.record.baked is False
        assert offer.by_lock is False
        assert offer.scripts == ("components/0/extra/install.sh",)
        opened = settled(offer)
    assert opened.lab.components["extra"].folder == opened.folder.path / HOME / "components" / "0" / "extra"


def test_templates_of_its_own_see_no_more_than_values(tmp_path: Path) -> None:
    more = "files:\n  - {template: x.j2, path: /etc/x}\n"
    escapes = (
        "{{ ''.__class__.__mro__ }}",
        "{{ node.__init__.__globals__ }}",
        "{{ nodes.__self__ }}",
        "{% include '/etc/passwd' %}",
    )
    for number, escape in enumerate(escapes):
        path = write_bundle(tmp_path / "x.tar.zst", extra(more, **{"x.j2": f"{escape}\n"}))
        with (
            offered(path, lambda _: None, name=f"lab{number}") as offer,
            pytest.raises(UsageError, match=r"the template x\.j2 of extra fails"),
        ):
            rendered_of(offer.opened.lab)


def artefact(source: str) -> str:
    return f"artefacts:\n  thing:\n    version: 1.0.0\n    sources:\n      - {source}\n"


def test_what_a_component_of_its_own_fetches_is_told(tmp_path: Path) -> None:
    source = "{kind: url, url: 'https://elsewhere.invalid/thing', sha256: " + "a" * 64 + "}"
    path = write_bundle(tmp_path / "x.tar.zst", extra(artefact(source)))
    with offered(path, lambda _: None) as offer:
        assert offer.addresses == ("thing 1.0.0 from https://elsewhere.invalid/thing",)
        assert "  this machine would fetch thing 1.0.0 from https://elsewhere.invalid/thing" in statement(offer)


@pytest.mark.parametrize(
    "source",
    [
        "{kind: go, module: elsewhere.invalid/thing, version: v1.0.0, sum: 'h1:x'}",
        "{kind: pypi, python: '3.13', requirements: [thing==1.0.0]}",
        "{kind: pypi, python: '3.13', requirements: ['-e git+https://elsewhere.invalid/thing#egg=thing']}",
    ],
)
def test_nothing_is_built_here_for_a_component_of_its_own(tmp_path: Path, source: str) -> None:
    error = refused(write_bundle(tmp_path / "x.tar.zst", extra(artefact(source))))
    assert isinstance(error, LockError)
    assert error.what == "the bundle's component extra wants thing built on this machine"


def test_a_copy_of_a_component_may_have_what_labgens_own_has(tmp_path: Path) -> None:
    own = resource("scripts") / "patroni"
    members = {f"components/0/patroni/{file.name}": file.read_text() for file in own.iterdir()}
    words = ("versions.patroni=3.0.4", "os=debian-12")
    about = {"lab.json": record(components=["components/0"], overrides=words)}
    with offered(write_bundle(tmp_path / "x.tar.zst", {**members, **about}), lambda _: None) as offer:
        assert offer.opened.lab.versions["patroni"] == "3.0.4"
    manifest = members["components/0/patroni/component.yml"].replace("built: [cdiff,", "built: [evil, cdiff,")
    manifest = manifest.replace('cdiff: "1.0"', 'evil: "1.0"\n    cdiff: "1.0"')
    changed = {**members, **about, "components/0/patroni/component.yml": manifest}
    error = refused(write_bundle(tmp_path / "x.tar.zst", changed))
    assert "wants patroni built on this machine" in error.what


def test_a_strangers_box_is_refused(tmp_path: Path) -> None:
    error = refused(write_bundle(tmp_path / "x.tar.zst", {"lab.json": record(overrides=["box=stranger/box"])}))
    assert "boots from the box stranger/box" in error.what
    assert "would run here" in error.detail[0]


def test_a_lab_of_that_name_is_left_alone(tmp_path: Path, state: Path) -> None:
    path = write_bundle(tmp_path / "x.tar.zst")
    (state / "labs" / "small").mkdir(parents=True)
    (state / "labs" / "small" / "lab.json").write_text(record())
    assert "there is a lab small already" in refused(path).what
    with offered(path, lambda _: None, name="other") as offer:
        assert offer.opened.lab.name == "other"


def test_a_replay_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    path = write_bundle(tmp_path / "x.tar.zst")
    with offered(path, lambda _: None) as offer:
        settled(offer).save()
    with offered(path, lambda _: None) as offer:
        assert offer.by_lock
        assert settled(offer).lab.lock == LOCK
    another = write_bundle(tmp_path / "y.tar.zst", {"checks.json": "{}"})
    assert "which was not made from this bundle" in refused(another).what


@pytest.mark.parametrize(
    "damage",
    [
        {"blueprint.yml": None},
        {"lab.json": "{"},
        {"lab.json": json.dumps({"format": 1})},
        {"lab.json": record(name="../../etc")},
        {"lab.json": record(network="nonsense")},
    ],
)
def test_a_record_that_makes_no_lab(tmp_path: Path, damage: dict[str, str | None]) -> None:
    error = refused(write_bundle(tmp_path / "x.tar.zst", damage))
    assert isinstance(error, LockError)
    assert error.what == "the bundle is refused, and nothing of it has been taken in"


@pytest.mark.parametrize("name", ["overrides/1/labs/small.yml", "repro/labs/small.yaml"])
def test_no_blueprint_of_this_machine_is_read_for_a_bundle(tmp_path: Path, name: str) -> None:
    path = write_bundle(tmp_path / "x.tar.zst", {name: f"extends: {tmp_path}/mine.yml\n{BLUEPRINT}"})
    assert refused(path).detail == (f"{name} extends another blueprint",)


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("mine.yml", "overrides/2/mine.yml"),
        ("my own.yml", "overrides/2/document.yml"),
        ("bügel.yaml", "overrides/2/document.yaml"),
        ("a b", "overrides/2/document.yml"),
    ],
)
def test_a_document_with_a_name_of_any_kind_has_a_place(tmp_path: Path, name: str, member: str) -> None:
    (tmp_path / name).write_text("settings: {patroni: {ttl: 40}}\n")
    assert document_member(2, read_overrides(tmp_path / name)) == member
    assert is_place(member)


def test_a_faulty_blueprint_is_told_like_any_other(tmp_path: Path) -> None:
    path = write_bundle(tmp_path / "x.tar.zst", {"blueprint.yml": BLUEPRINT.replace("[etcd]", "[etdc]")})
    assert isinstance(refused(path), DocumentError)


def test_a_lock_for_something_else(tmp_path: Path) -> None:
    path = write_bundle(tmp_path / "x.tar.zst")
    told = refused(path, provider="libvirt")
    assert told.what == "the bundle's lock is for docker, not libvirt"
    assert "--no-lock" in str(told.cure)
    with offered(path, lambda _: None, provider="libvirt", by_lock=False) as offer:
        assert (offer.by_lock, offer.opened.lab.provider) == (False, "libvirt")
    other = LOCK.labs[0].model_copy(update={"blueprint": "large"})
    path = write_bundle(tmp_path / "y.tar.zst", {"labgen.lock": lock_for(labs=(other,))})
    assert refused(path).what == "the bundle's lock does not go with what this labgen would make"


def test_it_says_first_what_it_would_do(tmp_path: Path) -> None:
    def told(offer: ReplayProposal) -> str:
        return "\n".join(statement(offer))

    with offered(write_bundle(tmp_path / "x.tar.zst"), lambda _: None, name="mine") as offer:
        text = told(offer)
    assert "the lab small of labgen 0.1.0, bundled 2026-11-25 12:00 UTC" in text
    assert "would make the lab mine on docker" in text
    assert "2 nodes of debian-13 in 192.168.61.0/24, of the packages of its lock" in text
    assert "etcd 3.5.16, patroni 4.0.7, postgresql 17" in text
    assert "Nothing of the bundle runs on this machine" in text
    with offered(write_bundle(tmp_path / "y.tar.zst", extra()), lambda _: None) as offer:
        text = told(offer)
    assert "inside the new lab only:\n  components/0/extra/install.sh" in text
    assert "the packages that this machine's mirror has now" in text
    assert all(char.isprintable() or char == "\n" for char in text)


def test_what_it_says_about_itself_drives_no_terminal(tmp_path: Path) -> None:
    path = write_bundle(tmp_path / "x.tar.zst", about={"notes": ["\x1b[2Jgone"], "checks": {"[bold]x": "\x1b]0;t\x07"}})
    with offered(path, lambda _: None) as offer:
        assert all(line.isprintable() for line in statement(offer))


def test_what_differs() -> None:
    then = {"one": ["alpha 1 all", "beta 2 amd64", "gone 1 all"], "away": ["alpha 1 all"]}
    now = {"one": ["alpha 1 all", "beta 3 amd64", "new 1 all"], "unknown": ["x 1 all"]}
    assert package_differences(then, now) == [
        "one: beta:amd64 3, 2 in the bundle",
        "one: gone:all is not there, 1 in the bundle",
        "one: new:all 1, was not there in the bundle",
    ]
    many = {"one": [f"p{number} 1 all" for number in range(20)]}
    assert package_differences(many, {"one": []})[-1] == "one: and 12 more"
    pairs = check_pairs({"a": "pass", "b": "fail", "c": "pass"}, {"a": "pass", "b": "pass"})
    assert pairs == (CheckPair("a", "pass", "pass"), CheckPair("b", "fail", "pass"), CheckPair("c", "pass", ""))
    assert [pair.same for pair in pairs] == [True, False, False]


@pytest.mark.parametrize(
    "change", [{"name": 1.5}, {"provider": 2.5}, {"profile": []}, {"baked": "no"}, {"overrides": [1]}]
)
def test_a_record_of_other_kinds_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    path = write_bundle(tmp_path / "x.tar.zst", {"lab.json": record(**change)})
    with pytest.raises(LockError) as caught, offered(path, lambda _: None):
        pass
    assert "lab.json is damaged" in caught.value.detail
