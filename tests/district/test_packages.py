"""What a district's server is made of is there when its tests run, and what its page tells can be done."""

import re
import shlex
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DISTRICT = ROOT / "config" / "district"


def packages_of(script: Path) -> set[str]:
    listed = re.findall(r"^(?:prometheus_)?packages=\((.*?)\)", script.read_text(), re.MULTILINE | re.DOTALL)
    return {package for packages in listed for package in shlex.split(packages)}


def test_the_tests_have_every_package_that_set_up_installs() -> None:
    assert packages_of(DISTRICT / "set-up") <= packages_of(ROOT / "tests" / "run")


def test_every_option_that_the_page_names_is_one_of_its_programs() -> None:
    said = "".join(
        subprocess.run([DISTRICT / program, "--help"], capture_output=True, text=True, check=True).stdout
        for program in ("set-up", "authority", "answer")
    )
    said += "".join((DISTRICT / program).read_text() for program in ("backup", "check"))
    said += "".join(file.read_text() for file in (ROOT / "daemon" / "leapfrog" / "cli").glob("*.py"))
    named = set(re.findall(r"`[^`\n]*?(--[a-z-]+)", (DISTRICT / "README.md").read_text()))
    assert named - {"--help"} <= set(re.findall(r"--[a-z-]+", said))
