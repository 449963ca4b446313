"""Whoever may not read the box's files gets a sentence from every command, never a traceback."""

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from support.kiosk import Kiosk

pytestmark = pytest.mark.root

SOMEBODY_ELSE = 65534
WITHOUT_RIGHTS = "-dac_override,-dac_read_search,-fowner"
COMMANDS = (
    ("run",),
    ("status",),
    ("status", "--json"),
    ("instances",),
    ("retry", "0123456789abcdef"),
    ("dismiss", "0123456789abcdef"),
    ("sync",),
    ("models", "remove", "chest-findings"),
    ("bench",),
)


@pytest.fixture(scope="module")
def closed_box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kiosk]:
    """A box whose daemon runs, and whose state directory belongs to somebody else."""
    if os.geteuid() or shutil.which("setpriv") is None:
        pytest.skip("root and setpriv are needed to run a command without rights")
    with Kiosk(tmp_path_factory.mktemp("k")) as kiosk:
        os.chown(kiosk.state_dir, SOMEBODY_ELSE, SOMEBODY_ELSE)
        kiosk.state_dir.chmod(0o700)
        yield kiosk


def without_rights(kiosk: Kiosk, *arguments: str) -> subprocess.CompletedProcess[str]:
    setpriv = ["setpriv", f"--bounding-set={WITHOUT_RIGHTS}", f"--inh-caps={WITHOUT_RIGHTS}"]
    return subprocess.run(
        [*setpriv, *kiosk.command_line(*arguments)], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_command_says_what_it_may_not_do(closed_box: Kiosk, arguments: tuple[str, ...]) -> None:
    done = without_rights(closed_box, *arguments)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    sentence = done.stderr.strip().splitlines()[-1]
    assert sentence.startswith("leapfrog: "), done.stderr
    assert "ermission" in sentence or "Run this as" in sentence


def test_those_that_can_do_without_go_on(closed_box: Kiosk) -> None:
    assert without_rights(closed_box, "config", "check").returncode == 0
    doctor = without_rights(closed_box, "doctor")
    assert doctor.returncode == 1
    assert "Traceback" not in doctor.stderr
    assert "permission to ask the daemon" in doctor.stdout
    listed = without_rights(closed_box, "models", "list", "--json")
    assert "chest-findings" in listed.stdout
