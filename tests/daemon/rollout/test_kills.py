"""Killed at any step, the box has the bundle of before or the new one, whole, and gets on by itself.

The first test ends a process at each of its calls to the disk, one after the other. The second kills a real daemon at
moments of chance; more of them: tests/run tests/daemon/rollout/test_kills.py -n 0 --kills 100
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from leapfrog.bundle_state import read_state
from leapfrog.bundles.offered import offered, take_bundle
from leapfrog.bundles.staging import stage
from leapfrog.commands.bundle import hand_over
from leapfrog.packages.catalogue import packages_in_use
from leapfrog.rollout.at_start import settings_at_start
from leapfrog.settings import Settings, load_settings
from leapfrog.settings.layers import Layer
from support.bundles import BundlingDistrict, wait_for_bundle
from support.signed_packages import write_version

STEPS = ("fsync", "rename", "replace", "mkdir", "unlink", "rmdir")
SMALL_DOSE = 2


class Killed(BaseException):
    """The process ends here; no `except` of ours stops it."""


@contextmanager
def killed_at(step: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], bool]]:
    """End whatever runs inside at its call number `step` to the disk. Gives whether it came to that."""
    left = [step]

    def counting(call: Callable[..., object]) -> Callable[..., object]:
        def called(*arguments: object, **named: object) -> object:
            left[0] -= 1
            if left[0] <= 0:  # and nothing after it is done either, such as what `finally` would tidy up
                raise Killed
            return call(*arguments, **named)

        return called

    with monkeypatch.context() as patched:
        for name in STEPS:
            patched.setattr(os, name, counting(getattr(os, name)))
        yield lambda: left[0] <= 0


def test_ended_at_any_call_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leapfrog.bundles.staging.why_model_fails", lambda *_: "")  # it writes nothing
    district = BundlingDistrict(tmp_path / "district")
    settings = district.box(tmp_path / "state")
    file = tmp_path / "state.toml"
    site = Layer.of_file(file)
    ends = 0

    def seen() -> tuple[int | None, str, str]:
        """The bundle in use, its setting, and its model."""
        now = load_settings(file)
        package = packages_in_use(now).named("tiny-chest")
        return read_state(now.state_dir).present, str(now.report.quiet_seconds), package.version if package else ""

    def whole(present: int | None) -> tuple[int | None, str, str]:
        return (present, f"{present}.0", f"1.0.{present}") if present else (None, "20.0", "")

    def run(action: Callable[[], object]) -> None:
        """Do it, ended at its first call, then at its second, until it comes through."""
        nonlocal ends
        step = 0
        while True:
            step += 1
            with killed_at(step, monkeypatch) as was_killed:
                try:
                    action()
                except Killed:
                    ends += 1
            if not was_killed():
                return
            assert seen() == whole(seen()[0])

    def stage_what_waits(settings: Settings) -> None:
        for path in offered(settings.state_dir)[:1]:
            if read_state(settings.state_dir).step is None:
                stage(path, settings, site)

    for number in (1, 2):
        package = write_version(tmp_path / f"m{number}", f"1.0.{number}")
        bundle = district.bundle(number, f"[report]\nquiet_seconds = {number}\n", package)
        run(lambda bundle=bundle: take_bundle(bundle, settings))  # type: ignore[misc]
        run(lambda: stage_what_waits(settings))
        run(lambda: settings_at_start(file))
        assert seen() == whole(number) or read_state(settings.state_dir).undone is not None
        for path in offered(settings.state_dir):
            path.unlink()
    assert ends > 50
    folders = {path.name for path in (settings.state_dir / "bundles").iterdir() if path.is_dir()}
    assert not [name for name in folders if name.startswith(".")]


def test_a_daemon_that_is_killed_at_any_moment(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    chance = random.Random(4711)
    kills = int(pytestconfig.getoption("--kills") or SMALL_DOSE)
    district = BundlingDistrict(tmp_path / "district")
    kiosk = district.kiosk(tmp_path / "kiosk").start()
    had: list[int] = []
    for number in range(1, kills + 1):
        hand_over(district.bundle(number, f"[report]\ninclude_heatmaps = {str(number % 2 == 0).lower()}\n"),
                  load_settings(kiosk.settings_file))  # fmt: skip
        time.sleep(chance.uniform(0.0, 4.0))
        kiosk.kill()
        present = read_state(kiosk.state_dir).present
        assert present is None or load_settings(kiosk.settings_file).report.include_heatmaps == (present % 2 == 0)
        had.append(present or 0)
        kiosk.start()
        wait_for_bundle(kiosk, number)
    kiosk.stop()
    assert had == sorted(had)
