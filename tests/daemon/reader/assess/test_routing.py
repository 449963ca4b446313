"""Which package an image goes to, and the reason if it goes to none."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from leapfrog.errors import LeapfrogError
from leapfrog.exam import PictureHints
from leapfrog.language.sentence import Sentence
from leapfrog.packages.manifest import Manifest
from leapfrog.packages.package import SHIPPED_PACKAGES, ModelPackage, load_package
from leapfrog.patient_age import Age, PatientAge
from leapfrog.reader.assess.exam_attributes import Exam, exam_of
from leapfrog.reader.assess.routing import Route, route_by_picture
from leapfrog.reader.assess.routing import route as route_by_age
from leapfrog.reader.image.dicom_file import open_dicom_file
from leapfrog.reader.image.identity import header_of

CR_STORAGE = "1.2.840.10008.5.1.4.1.1.1"


def package(name: str, *, has_quality_check: bool = True, **applies_to: Any) -> ModelPackage:
    files = {"model.tflite": "0" * 64} | ({"quality.npz": "0" * 64} if has_quality_check else {})
    manifest = {
        "name": name,
        "version": "1",
        "task": "classification",
        "demonstration": True,
        "intended_use": "Tests only.",
        "applies_to": applies_to,
        "input": {"height": 224, "width": 224},
        "outputs": {"scores": 0},
        "finding": [{"name": "F", "code": {"value": "1", "scheme": "99T", "meaning": "F"}, "threshold": 0.5}],
        "files": files,
    }
    return ModelPackage(Path("/packages") / name, Manifest.model_validate(manifest))


CHEST = load_package(SHIPPED_PACKAGES / "chest-findings")
HEAD = load_package(SHIPPED_PACKAGES / "fetal-head")
NERVE = package(
    "nerve",
    modalities=["US"],
    body_parts=["NERVE"],
    words={"NERVE": "nerves nervio interscalene"},
    excluded=[{"words": "optic vagus", "reason": "This is of another nerve ({words}); {package} is not for it."}],
)
UNCHECKED_NERVE = package(
    "nerve", modalities=["US"], body_parts=["NERVE"], words={"NERVE": "nerves"}, has_quality_check=False
)
PACKAGES = (CHEST, HEAD)
GROWN = PatientAge(stated=Age(40, "year"))


def route(exam: Exam, packages: Sequence[ModelPackage]) -> Route:
    """Where the exam of a grown patient goes."""
    return route_by_age(replace(exam, age=GROWN), packages, "adult")


def chosen(exam: Exam) -> str | None:
    chosen = route(exam, PACKAGES).package
    return chosen.manifest.name if chosen else None


@pytest.mark.parametrize(
    "exam",
    [
        Exam(modality="CR", body_part="CHEST", view="PA"),
        Exam(modality="DX", body_part="Thorax", view="AP"),
        Exam(modality="DX", body_part="CHEST"),
        Exam(sop_class_uid=CR_STORAGE, body_part="CHEST"),
        Exam(modality="CR", image_texts="Chest PA"),
        Exam(modality="CR", study_texts="Chest PA and lateral"),
        Exam(modality="CR", image_texts="TORAX AP"),
        Exam(modality="DX", regions="Chest", view_codes="postero-anterior"),
        Exam(modality="CR", body_part="CHEST", image_texts="PA / LAT"),
        Exam(modality="CR", body_part="CHEST", patient_orientation="L\\F"),
    ],
)
def test_a_frontal_chest_film_goes_to_the_chest_model(exam: Exam) -> None:
    assert route(exam, PACKAGES) == Route(CHEST)


@pytest.mark.parametrize(
    "exam",
    [
        Exam(modality="US", body_part="FETUS"),
        Exam(modality="US", image_type="ORIGINAL\\PRIMARY\\OBSTETRICAL\\0001"),
        Exam(modality="US", study_texts="OB 2nd trimester"),
        Exam(modality="US", image_texts="Fetal biometry"),
    ],
)
def test_an_obstetric_ultrasound_goes_to_the_fetal_model(exam: Exam) -> None:
    assert route(exam, PACKAGES) == Route(HEAD)


@pytest.mark.parametrize(
    ("exam", "reason"),
    [
        (Exam(modality="CR", body_part="CHEST", view="LL"), "lateral view"),
        (Exam(modality="DX", body_part="CHEST", view="LATERAL"), "lateral view"),
        (Exam(modality="DX", body_part="CHEST", view="LLD"), "lateral view"),
        (Exam(modality="CR", body_part="CHEST", image_texts="Thorax lat"), "lateral view"),
        (Exam(modality="CR", body_part="CHEST", patient_orientation="A\\F"), "lateral view"),
        (Exam(modality="CR", body_part="CHEST", view="RAO"), "oblique view"),
        (Exam(modality="CR", body_part="HAND", view="PA"), '"HAND"'),
        (Exam(modality="CR", body_part="TSPINE"), '"TSPINE"'),
        (Exam(modality="CR", image_texts="Left wrist PA"), '"WRIST"'),
        (Exam(modality="US", body_part="CHEST"), '"CHEST"'),
        (Exam(modality="US", study_texts="Stress Echo Study"), '"ECHO"'),
        (Exam(modality="US", body_part="FETUS", study_texts="Neonatal head"), "newborn"),
        (Exam(modality="US"), "does not say which body part"),
        (Exam(modality="CT", body_part="CHEST"), "No model on this box reads CT images"),
        (Exam(modality="OT"), "reads OT images"),
        (Exam(modality="DX", body_part="CHEST", image_texts="Dose Report"), "a screen or a document"),
        (Exam(modality="US", body_part="FETUS", image_type="DERIVED\\SECONDARY\\SCREEN SAVE"), "a screen"),
        (Exam(), "what kind of machine"),
        (Exam(is_picture=True), "[[folder.watch]]"),
        (Exam(is_picture=True, modality="OT"), "[[folder.watch]]"),
        (Exam(is_picture=True, modality="US"), "[[folder.watch]]"),
    ],
)
def test_what_a_model_was_not_made_for_is_not_forced_through_it(exam: Exam, reason: str) -> None:
    refused = route(exam, PACKAGES)
    assert refused.package is None
    assert reason in refused.reason


def test_an_x_ray_that_says_nothing_needs_a_quality_check() -> None:
    silent = Exam(modality="CR")
    accepted = route(silent, PACKAGES)
    assert accepted.package is CHEST
    assert "It was read as chest" in accepted.assumption
    unchecked = package(
        "chest-findings", modalities=["CR"], body_parts=["CHEST"], words={"CHEST": "thorax"}, has_quality_check=False
    )
    refused = route(silent, (unchecked,))
    assert refused.package is None
    assert "does not say which body part" in refused.reason


def test_without_packages_the_remedy_is_named() -> None:
    assert "Install" in route(Exam(modality="CR", body_part="CHEST"), ()).reason


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("fo-dicom_MSPL/CR-MONO1-10-chest", "chest-findings"),
        ("torchxrayvision_Apache2/Fake_MONOHR1.dcm", "chest-findings"),
        ("pydicom-data_MIT/RG1_J2KI.dcm", "chest-findings"),
        ("pydicom-data_MIT/RG3_J2KI.dcm", None),
        ("highdicom_MIT/dx_image.dcm", None),  # the lateral film of a dog's thorax
        ("pydicom-data_MIT/OBXXXX1A.dcm", "fetal-head"),
        ("pydicom-data_MIT/color-px.dcm", None),
        ("pydicom_MIT/CT_small.dcm", None),
    ],
)
def test_real_files_go_where_a_radiographer_would_send_them(shared_data: Path, file: str, expected: str | None) -> None:
    opened = open_dicom_file(shared_data / "dicom" / file)
    header = header_of(opened.dataset, opened.transfer_syntax_uid, PictureHints())
    assert chosen(exam_of(opened.dataset, header, GROWN, is_picture=False)) == expected


def test_a_scan_with_a_preset_for_nerves_goes_to_the_model_for_nerves_only(shared_data: Path) -> None:
    scan = next((shared_data / "dicom" / "us_brachial_GPL3").glob("*.dcm"))
    opened = open_dicom_file(scan)
    header = header_of(opened.dataset, opened.transfer_syntax_uid, PictureHints())
    exam = exam_of(opened.dataset, header, GROWN, is_picture=False)
    assert route(exam, (CHEST, HEAD, NERVE)).package == NERVE
    assert "NERVE" in route(exam, PACKAGES).reason
    elsewhere = route(replace(exam, study_texts="Optic nerve sheath, right eye"), (NERVE,))
    assert elsewhere.package is None
    assert elsewhere.reason == "This is of another nerve (optic); nerve 1 is not for it."


def test_a_new_package_brings_its_own_words() -> None:
    knee = package("knee-effusion", modalities=["US", "CR"], body_parts=["KNEE"], words={"KNEE": "genou Rodilla"})
    described = Exam(modality="US", study_texts="Écho du GENOU droit")
    assert route(described, (HEAD, knee)) == Route(knee)
    assert "does not say which body part" in route(described, (HEAD,)).reason
    assert '"Rodilla"' in route(Exam(modality="DX", body_part="Rodilla"), (CHEST, knee)).reason


def test_a_term_of_several_words_counts_as_a_whole() -> None:
    plain = package("plain", modalities=["CR"], body_parts=["WHOLE BODY"], words={"WHOLE BODY": "babygram"})
    assert route(Exam(modality="CR", body_part="Whole  body"), (plain,)) == Route(plain)
    assert '"BODY"' in route(Exam(modality="CR", body_part="BODY"), (plain,)).reason


def test_of_several_parts_in_one_text_the_same_counts_in_every_order_of_packages() -> None:
    exam = Exam(modality="US", study_texts="Fetal chest")
    assert {route(exam, order).reason for order in ((CHEST, HEAD), (HEAD, CHEST))} == {
        'The image says that it shows "CHEST"; fetal-head 0.3.0 is for fetus only.'
    }


@pytest.mark.parametrize(
    ("exam", "expected"),
    [
        (Exam(modality="US", body_part="NERVE"), NERVE),
        (Exam(modality="US", body_part="nervio", is_picture=True), NERVE),
        (Exam(modality="US", image_texts="NERVE_0TO4CM", image_type="ORIGINAL\\PRIMARY\\MUSCULOSKELETAL"), NERVE),
        (Exam(modality="US", study_texts="Femoral nerve block"), NERVE),
        (Exam(modality="US", body_part="FETUS"), HEAD),
        (Exam(modality="US", body_part="FETUS", study_texts="Femoral nerve block"), HEAD),
        (Exam(modality="US", image_texts="OB 2/3 trimester", study_texts="Nerve block"), HEAD),
        (Exam(modality="US", body_part="NECK", study_texts="Nerve block"), None),
        (Exam(modality="US", body_part="FETUS", study_texts="Neonatal nerves"), None),
        (Exam(modality="US", image_texts="Stress echo"), None),
    ],
)
def test_an_ultrasound_that_says_what_it_shows_goes_there_and_no_check_is_asked(
    exam: Exam, expected: ModelPackage | None
) -> None:
    for packages in ((CHEST, HEAD, NERVE), (NERVE, HEAD, CHEST)):
        chosen = route(exam, packages)
        assert chosen.package == expected
        assert chosen.contenders == ()


@pytest.mark.parametrize(
    ("exam", "undecided"),
    [
        (Exam(modality="US"), "The image does not say which body part it shows."),
        (Exam(modality="US", is_picture=True), "The image does not say which body part it shows."),
        (
            Exam(modality="US", study_texts="Pregnancy, femoral nerve"),
            "The description of the exam names fetus and nerve.",
        ),
    ],
)
def test_an_ultrasound_that_does_not_tell_goes_where_the_only_check_accepts_it(exam: Exam, undecided: str) -> None:
    open_route = route(exam, (CHEST, HEAD, NERVE))
    assert open_route == Route(None, contenders=(HEAD, NERVE), undecided=Sentence(undecided))
    for package, part in ((HEAD, "fetus"), (NERVE, "nerve")):
        chosen = route_by_picture(open_route, [package], exam)
        assumption = Sentence(f"{undecided} It was read as {part}, because it looks like that.")
        assert chosen == Route(package, assumption=assumption)


def test_where_no_check_accepts_it_or_several_do_staff_are_told_what_to_set() -> None:
    for exam, remedy in (
        (Exam(modality="US"), "Select the exam on the machine with the body part: FETUS or NERVE."),
        (
            Exam(modality="US", is_picture=True),
            'Set body_part = "FETUS" or "NERVE" for its folder in a [[folder.watch]] entry of the settings.',
        ),
    ):
        open_route = route(exam, (CHEST, HEAD, NERVE))
        neither, both = (route_by_picture(open_route, accepting, exam) for accepting in ([], [HEAD, NERVE]))
        assert (neither.package, both.package) == (None, None)
        said = "The image does not say which body part it shows. It"
        assert (
            neither.reason == f"{said} does not look like pictures of fetus or nerve. So no model was chosen. {remedy}"
        )
        assert both.reason == f"{said} looks like pictures of fetus and nerve alike. So no model was chosen. {remedy}"


def test_a_package_without_a_check_or_that_is_excluded_is_no_contender() -> None:
    silent = Exam(modality="US")
    for packages in ((HEAD, UNCHECKED_NERVE), (HEAD,), (HEAD, replace(HEAD))):
        alone = route(silent, packages)
        assert (alone.package, alone.contenders) == (None, ())
        assert "does not say which body part" in alone.reason
    both = Exam(modality="US", study_texts="Newborn of a pregnancy, nerves of the arm")
    assert route(both, (HEAD, NERVE)) == Route(NERVE), "a newborn is no fetus"
    optic = Exam(modality="US", study_texts="Pregnancy, optic nerve")
    assert route(optic, (HEAD, NERVE)) == Route(HEAD)
    unchecked = route(Exam(modality="US", study_texts="Pregnancy, femoral nerve"), (HEAD, UNCHECKED_NERVE))
    assert unchecked.reason == (
        "The description of the exam names fetus and nerve. So no model was chosen. Select the exam on the machine with"
        " the body part: FETUS or NERVE."
    )


def test_words_for_a_body_part_that_the_package_does_not_read_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"not in applies_to\.body_parts"):
        package("wrong", modalities=["US"], body_parts=["FETUS"], words={"FOETUS": "fetal"})


def test_words_for_a_nerve_block_are_of_another_part_where_no_package_knows_nerves() -> None:
    for text in ("Supraclavicular", "Interscalene block"):
        assert route(Exam(modality="CR", study_texts=text), (CHEST,)).package is None


def test_every_shared_file_gets_a_package_or_a_reason(shared_data: Path) -> None:
    for path in sorted((shared_data / "dicom").rglob("*")):
        try:
            opened = open_dicom_file(path)
        except (LeapfrogError, IsADirectoryError):
            continue
        header = header_of(opened.dataset, opened.transfer_syntax_uid, PictureHints())
        chosen = route(exam_of(opened.dataset, header, GROWN, is_picture=False), PACKAGES)
        assert (chosen.package is None) == bool(chosen.reason), path.name
