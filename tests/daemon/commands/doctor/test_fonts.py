"""What a screen of the box could not draw is a hint, with the package to install, and never a problem."""

import shutil
from pathlib import Path

import pytest

from leapfrog.commands.doctor.fonts import DEVICE_SCRIPTS, font_checks
from leapfrog.page_fonts.page_fonts import scripts_in
from leapfrog.reader.report.characters import FONTS


@pytest.mark.skipif(shutil.which("fc-list") is None, reason="fontconfig is not installed")
def test_scripts_without_a_font_are_named_with_debians_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "fonts.conf"
    settings.write_text(f"<fontconfig><dir>{FONTS}</dir><cachedir>{tmp_path}</cachedir></fontconfig>")
    monkeypatch.setenv("FONTCONFIG_FILE", str(settings))
    [check] = font_checks()
    assert check.status == "absent"
    assert "Chinese, Japanese, Korean, N'Ko, Tibetan" in check.detail
    assert "`apt-get install fonts-noto-cjk fonts-noto-core`" in check.remedy


def test_without_fontconfig_there_is_nothing_to_look_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    [check] = font_checks()
    assert check.status == "absent" and "no fontconfig" in check.detail


def test_scripts_that_have_fonts_here_are_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fc-list").write_text("#!/bin/sh\necho Some Font\n")
    (tmp_path / "fc-list").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert [check.status for check in font_checks()] == ["ok"]


def test_no_script_is_left_to_the_device_that_the_pages_bring_along() -> None:
    assert not scripts_in("漢あ한ߒབ")
    assert len(DEVICE_SCRIPTS) == 5
