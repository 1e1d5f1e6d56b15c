"""The whole rendered folder, with fixed secrets, key and image names.

The first variant of each blueprint is complete. The others hold the files that differ from it. `FILES` lists what each
variant has, with its modes; the scripts among them are copies: they are compared with `scripts/`, not kept here.
"""

from __future__ import annotations

import base64
import configparser
import json
import re
import shutil
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import yaml

from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import LoadedBlueprint, load_blueprint
from labgen.components.registry import Component
from labgen.images.machines import machines_of
from labgen.lab.keys import KeyPair
from labgen.lab.resolve import resolve
from labgen.plan import build_plan
from labgen.providers import get_provider
from labgen.render.environment import TEMPLATES
from labgen.render.lab import render_lab
from labgen.render.model import Rendered
from labgen.resources import resource

FOLDER = Path(__file__).parent / "render"
VARIANTS = {
    "modern-docker": ("consul-pgbouncer", "docker", "modern", ()),
    "published-docker": ("consul-pgbouncer", "docker", "published", ()),
    "modern-libvirt": ("consul-pgbouncer", "libvirt", "modern", ()),
    "modern-virtualbox": ("consul-pgbouncer", "virtualbox", "modern", ("box=vendor/debian-13",)),
    "etcd-haproxy-keepalived-modern": ("etcd-haproxy-keepalived", "docker", "modern", ()),
    "etcd-haproxy-keepalived-published": ("etcd-haproxy-keepalived", "docker", "published", ()),
}
DATA_FILES = {"consul-pgbouncer": 10, "etcd-haproxy-keepalived": 3}
"""At least so many: consul.json of seven nodes, Patroni's configuration of three."""
UNITS = {"consul-pgbouncer": 10}
KEYS = KeyPair(private="the private key of the tests\n", public="ssh-ed25519 AAAAkey labgen-consul-pgbouncer")


def fixed_secrets(components: dict[str, Component]) -> dict[str, dict[str, str]]:
    """A value that says what it is for every secret, of the kind that its manifest asks for."""

    def value(component: Component, name: str) -> str:
        text = f"{component.name}.{name}"
        if component.manifest.secrets[name].kind == "password":
            return re.sub(r"[^a-z]", "X", text)
        return base64.b64encode(text.encode()[:32].ljust(32, b".")).decode()

    return {c.name: {name: value(c, name) for name in c.manifest.secrets} for c in components.values()}


def first_of(variant: str) -> str:
    """The complete variant of the same blueprint."""
    return next(name for name, (blueprint, *_) in VARIANTS.items() if blueprint == VARIANTS[variant][0])


@cache
def loaded_for(variant: str) -> LoadedBlueprint:
    return load_blueprint(find_blueprint(VARIANTS[variant][0]))


@cache
def rendered(variant: str) -> Rendered:
    _, provider, profile, overrides = VARIANTS[variant]
    loaded = loaded_for(variant)
    lab = resolve(loaded, provider=provider, profile=profile, overrides=overrides)
    images = {node.name: f"labgen/{lab.os}-{'-'.join(node.components)}:0123456789ab" for node in lab.nodes}
    # Neither this machine's CPU nor the digests of scripts are of interest here.
    machines = replace(
        machines_of(lab, baked=not lab.box),
        images={} if lab.box else images,
        driver="qemu" if provider == "libvirt" else "",
        boot_timeout=300,
    )
    return render_lab(lab, build_plan(lab), fixed_secrets(dict(loaded.components)), KEYS, machines)


def is_copy(path: str) -> bool:
    return path.startswith(("components/", "image/", "vagrant/"))


def own_text(rendered: Rendered) -> dict[str, str]:
    """What is kept here: every file but the copies, and the list of all."""
    listing = "".join(f"{file.mode:04o} {path}\n" for path, file in sorted(rendered.items()))
    return {"FILES": listing} | {path: file.text for path, file in rendered.items() if not is_copy(path)}


def kept_text(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def write_variant(variant: str) -> None:
    shutil.rmtree(FOLDER / variant, ignore_errors=True)
    first = {} if variant == first_of(variant) else own_text(rendered(first_of(variant)))
    for path, text in own_text(rendered(variant)).items():
        if first.get(path) != text:
            target = FOLDER / variant / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("variant", VARIANTS)
def test_rendered_folder(variant: str, regenerate: bool) -> None:
    if regenerate:
        write_variant(variant)
    now = own_text(rendered(variant))
    kept = kept_text(FOLDER / variant)
    if variant != first_of(variant):
        first = own_text(rendered(first_of(variant)))
        kept = {path: first[path] for path in now if path in first and path not in kept} | kept
        assert not [path for path, text in kept_text(FOLDER / variant).items() if first.get(path) == text]
    assert sorted(now) == sorted(kept)
    for path, text in now.items():
        assert text == kept[path], f"{path} differs: look at it, then run pytest tests/golden --regenerate"


def sources(path: str, provider: str) -> list[Path]:
    """Where PATH may be a copy from."""
    if path.startswith("vagrant/"):
        name = path.removeprefix("vagrant/")
        fragment = get_provider(provider).vagrantfile
        return [TEMPLATES / path, *([fragment.with_name(provider) / name] if fragment else [])]
    return [resource("scripts") / path.removeprefix("components/")]


@pytest.mark.parametrize("variant", VARIANTS)
def test_scripts_are_copies(variant: str) -> None:
    copies = {path: file for path, file in rendered(variant).items() if is_copy(path)}
    assert {path.split("/")[1] for path in copies if path.startswith("components/")} == {
        "lib",
        *loaded_for(variant).components,
    }
    for path, file in copies.items():
        (source,) = (place for place in sources(path, VARIANTS[variant][1]) if place.exists())
        assert file.text == source.read_text(encoding="utf-8"), path
        assert file.mode == (0o755 if path.endswith(".sh") else 0o644), path


@pytest.mark.parametrize("variant", VARIANTS)
def test_secrets_are_private(variant: str) -> None:
    """A file that shows a secret's value is the owner's alone, and no other file shows one."""
    loaded = loaded_for(variant)
    values = [value for group in fixed_secrets(dict(loaded.components)).values() for value in group.values()]
    private = {path for path, file in rendered(variant).items() if file.mode == 0o600}
    telling = {p for p, file in rendered(variant).items() if any(v in file.text for v in [*values, KEYS.private])}
    assert telling
    assert telling <= private


@pytest.mark.parametrize("variant", VARIANTS)
def test_rendered_bash(variant: str, tmp_path: Path) -> None:
    """bash reads every script and environment file, shellcheck has nothing against the scripts made from templates."""
    scripts: dict[str, str] = {}
    for path, file in rendered(variant).items():
        if file.text.startswith(("#!/usr/bin/env bash", "#!/bin/bash", "#!/bin/sh")) or path.endswith(("/env", ".sh")):
            done = subprocess.run(["bash", "-n"], input=file.text, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, ""), path
            if not is_copy(path) and not path.endswith("/env"):
                scripts.setdefault(file.text, path)  # most are the same on every node
    assert {"prepare.sh", "destroy.sh"} < set(scripts.values())
    if not shutil.which("shellcheck"):
        pytest.skip("shellcheck is not here")
    for text, path in scripts.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    done = subprocess.run(["shellcheck", *scripts.values()], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("variant", VARIANTS)
def test_environment_files_say_what_they_mean(variant: str) -> None:
    """An env file has nothing but assignments, and its scripts get the node they run on."""
    for path, file in rendered(variant).items():
        if not path.endswith("/env"):
            continue
        node = path.split("/")[1]
        assert all(re.match(r"[A-Z_]+=", line) for line in file.text.splitlines()), path
        said = subprocess.run(
            ["bash", "-c", 'set -eu; . /dev/stdin; printf %s "$LABGEN_NODE $LABGEN_PREFIX"'],
            input=file.text,
            capture_output=True,
            text=True,
            check=True,
        )
        assert said.stdout == f"{node} 24"


@pytest.mark.parametrize("variant", VARIANTS)
def test_data_files_parse(variant: str) -> None:
    parsed = 0
    for path, file in rendered(variant).items():
        if path.endswith(".json"):
            assert isinstance(json.loads(file.text), dict), path
            parsed += 1
        elif path.endswith((".yml", ".yaml")):
            assert isinstance(yaml.safe_load(file.text), dict), path
            parsed += 1
    assert parsed >= DATA_FILES[VARIANTS[variant][0]]


@pytest.mark.parametrize("variant", VARIANTS)
def test_units_parse(variant: str) -> None:
    sections = {"service": "Service", "timer": "Timer", "conf": "Service"}
    parsed = 0
    for path, file in rendered(variant).items():
        kind = path.rsplit(".", 1)[-1]
        if kind in sections and "/systemd/" in path:
            parser = configparser.RawConfigParser(strict=False, delimiters=("=",))
            parser.read_string(file.text)
            assert parser.sections(), path
            assert sections[kind] in parser.sections(), path
            parsed += 1
    assert parsed >= UNITS.get(VARIANTS[variant][0], 0)


@pytest.mark.parametrize("variant", VARIANTS)
def test_vagrantfile_is_ruby(variant: str, tmp_path: Path) -> None:
    if not shutil.which("ruby"):
        pytest.skip("ruby is not here")
    ruby = [path for path in rendered(variant) if path == "Vagrantfile" or path.endswith(".rb")]
    assert len(ruby) >= 2
    for path in ruby:
        (tmp_path / "file").write_text(rendered(variant)[path].text, encoding="utf-8")
        done = subprocess.run(["ruby", "-wc", tmp_path / "file"], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), path


@pytest.mark.parametrize("variant", VARIANTS)
def test_nothing_of_python_or_jinja_is_left(variant: str) -> None:
    for path, file in rendered(variant).items():
        if not is_copy(path):
            assert not re.search(r"\{%|%\}|\bNone\b|\bTrue\b|\bFalse\b|\bUndefined\b", file.text), path


def steps_in(vagrantfile: str) -> list[tuple[str, str, str]]:
    """Node, component and stage of each step in STEPS."""
    (block,) = re.findall(r"^STEPS = \{\n(.*?)^\}\.freeze$", vagrantfile, re.MULTILINE | re.DOTALL)
    return [
        (node, component, stage)
        for node, steps in re.findall(r"^  '(\S+)' => \[\n(.*?)^  \],$", block, re.MULTILINE | re.DOTALL)
        for component, stage in re.findall(r"^    \['(\S+)', '(\S+)'", steps, re.MULTILINE)
    ]


@pytest.mark.parametrize("variant", VARIANTS)
def test_steps_and_files_fit(variant: str) -> None:
    """The Vagrantfile runs only scripts that are in the folder, and every listed file is there."""
    folder = rendered(variant)
    steps = steps_in(folder["Vagrantfile"].text)
    assert len(steps) > 20
    for node, component, stage in steps:
        assert f"components/{component}/{stage}.sh" in folder
        assert f"nodes/{node}/{component}/env" in folder
    for path, file in folder.items():
        if path.endswith("/files.list"):
            home = path.removesuffix(".list")
            for line in file.text.splitlines():
                assert f"{home}{line.split(' ', 2)[2]}" in folder, line
