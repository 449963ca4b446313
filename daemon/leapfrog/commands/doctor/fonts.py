"""Fonts of this machine, for a screen of its own: scripts that the pages do not bring along."""

import shutil
import subprocess
from collections.abc import Iterator

from leapfrog.commands.doctor.check import Check, absent, ok

LOOK_SECONDS = 20.0  # fontconfig may make its cache first
# By fontconfig's name of a language: what its letters are called, and Debian's package of a font.
DEVICE_SCRIPTS = {
    "zh-cn": ("Chinese", "fonts-noto-cjk"),
    "ja": ("Japanese", "fonts-noto-cjk"),
    "ko": ("Korean", "fonts-noto-cjk"),
    "nqo": ("N'Ko", "fonts-noto-core"),
    "bo": ("Tibetan", "fonts-noto-core"),
}


def font_checks() -> Iterator[Check]:
    """Which of these scripts a screen of this box cannot draw. It may have none, so that is no problem."""
    program = shutil.which("fc-list")
    if program is None:
        yield absent("fonts", "Not looked at: this machine has no fontconfig, which a screen of its own would need.")
        return
    missing = {of: package for language, (of, package) in DEVICE_SCRIPTS.items() if not _has_font(program, language)}
    if not missing:
        yield ok("fonts", "This machine has fonts for every script that the pages leave to it.")
        return
    packages = " ".join(dict.fromkeys(missing.values()))
    yield absent(
        "fonts",
        f"A screen of this box may show [?] for names in {', '.join(missing)}. Tablets have fonts of their own.",
        f"If patients here have such names: `apt-get install {packages}`.",
    )


def _has_font(program: str, language: str) -> bool:
    """Whether a font of this machine has the letters of a language."""
    try:
        done = subprocess.run(
            [program, f":lang={language}", "family"], capture_output=True, timeout=LOOK_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return bool(done.stdout.strip())
