"""Rendering: hostile values reach bash, Ruby and the configuration as what they are; nothing leaves the folder."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from labs import lab, write_component

from labgen.errors import DocumentError, UsageError
from labgen.lab.keys import KeyPair
from labgen.lab.model import Lab
from labgen.plan import build_plan
from labgen.render.lab import Machines, render_lab
from labgen.render.model import ImageCommands, Rendered

KEYS = KeyPair("private\n", "ssh-ed25519 AAAA lab")
HOSTILE = "a'b\"c $(touch hacked) `touch hacked` #{`touch hacked`} \\ ü; *"


def rendered(made: Lab, image: str = "image:1", **machines: object) -> Rendered:
    images = {node.name: image for node in made.nodes}
    return render_lab(made, build_plan(made), {}, KEYS, Machines(images, **machines))  # type: ignore[arg-type]


def run(folder: Path, *words: str) -> str:
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True).stdout


MANIFEST = """\
parameters: {motto: {type: string, default: "", doc: a motto}}
env: {MOTTO: "{{ p.motto }}"}
files:
  - {template: motto.sh.j2, path: /usr/local/bin/motto, mode: "0755"}
  - {template: motto.json.j2, path: /etc/motto.json, when: {motto: "plain"}}
"""


@pytest.fixture
def sample(tmp_path: Path) -> Lab:
    files = {
        "motto.sh.j2": "#!/bin/bash\nprintf %s {{ p.motto | shell }}\n",
        "motto.json.j2": "{{ p.motto | json }}\n",
        "install.sh": "true\n",
        "start.sh": "true\n",
        "notes.txt": "not for nodes\n",
    }
    write_component(tmp_path / "components", "agent", MANIFEST, files)
    nodes = {"one": ["agent"], "two": ["agent"]}
    return lab(
        tmp_path,
        nodes,
        "",
        f"nodes.one.agent.motto='{HOSTILE.replace(chr(39), chr(39) * 2)}'",
        "nodes.two.agent.motto=plain",
    )


def test_hostile_values_stay_values(sample: Lab, tmp_path: Path) -> None:
    folder = rendered(sample)
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "env").write_text(folder["nodes/one/agent/env"].text)
    (tmp_path / "work" / "motto").write_text(folder["nodes/one/agent/files/usr/local/bin/motto"].text)
    assert run(tmp_path / "work", "bash", "-c", '. ./env; printf %s "$MOTTO"') == HOSTILE
    assert run(tmp_path / "work", "bash", "motto") == HOSTILE
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["env", "motto"]


def test_hostile_box(sample: Lab, tmp_path: Path) -> None:
    """A box's name comes from the blueprint: prepare.sh and the Vagrantfile must not run it."""
    box = "x'$(touch hacked)`touch hacked`#{`touch hacked`}\""
    made = Lab(**{**vars(sample), "provider": "libvirt", "box": box})
    folder = rendered(made, image="", baked=False)
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "prepare.sh").write_text(folder["prepare.sh"].text)
    assert box in run(tmp_path / "work", "bash", "prepare.sh")
    if shutil.which("ruby"):
        nodes = re.search(r"^NODES = .*?^\].freeze$", folder["Vagrantfile"].text, re.MULTILINE | re.DOTALL)
        assert nodes
        assert run(tmp_path / "work", "ruby", "-e", f"{nodes[0]}\nprint NODES[1][:image]") == box
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["prepare.sh"]


def test_hostile_image(sample: Lab, tmp_path: Path) -> None:
    """`bake` is called with the name as one word, and with the components of the node."""
    commands = ImageCommands("nothing", have="false", make="true")
    text = rendered(sample, image=HOSTILE, commands=commands)["prepare.sh"].text
    calls = re.findall(r"^bake .*$", text, re.MULTILINE)
    assert len(calls) == 1  # one image for both nodes
    out = run(tmp_path, "bash", "-c", f"bake() {{ printf '<%s>' \"$@\"; }}; {calls[0]}")
    assert out == f"<{HOSTILE}><agent>"


def test_when(sample: Lab) -> None:
    folder = rendered(sample)
    assert "nodes/one/agent/files/etc/motto.json" not in folder
    assert folder["nodes/two/agent/files/etc/motto.json"].text == '"plain"\n'
    assert folder["nodes/one/agent/files.list"].text == "0755 root:root /usr/local/bin/motto\n"
    assert folder["nodes/two/agent/files.list"].text.count("\n") == 2


def test_what_goes_along(sample: Lab) -> None:
    folder = rendered(sample)
    assert folder["components/agent/start.sh"].mode == 0o755
    assert "components/agent/notes.txt" not in folder
    assert folder["keys/lab_ed25519"].mode == 0o600
    assert folder["keys/lab_ed25519.pub"].text == KEYS.public + "\n"
    assert all(file.mode == 0o600 for path, file in folder.items() if "/files/" in path or path.endswith("/env"))
    assert all(not path.startswith("/") and ".." not in path.split("/") for path in folder)


@pytest.mark.parametrize(
    "path",
    [
        "/../x",
        "/etc/../../../x",
        "/etc/./x",
        "//etc/x",
        "/etc//x",
        "/etc/x/",
        "/",
        "etc/x",
        "/a b",
        "/a\\n/b",
        "/a$(x)",
    ],
)
def test_a_file_cannot_leave_the_folder(tmp_path: Path, path: str) -> None:
    write_component(tmp_path / "components", "bad", f'files: [{{template: a.j2, path: "{path}"}}]\n', {"a.j2": "x"})
    with pytest.raises(DocumentError, match="component manifest"):
        lab(tmp_path, {"one": ["bad"]})


@pytest.mark.parametrize("path", ["/etc/x", "/root/.pgpass", "/etc/systemd/system/a@b.service", "/a/b-c_d+e:f"])
def test_ordinary_paths(tmp_path: Path, path: str) -> None:
    write_component(tmp_path / "components", "good", f'files: [{{template: a.j2, path: "{path}"}}]\n', {"a.j2": "x"})
    assert f"nodes/one/good/files{path}" in rendered(lab(tmp_path, {"one": ["good"]}))


def test_no_image_and_no_box(sample: Lab) -> None:
    with pytest.raises(UsageError, match="boots a vendor's box") as caught:
        rendered(Lab(**{**vars(sample), "provider": "virtualbox"}), image="")
    assert caught.value.cure == "name one: --set box=NAME"


def test_missing_artefacts_are_named(sample: Lab) -> None:
    images = Machines({node.name: "x" for node in sample.nodes})
    folder = render_lab(sample, build_plan(sample), {}, KEYS, images, missing_artefacts=("consul", "tool"))
    assert folder["artefacts/MISSING"].text == "consul\ntool\n"
    assert "artefacts/MISSING" in folder["README.md"].text
    assert "MISSING" not in rendered(sample)["README.md"].text


def test_steps_are_those_of_the_plan(sample: Lab) -> None:
    (block,) = re.findall(r"^STEPS = .*", rendered(sample)["Vagrantfile"].text, re.MULTILINE | re.DOTALL)
    plan = [s.id for s in build_plan(sample).steps if s.id.stage != "install"]  # the images hold those
    for node in ("one", "two"):
        (of_node,) = re.findall(rf"^  '{node}' => \[\n(.*?)^  \],", block, re.MULTILINE | re.DOTALL)
        steps = re.findall(r"^    \['(.*?)', '(.*?)'", of_node, re.MULTILINE)
        assert steps == [(step.component, step.stage) for step in plan if step.node == node]


def test_prepare_bakes_a_lab_without_artefacts(sample: Lab, tmp_path: Path) -> None:
    """Nothing of it is fetched, so no folder `artefacts` was rendered; the baker is given one all the same."""
    maker = ImageCommands(needs="a tool", have="false", make='image/make.sh "$rootfs" "$name"')
    prepare = rendered(sample, commands=maker)["prepare.sh"].text
    scripts = {"rootfs.sh": 'echo tree > "$2"', "bake.sh": 'find "$4" > "$2"', "make.sh": 'cp "$1" made'}
    (tmp_path / "image").mkdir()
    for name, text in scripts.items():
        (tmp_path / "image" / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / "image" / name).chmod(0o755)
    (tmp_path / "prepare.sh").write_text(prepare)
    run(tmp_path, "bash", "prepare.sh")
    assert (tmp_path / "made").read_text() == "artefacts\n"
