"""Which program is asked about which rendered file, what is handed into an image, and how its answer is read."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from labs import blueprint_text, lab, write_component

from labgen.actions.cache.lint import LintWork, lint, lint_work, unpassed
from labgen.actions.phases.base import Rendering, UpRequest
from labgen.actions.phases.lint import Lint
from labgen.actions.phases.machines import LabMachines
from labgen.actions.session.open import OpenLab
from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.errors import DocumentError, UsageError
from labgen.lab.model import Lab
from labgen.lab.resolve import resolve
from labgen.lab.secrets import make_secrets
from labgen.lint.passed import Passed, passed_key
from labgen.lint.run import ImageLint, read_complaints
from labgen.plan import Plan
from labgen.render.nodes import render_nodes
from labgen.resources import resource
from labgen.state import LabFolder, LabRecord

WEB = """\
parameters:
  port: {type: integer, default: 80, doc: where it listens}
files:
  - {template: web.conf, path: /etc/web/web.conf, mode: "0640", owner: "root:web"}
  - {template: page.html, path: /srv/page.html}
validate:
  - {files: [/etc/web/*], run: "web -t -p {{ p.port }}"}
  - {files: [/etc/nothing], run: "false"}
  - {files: [/etc/web/*], run: "{% if p.port > 100 %} web --strict {% endif %}"}
"""
TEMPLATES = {"install.sh": "true\n", "web.conf": "port {{ p.port }}\n", "page.html": "{{ node.name }}\n"}


def work_of(made: Lab, root: Path = Path("rendered")) -> LintWork:
    return lint_work(made, render_nodes(made, make_secrets(made.components.values())), root, baked=True)


def only_image(made: Lab) -> ImageLint:
    (image,) = work_of(made).images
    return image


def looks(image: ImageLint) -> dict[str, tuple[tuple[str, ...], list[str]]]:
    """Title → nodes and files of each check."""
    return {check.title: (check.nodes, [file.path for file in check.files]) for check in image.checks}


def tree(image: ImageLint) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(image.given)) as tar:
        return {entry.name: tar.extractfile(entry).read().decode() for entry in tar}  # type: ignore[union-attr]


def complaints_tar(said: Mapping[str, str]) -> bytes:
    """What `tar -c .` makes of lint.sh's complaints."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        folder = tarfile.TarInfo("./")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, text in said.items():
            entry = tarfile.TarInfo(f"./{name}")
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


# ---------------------------------------------------------------- what is asked


def test_a_validator_is_asked_where_its_files_are(tmp_path: Path) -> None:
    root = tmp_path / "components"
    write_component(root, "web", WEB, TEMPLATES)
    write_component(
        root, "plugin", "files:\n  - {template: x, path: /etc/web/plugin.conf}\n", {"x": "x\n", "install.sh": "true\n"}
    )
    write_component(root, "other", files={"install.sh": "true\n"})
    made = lab(tmp_path, {"one": ["web", "plugin"], "two": ["other"]})
    one, two = work_of(made).images
    assert looks(one) == {"web -t -p 80": (("one",), ["/etc/web/web.conf", "/etc/web/plugin.conf"])}
    assert looks(two) == {}
    assert [name for name in tree(two) if name.startswith("nodes")] == []


def test_the_same_files_are_looked_at_once(tmp_path: Path) -> None:
    write_component(tmp_path / "components", "web", WEB, TEMPLATES)
    text = blueprint_text({"one": ["web"], "two": ["web"], "three": ["web"]})
    (tmp_path / "sample.yml").write_text(text)
    loaded = load_blueprint(tmp_path / "sample.yml", (tmp_path / "components",))
    alike = only_image(resolve(loaded, provider="docker"))
    assert looks(alike) == {"web -t -p 80": (("one", "two", "three"), ["/etc/web/web.conf"])}
    assert {name.split("/")[1] for name in tree(alike) if name.startswith("nodes/")} == {"one"}
    different = only_image(resolve(loaded, provider="docker", overrides=["nodes.two.web.port=81"]))
    assert [(check.nodes, check.run) for check in different.checks] == [
        (("one", "three"), "web -t -p 80"),
        (("two",), "web -t -p 81"),
    ]


def test_a_validator_may_depend_on_values(tmp_path: Path) -> None:
    write_component(tmp_path / "components", "web", WEB, TEMPLATES)
    image = only_image(lab(tmp_path, {"one": ["web"]}, "", "web.port=101"))
    assert [check.run for check in image.checks] == ["web -t -p 101", "web --strict"]


def test_scripts_and_units_need_no_validator_in_a_manifest(tmp_path: Path) -> None:
    manifest = """\
files:
  - {template: unit, path: /etc/systemd/system/web.service}
  - {template: unit, path: /etc/systemd/system/ssh.service.d/web.conf}
  - {template: bash, path: /usr/local/bin/a, mode: "0755"}
  - {template: sh, path: /usr/local/bin/b, mode: "0755"}
  - {template: python, path: /usr/local/bin/c, mode: "0755"}
"""
    templates = {
        "unit": "[Service]\nExecStart=/bin/true\n",
        "bash": "#!/usr/bin/env bash\n",
        "sh": "#! /bin/sh -e\n",
        "python": "#!/usr/bin/python3\n",
        "start.sh": "#!/usr/bin/env bash\n",
    }
    write_component(tmp_path / "components", "web", manifest, templates)
    image = only_image(lab(tmp_path, {"one": ["web"]}))
    assert looks(image) == {
        "bash -n": (("one",), ["/usr/local/bin/a", "/opt/labgen/components/web/start.sh"]),
        "sh -n": (("one",), ["/usr/local/bin/b"]),
        "python3 -m ast": (("one",), ["/usr/local/bin/c"]),
        "systemd-analyze verify": (
            ("one",),
            ["/etc/systemd/system/web.service", "/etc/systemd/system/ssh.service.d/web.conf"],
        ),
    }
    assert tree(image)["nodes/one/checks/1"] == "parse 'sh -n' /usr/local/bin/b"


def test_every_program_of_the_built_in_labs_is_asked() -> None:
    made = resolve(load_blueprint(find_blueprint("consul-pgbouncer")), provider="docker")
    asked = [title for image in work_of(made).images for title in looks(image)]
    for program in ("consul validate", "consul-template -parse-only", "patroni --validate-config", "systemd-analyze"):
        assert any(program in title for title in asked), program


def test_what_is_handed_in(tmp_path: Path) -> None:
    write_component(tmp_path / "components", "web", WEB, TEMPLATES)
    made = lab(tmp_path, {"one": ["web"]})
    given = tree(only_image(made))
    assert given.pop("lint.sh").startswith("#!")
    assert given == {
        "nodes/one/address": "192.168.60.11/24\n",
        "nodes/one/files.list": "0640 root:web /etc/web/web.conf\n0644 root:root /srv/page.html\n"
        "0755 root:root /opt/labgen/components/web/install.sh\n",
        "nodes/one/files/opt/labgen/components/web/install.sh": "true\n",
        "nodes/one/files/etc/web/web.conf": "port 80\n",
        "nodes/one/files/srv/page.html": "one\n",
        "nodes/one/checks/0": "web -t -p 80",
    }
    assert only_image(made).digest == only_image(lab(tmp_path, {"one": ["web"]})).digest
    assert only_image(made).digest != only_image(lab(tmp_path, {"one": ["web"]}, "", "web.port=81")).digest


def test_a_command_that_cannot_be_worked_out(tmp_path: Path) -> None:
    folder = write_component(tmp_path / "components", "web", WEB.replace("p.port", "p.prot"), TEMPLATES)
    with pytest.raises(UsageError) as caught:
        work_of(lab(tmp_path, {"one": ["web"]}))
    assert caught.value.where == str(folder / "component.yml")
    assert "the validator 'web -t -p {{ p.prot }}' of web cannot be worked out on one" in caught.value.what


def test_faults_of_a_validator_in_a_manifest(tmp_path: Path) -> None:
    write_component(tmp_path / "components", "web", "validate:\n  - {files: [etc/web], rnu: x}\n")
    with pytest.raises(DocumentError) as caught:
        lab(tmp_path, {"one": ["web"]})
    told = "\n".join(map(str, caught.value.problems))
    assert "validate[0].files[0]" in told
    assert "rnu" in told
    assert "run" in told


# ---------------------------------------------------------------- what is answered


@pytest.fixture
def asked(tmp_path: Path) -> ImageLint:
    """A check each of a script and of two units on one node, and two of /etc/web on three."""
    manifest = """\
files:
  - {template: unit, path: /etc/systemd/system/web.service}
  - {template: unit, path: /etc/systemd/system/web.service.d/more.conf}
  - {template: sh, path: /usr/local/bin/web}
  - {template: conf, path: /etc/web/web.conf}
  - {template: conf, path: /etc/web/web.conf.d/more}
  - {template: page, path: /srv/page}
validate:
  - {files: [/etc/web/*], run: web -t}
"""
    templates = {"unit": "[Service]\n", "sh": "#!/bin/sh\n", "conf": "{{ node.name }}\n", "page": "a page\n"}
    write_component(tmp_path / "components", "web", manifest, templates)
    return only_image(lab(tmp_path, {"one": ["web"], "two": ["web"], "three": ["web"]}))


def blamed(asked: ImageLint, said: Mapping[str, str]) -> list[tuple[tuple[str, ...], list[str]]]:
    """Nodes and files of each complaint."""
    found = read_complaints(asked, complaints_tar(said))
    return [(complaint.nodes, [file.path for file in complaint.files]) for complaint in found]


def test_silence_is_consent(asked: ImageLint) -> None:
    assert read_complaints(asked, complaints_tar({})) == []


@pytest.mark.parametrize(
    ("check", "said", "files"),
    [
        (0, "/usr/local/bin/web: 3: Syntax error", ["/usr/local/bin/web"]),
        (1, "/etc/systemd/system/web.service:2: Unknown key", ["/etc/systemd/system/web.service"]),
        (1, "/etc/systemd/system/web.service.d/more.conf:2: no", ["/etc/systemd/system/web.service.d/more.conf"]),
        (1, "web.service: Command /x is not executable", ["/etc/systemd/system/web.service"]),
        (2, "line 1 of /etc/web/web.conf.d/more: no", ["/etc/web/web.conf.d/more"]),
        (2, "in /etc/web/web.conf.", ["/etc/web/web.conf"]),
        (2, "/srv/page is missing", ["/srv/page"]),
        (2, "/etc/web/web.conf.old, /my/etc/web/web.conf", ["/etc/web/web.conf", "/etc/web/web.conf.d/more"]),
        (2, "something is wrong", ["/etc/web/web.conf", "/etc/web/web.conf.d/more"]),
    ],
)
def test_the_file_that_is_named_is_blamed(asked: ImageLint, check: int, said: str, files: list[str]) -> None:
    assert [found for _, found in blamed(asked, {str(check): said})] == [files]


def test_a_validator_may_only_warn(tmp_path: Path) -> None:
    manifest = """\
files: [{template: conf, path: /etc/web/web.conf}]
validate:
  - {files: [/etc/web/*], run: web -t}
  - {files: [/etc/web/*], run: web --careful, level: warning}
"""
    write_component(tmp_path / "components", "web", manifest, {"conf": "x\n"})
    image = only_image(lab(tmp_path, {"one": ["web"]}))
    said = {str(number): "careful" for number in range(2)}
    told = {complaint.title: complaint.warns for complaint in read_complaints(image, complaints_tar(said))}
    assert told == {"web -t": False, "web --careful": True}


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ("listen p\n option httpchk\n server a 1:1 check\n server b 1:1 port 8008\n", ["b"]),
        ("listen p\n option httpchk\n default-server check\n server a 1:1\n server b 1:1 no-check\n", []),
        ("listen p\n server a 1:1\n", []),
        ("listen p\n option httpchk\n server a 1:1 no-check\n", []),
        ("defaults\n option httpchk\nlisten p\n server a 1:1\nlisten q\n server b 1:1 # check\n", ["a", "b"]),
    ],
)
def test_a_server_that_haproxy_never_asks_is_named(tmp_path: Path, lines: str, named: list[str]) -> None:
    path = tmp_path / "haproxy.cfg"
    path.write_text(lines)
    script = (resource("scripts") / "lint" / "lint.sh").read_text()
    function = script[script.index("servers_checked()") : script.index("export -f")]
    words = ["bash", "-c", f'{function}\nservers_checked "$1"', "bash", str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert [line.split()[3] for line in done.stdout.splitlines()] == named
    assert done.returncode == bool(named)


def test_the_same_words_are_one_complaint(asked: ImageLint) -> None:
    assert [check.run for check in asked.checks[2:]] == ["web -t"] * 3
    both = ["/etc/web/web.conf", "/etc/web/web.conf.d/more"]
    assert blamed(asked, {"2": "no", "4": "no", "3": "no, too"}) == [(("one", "three"), both), (("two",), both)]


def test_a_file_that_cannot_be_put_in_place(asked: ImageLint) -> None:
    said = {"0": "/usr/local/bin/web: no", "two": "/etc/web/web.conf: install: invalid user 'web'"}
    complaints = read_complaints(asked, complaints_tar(said))
    assert [(found.nodes, found.title) for found in complaints] == [
        (("one", "two", "three"), "install"),
        (("one", "two", "three"), "sh -n"),
    ]
    assert [file.path for file in complaints[0].files] == ["/etc/web/web.conf"]


# ---------------------------------------------------------------- the phase


class Notes:
    """A reporter that remembers what a person should read."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def phase_of(made: Lab, tmp_path: Path, notes: Notes, *, baked: bool) -> Lint:
    folder = LabFolder(tmp_path / "labs" / "sample")
    folder.path.mkdir(parents=True, exist_ok=True)
    record = LabRecord("sample", "sample.yml", made.profile, made.provider, baked=baked)
    secrets = make_secrets(made.components.values())
    request = UpRequest(
        opened=OpenLab(made, folder, record, tmp_path / "sample.yml"),
        plan=Plan(()),
        machines=LabMachines(made, None, None),  # type: ignore[arg-type]
        reporter=notes,  # type: ignore[arg-type]
        cache=tmp_path / "cache",
    )
    return Lint(request, Rendering(render_nodes(made, secrets), secrets, baked))


@pytest.mark.parametrize(
    ("baked", "box", "why"),
    [
        (False, "", "their programs are installed after the boot"),
        (True, "box=vendor/debian", "a vendor's box is not looked into"),
        (True, "", "their image is not here"),
    ],
)
def test_what_cannot_be_checked_is_said_once(tmp_path: Path, baked: bool, box: str, why: str) -> None:
    write_component(tmp_path / "components", "web", WEB, TEMPLATES)
    words = [box] if box else []
    made = lab(tmp_path, {"one": ["web"], "two": ["web"]}, "", *words)
    notes = Notes()
    phase = phase_of(made, tmp_path, notes, baked=baked)
    work = phase.work()
    assert work is not None
    phase.run(work)
    (note,) = notes.notes
    assert "those of one, two" in note
    assert why in note
    assert phase_of(made, tmp_path, notes, baked=baked).work() is None


def test_lint_is_needed_again_when_a_file_changes(tmp_path: Path) -> None:
    write_component(tmp_path / "components", "web", WEB, TEMPLATES)
    before, after = (lab(tmp_path, {"one": ["web"]}, "", f"web.port={port}") for port in (80, 81))
    notes = Notes()
    phase = phase_of(before, tmp_path, notes, baked=True)
    assert phase.work()
    work = phase.work()  # not done yet
    assert work is not None
    phase.run(work)
    assert phase_of(before, tmp_path, notes, baked=True).work() is None
    assert phase_of(after, tmp_path, notes, baked=True).work()


def test_nothing_to_check_is_no_work(tmp_path: Path) -> None:
    write_component(tmp_path / "components", "web")
    assert lint(work_of(lab(tmp_path, {"one": ["web"]})), {}, tmp_path / "cache") == ()


def test_a_value_that_is_refused_is_named_with_where_it_was_given(tmp_path: Path) -> None:
    write_component(tmp_path / "components", "web", WEB, TEMPLATES)
    image = only_image(lab(tmp_path, {"one": ["web"]}, "", "web.port=81"))
    said = "web.port: 81 is no port\nweb.prot: what\nHINT: another: one\n"
    (complaint,) = read_complaints(image, complaints_tar({"0": said}))
    assert complaint.lines == ("web.port: 81 is no port (--set web.port=81)", "web.prot: what", "HINT: another: one")
    default = only_image(lab(tmp_path, {"one": ["web"]}))
    (complaint,) = read_complaints(default, complaints_tar({"0": "web.port.of: mine\n"}))
    assert complaint.lines == ("web.port.of: mine (default)",)


# ---------------------------------------------------------------- what has passed before


SECRET = """\
secrets:
  word: {kind: password, doc: what opens it}
files:
  - {template: web.conf, path: /etc/web/web.conf}
validate:
  - {files: [/etc/web/*], run: "web -t"}
"""


def test_what_passed_in_one_lab_has_passed_in_another_with_secrets_of_its_own(tmp_path: Path) -> None:
    write_component(tmp_path / "components", "web", SECRET, {"web.conf": "word = {{ secrets.web.word }}\n"})
    made = lab(tmp_path, {"one": ["web"]})

    def key(word: str, image_made: str = "today") -> str:
        secrets = {"web": {"word": word}}
        (image,) = lint_work(made, render_nodes(made, secrets), tmp_path, baked=True).images
        assert word.encode() in image.given
        return passed_key(image, image_made, secrets)

    assert key("abcDEF123") == key("987zyxWVU")
    # A program may mind these.
    assert key("abcDEF123") != key("abcDEF12")
    assert key("abcDEF123") != key("abcDEF12/")
    assert key("abc+EF12=") != key("abcDEF12=")
    assert key("abcDEF123") != key("abcDEF123", image_made="yesterday")


def test_another_file_or_check_has_not_passed(tmp_path: Path) -> None:
    write_component(tmp_path / "components", "web", WEB, TEMPLATES)
    labs = [lab(tmp_path, {"one": ["web"]}, "", f"web.port={port}") for port in (80, 81, 80)]
    keys = [passed_key(only_image(made), "today", {}) for made in labs]
    assert keys[0] != keys[1]
    assert keys[0] == keys[2]


def test_only_what_has_not_passed_is_looked_at(tmp_path: Path) -> None:
    write_component(tmp_path / "components", "web", WEB, TEMPLATES)
    write_component(tmp_path / "components", "other", WEB.replace("/etc/web", "/etc/other"), TEMPLATES)
    made = lab(tmp_path, {"one": ["web"], "two": ["web", "other"]})
    work, cache = work_of(made), tmp_path / "cache"
    assert unpassed(work, {}, cache).images == work.images
    Passed(cache / "linted").keep([passed_key(work.images[0], "", {})])
    assert unpassed(work, {}, cache).images == work.images[1:]
    phase = phase_of(made, tmp_path, Notes(), baked=True)
    assert phase.work()
    Passed(cache / "linted").keep(passed_key(image, "", phase.rendering.secrets) for image in work.images)
    assert phase.work() is None


def test_what_cannot_be_looked_into_has_not_passed(tmp_path: Path) -> None:
    write_component(tmp_path / "components", "web", WEB, TEMPLATES)
    work, cache = work_of(lab(tmp_path, {"one": ["web"]})), tmp_path / "cache"
    (line,) = lint(work, {}, cache)
    assert "their image is not here" in line
    assert unpassed(work, {}, cache).images == work.images


def test_the_oldest_entries_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labgen.lint.passed.MOST", 2)
    passed = Passed(tmp_path / "linted")
    for age, key in enumerate(("new", "middle", "old")):
        passed.keep([key])
        os.utime(tmp_path / "linted" / key, (1e9 - age, 1e9 - age))
    passed.keep(["newest"])
    assert [key for key in ("newest", "new", "middle", "old") if passed.has(key)] == ["newest", "new"]
