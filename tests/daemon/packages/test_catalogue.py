"""Which of several packages is used, and what is reported about the others."""

from pathlib import Path

import pytest

from leapfrog.packages.catalogue import find_packages
from leapfrog.packages.package import ANY_SIGNATURE
from leapfrog.packages.signature import SIGNATURE_NAME, SignaturePolicy, signature_policy
from support.capabilities import bound_by_file_modes
from support.signed_packages import Signer, new_signer, write_version
from support.tiny_models import CLASSIFIER, classifier_content, write_classifier, write_package, write_segmenter


@pytest.fixture
def hospital(tmp_path: Path) -> Signer:
    return new_signer(tmp_path / "keys")


@pytest.fixture
def strict(hospital: Signer) -> SignaturePolicy:
    return signature_policy([hospital.public_file], required=True)


def test_the_first_directory_wins_and_a_damaged_package_hides_no_sound_one(tmp_path: Path) -> None:
    shipped, installed, configured = (tmp_path / name for name in ("shipped", "installed", "configured"))
    write_classifier(shipped)
    write_segmenter(shipped)
    newer = CLASSIFIER.replace("1.2.3", "2.0.0")
    write_package(installed / "tiny-chest", newer, classifier_content())
    damaged = write_segmenter(configured)
    (damaged / "model.tflite").write_bytes(b"")
    catalogue = find_packages((configured, installed, shipped, tmp_path / "missing"), ANY_SIGNATURE)
    assert {package.title for package in catalogue.packages} == {"tiny-chest 2.0.0", "tiny-head 0.0.1"}
    assert [broken.folder for broken in catalogue.damaged] == [damaged]
    listing = {(entry["path"], entry["verified"]) for entry in catalogue.listing()}
    assert (str(damaged), False) in listing
    assert (str(installed / "tiny-chest"), True) in listing


def test_a_directory_may_be_a_package_itself(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path)
    assert [package.folder for package in find_packages((folder,), ANY_SIGNATURE).packages] == [folder]


def test_of_one_directory_the_highest_version_is_used(tmp_path: Path) -> None:
    for version in ("0.9.9", "0.10.0", "0.10.0-rc.1"):
        write_version(tmp_path / f"tiny-chest_{version}", version)
    catalogue = find_packages((tmp_path,), ANY_SIGNATURE)
    assert [package.title for package in catalogue.packages] == ["tiny-chest 0.10.0"]
    assert catalogue.problems() == ()


def test_a_damaged_newest_version_is_reported_and_the_version_before_is_used(tmp_path: Path) -> None:
    write_version(tmp_path / "tiny-chest_1.0", "1.0")
    newest = write_version(tmp_path / "tiny-chest_2.0", "2.0")
    (newest / "model.tflite").write_bytes(b"")
    catalogue = find_packages((tmp_path,), ANY_SIGNATURE)
    assert [package.title for package in catalogue.packages] == ["tiny-chest 1.0"]
    (problem,) = catalogue.problems()
    assert "tiny-chest_2.0 is not loaded: model.tflite was altered" in problem
    assert problem.endswith("tiny-chest 1.0 is used instead.")


def test_a_damaged_former_version_is_listed_and_needs_no_attention(tmp_path: Path) -> None:
    former = write_version(tmp_path / "tiny-chest_1.0", "1.0")
    (former / "model.toml").write_text("damaged")
    write_version(tmp_path / "tiny-chest_2.0", "2.0")
    catalogue = find_packages((tmp_path,), ANY_SIGNATURE)
    assert [(entry["version"], entry["verified"]) for entry in catalogue.listing()] == [("2.0", True), ("1.0", False)]
    assert catalogue.problems() == ()


def test_a_package_whose_manifest_was_altered_after_signing_is_never_used(tmp_path: Path, hospital: Signer) -> None:
    folder = hospital.sign(write_classifier(tmp_path))
    manifest = folder / "model.toml"
    manifest.write_text(manifest.read_text().replace("threshold = 0.6", "threshold = 0.9"))
    catalogue = find_packages((folder,), ANY_SIGNATURE)
    assert catalogue.packages == ()
    (entry,) = catalogue.listing()
    assert (entry["name"], entry["verified"], entry["signature"]) == ("tiny-chest", False, "bad")
    assert "model.toml.sig does not match model.toml" in str(entry["reason"])


def test_a_signed_model_that_was_altered_is_never_used(
    tmp_path: Path, hospital: Signer, strict: SignaturePolicy
) -> None:
    folder = hospital.sign(write_classifier(tmp_path))
    (folder / "model.tflite").write_bytes(classifier_content() + b"0")
    (entry,) = find_packages((folder,), strict).listing()
    assert (entry["verified"], entry["signature"]) == (False, "trusted")
    assert "model.tflite was altered" in str(entry["reason"])


def test_the_listing_says_who_signed(tmp_path: Path, hospital: Signer) -> None:
    packages = tmp_path / "packages"
    hospital.sign(write_version(packages / "a", "1"))
    folders = (packages / "a", write_segmenter(packages))
    listed = find_packages(folders, signature_policy([hospital.public_file], required=False)).listing()
    assert {entry["name"]: entry["signature"] for entry in listed} == {"tiny-chest": "trusted", "tiny-head": "none"}
    (stranger, _) = find_packages(folders, ANY_SIGNATURE).listing()
    assert (stranger["signature"], stranger["verified"]) == ("unknown key", True)


def test_where_signatures_are_required_others_are_not_used(tmp_path: Path, strict: SignaturePolicy) -> None:
    packages = tmp_path / "packages"
    new_signer(tmp_path / "stranger").sign(write_classifier(packages))
    write_segmenter(packages)
    catalogue = find_packages((packages,), strict)
    assert catalogue.packages == ()
    listed = {entry["name"]: (entry["signature"], entry["reason"]) for entry in catalogue.listing()}
    assert listed["tiny-chest"][0] == "unknown key" and "signed with a key that is not" in str(listed["tiny-chest"][1])
    assert listed["tiny-head"][0] == "none" and "it is not signed" in str(listed["tiny-head"][1])
    assert all("There is no other package named" in problem for problem in catalogue.problems())


def test_an_unsigned_one_that_a_signed_one_replaces_is_not_worth_a_word(
    tmp_path: Path, hospital: Signer, strict: SignaturePolicy
) -> None:
    installed, shipped = tmp_path / "installed", tmp_path / "shipped"
    write_classifier(shipped)
    hospital.sign(write_version(installed / "tiny-chest_2.0", "2.0"))
    catalogue = find_packages((installed, shipped), strict)
    assert [package.title for package in catalogue.packages] == ["tiny-chest 2.0"]
    assert catalogue.damaged == ()


def test_an_empty_signature_file_is_no_missing_signature(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path)
    (folder / SIGNATURE_NAME).write_bytes(b"")
    (entry,) = find_packages((folder,), ANY_SIGNATURE).listing()
    assert (entry["verified"], entry["signature"]) == (False, "bad")


def test_a_directory_that_may_not_be_read_is_reported_and_hides_no_other(tmp_path: Path) -> None:
    closed, shipped = tmp_path / "closed", tmp_path / "shipped"
    write_classifier(closed)
    write_classifier(shipped)
    closed.chmod(0)
    with bound_by_file_modes():
        catalogue = find_packages((closed, shipped), ANY_SIGNATURE)
    closed.chmod(0o700)
    assert [package.folder.parent for package in catalogue.packages] == [shipped]
    assert catalogue.problems() == (
        f"The model packages in {closed} cannot be read (Permission denied): let Leapfrog's user read them.",
    )
