"""Which versions of the packages the box has, also right after one was installed or removed."""

import shutil
from pathlib import Path

from leapfrog.packages.in_use import ModelsInUse
from leapfrog.settings import Settings
from support.signed_packages import new_signer
from support.tiny_models import CLASSIFIER, classifier_content, write_package


def test_a_package_counts_from_the_moment_in_which_it_is_there(tmp_path: Path) -> None:
    in_use = ModelsInUse(Settings.model_validate({"station": {"state_dir": tmp_path}}))
    shipped = in_use.versions()["chest-findings"]
    newer = CLASSIFIER.replace("tiny-chest", "chest-findings").replace("1.2.3", "99.0")
    package = write_package(tmp_path / "made", newer, classifier_content())
    shutil.copytree(package, tmp_path / "models" / "chest-findings")
    assert in_use.versions()["chest-findings"] == "99.0"
    shutil.rmtree(tmp_path / "models" / "chest-findings")
    assert in_use.versions()["chest-findings"] == shipped


def test_while_a_key_cannot_be_read_what_was_known_last_counts(tmp_path: Path) -> None:
    key = new_signer(tmp_path / "keys").public_file
    in_use = ModelsInUse(
        Settings.model_validate({"station": {"state_dir": tmp_path}, "models": {"trusted_keys": [key]}})
    )
    before = in_use.versions()
    key.write_text("no key")
    (tmp_path / "models").mkdir()
    assert in_use.versions() == before
