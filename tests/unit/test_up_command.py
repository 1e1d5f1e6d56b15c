"""`labgen up`: what its options come to."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from labgen.actions.lab import up as actions
from labgen.cli.main import app
from labgen.errors import UsageError


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What `up` is asked for; it goes no further."""
    heard: dict[str, object] = {}

    def up(*_: object, **options: object) -> None:
        heard.update(options)
        raise UsageError("asked")

    monkeypatch.setattr(actions, "up", up)
    return heard


@pytest.mark.parametrize(
    ("words", "environment", "seconds"),
    [
        ([], {}, None),
        (["--boot-timeout", "12"], {}, 12),
        (["--patience", "12"], {}, 12),
        (["--patience", "12", "--boot-timeout", "15"], {}, 15),
        ([], {"LABGEN_UP_BOOT_TIMEOUT": "12"}, 12),
        ([], {"LABGEN_UP_PATIENCE": "12"}, 12),
    ],
)
def test_how_long_a_machine_may_take(
    asked: dict[str, object], words: list[str], environment: dict[str, str], seconds: float | None
) -> None:
    done = CliRunner().invoke(app, ["up", "etcd-haproxy", *words], env=environment)
    assert isinstance(done.exception, UsageError), done.output
    assert asked == {"offline": False, "boot_timeout": seconds}


def test_the_old_name_is_not_advertised() -> None:
    shown = CliRunner().invoke(app, ["up", "--help"]).output
    assert "--boot-timeout" in shown
    assert "--patience" not in shown
