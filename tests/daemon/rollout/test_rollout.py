"""A real box takes a bundle when it is quiet, keeps it when it is well, and goes back by itself when it is not."""

import os
from pathlib import Path

import pytest
from pydicom.uid import ComputedRadiographyImageStorage
from pynetdicom.ae import ApplicationEntity

from leapfrog.bundle_state import change_state, read_state
from leapfrog.bundles.offered import take_bundle
from leapfrog.commands.bundle import hand_over
from leapfrog.errors import BundleError, StorageError
from leapfrog.rollout.at_start import settings_at_start
from leapfrog.rollout.keeper import undone_problem
from leapfrog.settings import load_settings, settings_in_use
from support.bundles import BundlingDistrict, wait_for_bundle
from support.kiosk import Kiosk
from support.tiny_models import CLASSIFIER, classifier_content, write_classifier, write_package
from support.waiting import wait_until


@pytest.fixture
def district(tmp_path: Path) -> BundlingDistrict:
    return BundlingDistrict(tmp_path / "district")


def give(kiosk: Kiosk, bundle: Path) -> None:
    hand_over(bundle, load_settings(kiosk.settings_file))


def attention(kiosk: Kiosk) -> str:
    return " ".join(problem["what"] for problem in kiosk.status()["attention"])


def test_settings_and_models_come_and_go_together(tmp_path: Path, district: BundlingDistrict) -> None:
    kiosk = district.kiosk(tmp_path / "kiosk").start()
    try:
        give(kiosk, district.bundle(7, '[report]\npage_size = "A5"\nquiet_seconds = 3.0\n', write_classifier(tmp_path)))
        wait_for_bundle(kiosk, 7)
        assert [one["version"] for one in kiosk.command_json("models", "list") if one["name"] == "tiny-chest"] == [
            "1.2.3"
        ]
        checked = kiosk.command_json("config", "check")
        assert checked["from_bundle"] == ["report.page_size"]  # the site's own file has the other
        assert load_settings(kiosk.settings_file).report.quiet_seconds == 0.2
        assert kiosk.command_json("bundle", "rollback") == {"left": 7, "now": None}
        wait_for_bundle(kiosk, None)
        assert "tiny-chest" not in [one["name"] for one in kiosk.command_json("models", "list")]
        assert load_settings(kiosk.settings_file).report.page_size == "A4"
        with pytest.raises(BundleError, match="only higher numbers"):
            give(kiosk, district.folder / "7.zip")
        assert "bundle" not in attention(kiosk)  # a person knows what a person did
    finally:
        kiosk.stop()


def test_a_bundle_with_which_no_model_loads_is_left_by_itself(tmp_path: Path, district: BundlingDistrict) -> None:
    kiosk = district.kiosk(tmp_path / "kiosk").start()
    try:
        give(kiosk, district.bundle(6))
        wait_for_bundle(kiosk, 6)
        broken = write_package(tmp_path / "broken", CLASSIFIER, classifier_content()[:-400])
        give(kiosk, district.bundle(7, "", broken))
        wait_until(lambda: "Bundle 7" in attention(kiosk), "the box says that it does not use it")
        assert read_state(kiosk.state_dir).present == 6
        assert "not used here" in attention(kiosk)
        assert not (kiosk.state_dir / "bundles/7").exists()
    finally:
        kiosk.stop()


def test_settings_with_which_no_exam_can_be_read_are_left_although_nobody_sends_one(
    tmp_path: Path, district: BundlingDistrict
) -> None:
    kiosk = district.kiosk(tmp_path / "kiosk").start()
    try:
        give(kiosk, district.bundle(7, "[engine]\ndeadline_seconds = 0.001\n"))
        wait_until(lambda: read_state(kiosk.state_dir).undone is not None, "the box has left it", deadline_seconds=60)
        wait_for_bundle(kiosk, None)
        assert "a phantom, which any box can read, could not be read" in attention(kiosk)
        assert read_state(kiosk.state_dir).present is None
        assert not sum(kiosk.status()["instances"].values())  # and no phantom is among the patients
        assert not kiosk.reports()
    finally:
        kiosk.stop()


def test_a_package_that_is_damaged_after_the_switch_takes_the_box_back(
    tmp_path: Path, district: BundlingDistrict
) -> None:
    kiosk = district.kiosk(tmp_path / "kiosk", report={"quiet_seconds": 3.0}).start()
    try:
        give(kiosk, district.bundle(7, "", write_classifier(tmp_path)))
        wait_until(lambda: kiosk.status()["bundle"]["to_try"] == 7, "the bundle waits", deadline_seconds=30)
        (kiosk.state_dir / "bundles/7/models/tiny-chest_1.2.3/model.tflite").write_bytes(b"bits that fell over")
        wait_for_bundle(kiosk, None)
        assert "was left by itself" in attention(kiosk)
        assert "altered or damaged" in attention(kiosk)
    finally:
        kiosk.stop()


def test_it_waits_until_nobody_sends(tmp_path: Path, district: BundlingDistrict) -> None:
    kiosk = district.kiosk(tmp_path / "kiosk").start()
    try:
        modality = ApplicationEntity("FILMROOM")
        modality.add_requested_context(ComputedRadiographyImageStorage)
        association = modality.associate("127.0.0.1", kiosk.port)
        try:
            give(kiosk, district.bundle(7))
            wait_until(lambda: kiosk.status()["bundle"]["to_try"] == 7, "the bundle waits", deadline_seconds=30)
            daemon = kiosk.process.pid
            with pytest.raises(AssertionError, match="still not"):
                wait_until(lambda: kiosk.status()["bundle"]["number"] == 7, "nothing", deadline_seconds=2)
        finally:
            association.release()
        wait_for_bundle(kiosk, 7)
        assert kiosk.process.pid == daemon  # it started again in its own place
    finally:
        kiosk.stop()


def test_two_starts_that_fail_take_the_box_back(tmp_path: Path, district: BundlingDistrict) -> None:
    """Before anything listens: here the daemon is killed, as a crash at its start would do."""
    kiosk = district.kiosk(tmp_path / "kiosk", fleet={"bundle_trial_minutes": 5.0}).start()
    give(kiosk, district.bundle(7))
    wait_until(lambda: read_state(kiosk.state_dir).trial is not None, "the trial begins", deadline_seconds=30)
    kiosk.kill()
    kiosk.start()
    assert kiosk.status()["bundle"]["number"] == 7  # one may be an accident
    kiosk.kill()
    kiosk.start()
    try:
        assert kiosk.status()["bundle"]["number"] is None
        assert "did not run until the end of its trial" in attention(kiosk)
    finally:
        kiosk.stop()


def test_stopping_the_box_says_nothing_about_the_bundle(tmp_path: Path, district: BundlingDistrict) -> None:
    kiosk = district.kiosk(tmp_path / "kiosk", fleet={"bundle_trial_minutes": 5.0}).start()
    give(kiosk, district.bundle(7))
    wait_until(lambda: read_state(kiosk.state_dir).trial is not None, "the trial begins", deadline_seconds=30)
    wait_until(lambda: "ready" in kiosk.log()[-200:], "the daemon is ready again")
    for _ in range(2):
        assert kiosk.stop() == 0
        kiosk.start()
    assert kiosk.stop() == 0
    state = read_state(kiosk.state_dir)
    assert (state.present, state.trial.starts if state.trial else None) == (7, 0)


def test_settings_that_do_not_go_with_those_of_the_box_never_keep_it_from_starting(
    tmp_path: Path, district: BundlingDistrict
) -> None:
    kiosk = district.kiosk(tmp_path / "kiosk").start()
    try:
        give(kiosk, district.bundle(7))
        wait_for_bundle(kiosk, 7)
        kiosk.stop()
        (kiosk.state_dir / "bundles/7/settings.toml").write_text('[engine]\npython = "/tmp/own"\n')
        kiosk.start()
        assert "what no bundle may set: engine.python" in attention(kiosk)
        assert load_settings(kiosk.settings_file).engine.python is None
    finally:
        kiosk.stop()


@pytest.mark.parametrize("name", ["state.json", "7/settings.toml"])
@pytest.mark.parametrize("kind", ["pipe", "link", "endless"])
def test_what_the_daemons_user_puts_in_their_place_holds_no_command_of_root(
    tmp_path: Path, district: BundlingDistrict, name: str, kind: str
) -> None:
    settings = district.box(tmp_path / "state")
    folder = settings.state_dir / "bundles/7"
    folder.mkdir(parents=True)
    (folder / "settings.toml").write_text('[report]\npage_size = "A5"\n')
    change_state(settings.state_dir, lambda state: state.to_try(7).after_step())
    place = folder.parent / name
    place.unlink()
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "link":
        (tmp_path / "elsewhere.toml").write_text('[report]\npage_size = "A5"\n')
        place.symlink_to(tmp_path / "elsewhere.toml")
    else:
        place.symlink_to("/dev/zero")
    in_use = settings_in_use(tmp_path / "state.toml")
    assert in_use.settings.report.page_size == "A4"
    assert "are not used" in in_use.problem


def test_a_damaged_state_costs_the_bundle_and_neither_the_box_nor_the_next_one(
    tmp_path: Path, district: BundlingDistrict
) -> None:
    settings = district.box(tmp_path / "state")
    (settings.state_dir / "bundles/7").mkdir(parents=True)
    (settings.state_dir / "bundles/state.json").write_text("{")
    with pytest.raises(StorageError, match=r"state.json is damaged"):
        take_bundle(district.bundle(8), settings)
    in_use = settings_at_start(tmp_path / "state.toml")
    assert (in_use.from_bundle(), in_use.problem) == ((), "")
    problem = undone_problem(read_state(settings.state_dir))
    assert problem is not None
    assert "Bundle 7 of the district was left by itself" in problem.what
    assert "was damaged" in problem.what
    with pytest.raises(BundleError, match="only higher numbers"):
        take_bundle(district.bundle(7), settings)
    assert take_bundle(district.folder / "8.zip", settings) == 8


def test_a_bundle_is_only_tried_in_a_state_that_its_start_has_made(tmp_path: Path, district: BundlingDistrict) -> None:
    """A command in the moment between sees the old one or the new one, and never half of both."""
    settings = district.box(tmp_path / "state")
    file = tmp_path / "state.toml"
    bundles = settings.state_dir / "bundles/7"
    bundles.mkdir(parents=True)
    (bundles / "settings.toml").write_text('[report]\npage_size = "A5"\n')
    change_state(settings.state_dir, lambda state: state.to_try(7))
    assert load_settings(file).report.page_size == "A4"
    assert settings_at_start(file).settings.report.page_size == "A5"
    assert load_settings(file).report.page_size == "A5"
