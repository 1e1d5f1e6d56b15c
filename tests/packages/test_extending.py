"""The files that docs/extending.md prints, built, installed by pip and used, just as they are printed there."""

from __future__ import annotations

import re

import pytest

from labgen.plugins import GROUPS
from tests.outside import CHECKOUT, Outside, build_wheel, python_with_wheels

PAGE = (CHECKOUT / "docs" / "extending.md").read_text()
FILES = dict(re.findall(r"^`([^`\n]+)`:\n\n```\w+\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL))
TRY_CHECK = """
from types import SimpleNamespace
from labgen.checks import Check
from labgen.checks.context import Answers
from labgen.faults.registry import find_fault
from labgen.plugins import CHECKS, load_plugin

lab = SimpleNamespace(nodes_with=lambda component: [component])
said = {"one": "Welcome to one.", "two": " "}
context = SimpleNamespace(lab=lab, each=lambda nodes, command: Answers(said))
outcome = load_plugin(CHECKS, "motd", Check).judge(context)
(injection,) = find_fault("cron-stop").plan(None, SimpleNamespace(name="one"), {})
print(outcome.status, outcome.detail, injection.node, injection.command, injection.undo, sep="|")
"""


@pytest.fixture(scope="module")
def labgen(tmp_path_factory: pytest.TempPathFactory) -> Outside:
    folder = tmp_path_factory.mktemp("extending")
    project = folder / "my-labs"
    for name, text in {**FILES, "my_labs/__init__.py": ""}.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    return Outside(python_with_wheels(folder, build_wheel(project, folder / "wheel")), folder)


def test_all_groups_are_on_the_page() -> None:
    for group in GROUPS:
        assert f'[project.entry-points."{group.name}"]' in FILES["pyproject.toml"]
        assert re.search(rf"^\| `{group.name}` \|", PAGE, flags=re.MULTILINE)


def test_all_six_are_loaded(labgen: Outside) -> None:
    plugins = labgen.json("plugins")["plugins"]
    assert {plugin["group"]: (plugin["status"], plugin["adds"]) for plugin in plugins} == {
        "labgen.blueprints": ("loaded", ["motd-lab"]),
        "labgen.components": ("loaded", ["motd"]),
        "labgen.providers": ("loaded", ["vmware_desktop"]),
        "labgen.checks": ("loaded", ["motd"]),
        "labgen.faults": ("loaded", ["cron-stop"]),
        "labgen.commands": ("loaded", ["hello"]),
    }
    assert {(plugin["package"], plugin["version"]) for plugin in plugins} == {("my-labs", "1.0")}


def test_the_lab_is_sound_and_has_the_component_and_its_check(labgen: Outside) -> None:
    labgen.run("validate", "motd-lab")
    shown = labgen.json("show", "motd-lab", "--provider", "docker")
    assert shown["nodes"][0]["settings"]["motd"] == {"text": "Welcome"}
    assert "motd" in shown["checks"]


def test_the_component_is_rendered(labgen: Outside) -> None:
    labgen.run("render", "motd-lab", "-o", "rendered", "--provider", "docker")
    (made,) = labgen.folder.glob("rendered/**/motd/files/etc/motd")
    assert made.read_text() == "Welcome to one.\n"


def test_the_provider_boots_a_vendors_box(labgen: Outside) -> None:
    words = ("render", "motd-lab", "-o", "vmware", "--provider", "vmware_desktop", "--set", "box=bento/debian-13")
    labgen.run(*words)
    assert "bento/debian-13" in (labgen.folder / "vmware" / "Vagrantfile").read_text()
    assert "next:  name one: --set box=NAME" in labgen.run(*words[:-2], expect=2).stderr


def test_the_check_judges_and_the_fault_plans(labgen: Outside) -> None:
    assert labgen.python("-c", TRY_CHECK).stdout.strip() == (
        "fail|two says nothing|one|systemctl stop cron|systemctl start cron"
    )


def test_the_command_runs(labgen: Outside) -> None:
    assert labgen.run("hello", "--name", "Ada").stdout == "Hello, Ada.\n"
    assert "Greet somebody." in labgen.run("hello", "--help").stdout
    assert "From the package my-labs 1.0." in labgen.run("--help").stdout
