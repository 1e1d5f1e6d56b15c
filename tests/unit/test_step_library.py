"""scripts/lib/lib.sh: what `enable_and_start` asks of systemd, which is played by a script that writes it down."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from labgen.resources import resource

SYSTEMCTL = """\
#!/bin/bash
case $1 in
show) printf 'LoadState=loaded\\nActiveState=%s\\nNeedDaemonReload=no\\n' "$ACTIVE" ;;
is-enabled) ;;
*) echo "$*" >>"$WORLD/asked" ;;
esac
"""


@pytest.mark.parametrize(
    ("active", "newer", "verb"),
    [
        ("inactive", [], "start"),
        ("failed", [], "start"),
        ("active", [], None),
        ("active", ["changed"], "reload"),
        ("active", ["programs"], "restart"),
        ("active", ["changed", "programs"], "restart"),
    ],
)
def test_a_running_unit_follows_its_files_and_its_programs(
    tmp_path: Path, active: str, newer: list[str], verb: str | None
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "systemctl").write_text(SYSTEMCTL)
    (tmp_path / "bin" / "systemctl").chmod(0o755)
    state = tmp_path / "state"
    for file, when in (("units/agent.service", 1000), ("agent/changed", 900), ("agent/programs", 900)):
        path = state / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (when + 200 * (path.name in newer), when + 200 * (path.name in newer)))
    library = resource("scripts") / "lib" / "lib.sh"
    environment = {
        "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin",
        "WORLD": str(tmp_path),
        "ACTIVE": active,
        "LABGEN_STATE": str(state),
        "LABGEN_COMPONENT": "agent",
        "LABGEN_STAGE": "start",
    }
    script = f'. "{library}"; enable_and_start agent.service reload; enable_and_start agent.service reload'
    subprocess.run(["bash", "-c", script], env=environment, check=True, capture_output=True)
    asked = (tmp_path / "asked").read_text().splitlines() if (tmp_path / "asked").exists() else []
    # The second call finds what the first has done, but for a unit that is not running after all.
    expected = [f"{verb} agent.service"] if verb else []
    assert asked == expected * (2 if verb == "start" else 1)
