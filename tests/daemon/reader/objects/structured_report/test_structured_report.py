"""The report as data says what the report says: each finding with its numbers, what is absent, what nobody saw."""

import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import ComprehensiveSRStorage

from leapfrog.exam import (
    Code,
    EstimatedValue,
    Identity,
    ImageHeader,
    ImageReading,
    Measurement,
    PictureHints,
    PictureIdentity,
    Region,
)
from leapfrog.lanes.lane import Lane
from leapfrog.phantoms.exams import chest_exam, chest_picture, fetal_head_exam
from leapfrog.phantoms.fetal_head import FetalHead
from leapfrog.processes.confinement import landlock_abi
from leapfrog.processes.messages import ReplacedObject, ReportResult, Station
from leapfrog.settings import EngineSettings, ModelSettings
from support.dcmtk import store
from support.dicom3tools import errors_of, needs_dicom3tools
from support.orthanc import Orthanc, orthanc_program
from support.readings import (
    CIRCLE,
    COMPUTED_RADIOGRAPHY,
    PATIENT,
    ULTRASOUND_CINE,
    chest_reading,
    finding,
    head_reading,
    nerve_reading,
    report_job,
    unassessed_reading,
)
from support.shipped_readings import as_file, shipped_reading
from support.spooled import without_record
from support.structured_reports import (
    all_texts,
    group_named,
    groups,
    needs_dcmtk,
    opened,
    plain,
    said,
    structured_report_file,
)

SERIES = "1.2.826.0.1.3680043.10.1.77"
FILM = ImageHeader(
    sop_class_uid=COMPUTED_RADIOGRAPHY,
    series_instance_uid=SERIES,
    modality="CR",
    body_part="CHEST",
    view="PA",
    rows=300,
    columns=240,
)
LOOP = ImageHeader(
    sop_class_uid=ULTRASOUND_CINE, series_instance_uid=SERIES, modality="US", rows=200, columns=300, frames=40
)

REPLACED = ReplacedObject(
    role="structured_report",
    version=1,
    sop_class_uid=ComprehensiveSRStorage,
    sop_instance_uid="2.25.41",
    series_instance_uid="2.25.42",
)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[ImageReading]]:
    """A folder, and what the packages that ship find in made-up exams: a film, a loop of a head, a lateral."""
    folder = tmp_path_factory.mktemp("exams")
    film = shipped_reading(as_file(chest_exam("opaque", seed=7), folder / "film.dcm"), folder)
    head = shipped_reading(as_file(fetal_head_exam(FetalHead(), seed=7, frames=3), folder / "head.dcm"), folder)
    lateral = chest_exam("clear", seed=7)
    lateral.ViewPosition = "LL"
    other = shipped_reading(as_file(lateral, folder / "lateral.dcm"), folder)
    assert [one.outcome for one in (film, head, other)] == ["findings", "findings", "not_assessed"]
    return folder, [film, head, other]


@pytest.fixture(scope="module")
def shipped_file(shipped: tuple[Path, list[ImageReading]]) -> Path:
    folder, readings = shipped
    return structured_report_file(folder, *readings)


def everything(report_dir: Path) -> list[ImageReading]:
    """Made-up readings of every kind."""
    return [
        chest_reading(report_dir, header=FILM),
        head_reading(report_dir, header=LOOP),
        nerve_reading(report_dir, header=LOOP, nerves=2, areas=(3.5, 2.25)),
        unassessed_reading(header=FILM),
    ]


# ------------------------------------------------------------ what others make of it


def test_highdicom_gives_back_the_very_numbers_of_the_report(
    shipped: tuple[Path, list[ImageReading]], shipped_file: Path
) -> None:
    _, readings = shipped
    document = opened(shipped_file)
    for number, reading in enumerate(readings, start=1):
        for one in reading.findings:
            group = group_named(document, f"Image {number}: {one.name}")
            assert (group.finding_type.value, group.finding_type.scheme_designator) == (one.code.value, one.code.scheme)
            values = {measurement.name.value: measurement for measurement in group.get_measurements()}
            assert values["111012"].value == one.score * 100
            assert values["111012"].unit.value == "%"
            parameters = said(group[0], "Algorithm Parameters")
            assert f"threshold={one.threshold!r}" in parameters
            assert (f"urgent_threshold={one.urgent_threshold!r}" in parameters) is (one.urgent_threshold is not None)
            assert said(group[0], "Presence") == ["Present" if one.flagged else "Absent"]
    [head] = readings[1].findings
    assert head.measurement is not None and head.measurement.estimate is not None
    values = {one.name.value: one for one in group_named(document, "Image 2: Fetal head").get_measurements()}
    assert (values["11984-2"].value, values["11984-2"].unit.value) == (head.measurement.value, "mm")
    age = values["18185-9"]
    assert (age.value, age.unit.value, age.method.value) == (head.measurement.estimate.value, "wk", "11932-1")


@needs_dicom3tools
def test_dciodvfy_finds_no_error(shipped_file: Path, tmp_path: Path) -> None:
    assert errors_of(shipped_file) == []
    assert errors_of(structured_report_file(tmp_path, *everything(tmp_path))) == []
    assert errors_of(structured_report_file(tmp_path, unassessed_reading())) == []
    cannot_be_named = chest_reading(tmp_path, header=FILM, sop_instance_uid="no uid")
    assert errors_of(structured_report_file(tmp_path, cannot_be_named)) == []
    second = structured_report_file(tmp_path, *everything(tmp_path), version=2, replaces=(REPLACED,))
    assert errors_of(second) == []


@needs_dcmtk
def test_dcmtk_reads_it_and_shows_each_statement_under_its_name(shipped_file: Path, tmp_path: Path) -> None:
    dumped = subprocess.run(["dsrdump", str(shipped_file)], capture_output=True, text=True, timeout=30, check=True)
    page = subprocess.run(
        ["dsr2html", "+U8", str(shipped_file)], capture_output=True, text=True, timeout=30, check=True
    ).stdout
    assert [line for line in dumped.stderr.splitlines() if "Specific Character Set" not in line] == []
    for told in ("Not a diagnosis", "Result in words", "Certainty of Finding", "Why it was not assessed", "UNVERIFIED"):
        assert told in page


@pytest.mark.skipif(orthanc_program() is None, reason="Orthanc is not installed")
@needs_dcmtk
def test_orthanc_stores_it_as_it_is(shipped_file: Path, tmp_path: Path) -> None:
    document = plain(shipped_file)
    with Orthanc(tmp_path / "orthanc") as district:
        assert store(district.dicom_port, [shipped_file]).succeeded
        (tmp_path / "back.dcm").write_bytes(district.file(document.SOPInstanceUID))
    assert plain(tmp_path / "back.dcm") == document


@pytest.mark.skipif(landlock_abi() < 1, reason="this kernel has no Landlock")
def test_a_reader_makes_it_behind_its_wall(tmp_path: Path) -> None:
    """What it is made with is imported after the reader gave up its rights."""
    for name in ("packages", "report", "spool"):
        (tmp_path / name).mkdir()
    reading = chest_reading(tmp_path / "report", header=FILM)
    job = report_job(tmp_path / "report", reading, derived=("structured_report",), pdf=False)
    models = ModelSettings(paths=(tmp_path / "packages",))
    lane = Lane(EngineSettings(deadline_seconds=60), models, tmp_path / "state", tmp_path / "spool")
    try:
        end = lane.run(job)
    finally:
        lane.close()
    assert isinstance(end, ReportResult), end
    [made] = end.produced
    document = opened(without_record(job.work_dir / made.name))
    assert len(groups(document)) == 1 + len(reading.findings)


# ------------------------------------------------------------ what it says


def test_it_lies_in_the_patients_study_as_an_unverified_document(tmp_path: Path) -> None:
    document = plain(structured_report_file(tmp_path, *everything(tmp_path)))
    assert document.SOPClassUID == ComprehensiveSRStorage
    assert (document.Modality, document.VerificationFlag) == ("SR", "UNVERIFIED")
    assert (document.PatientID, document.StudyInstanceUID) == (PATIENT.patient_id, PATIENT.study_instance_uid)
    assert document.SeriesInstanceUID != SERIES
    assert document.ConceptNameCodeSequence[0].CodeValue == "126000"  # by which viewers know such a report
    assert document.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    assert said(document, "Procedure reported") == ["Plain chest X-ray", "Diagnostic ultrasonography"]
    [study] = document.CurrentRequestedProcedureEvidenceSequence
    [series] = study.ReferencedSeriesSequence
    uids = {one.ReferencedSOPInstanceUID for one in series.ReferencedSOPSequence}
    assert uids == {f"1.2.826.0.1.3680043.10.1.{number}" for number in (1, 2, 3, 4)}
    models = [(one.ManufacturerModelName, one.SoftwareVersions) for one in document.ContributingEquipmentSequence]
    assert models == [("chest-findings", "0.1.0"), ("fetal-head", "0.2.0"), ("nerve", "0.1.0")]


def test_what_must_be_known_first_stands_before_the_findings(tmp_path: Path) -> None:
    reading = chest_reading(tmp_path, header=FILM, age_not_given=True)
    document = plain(structured_report_file(tmp_path, reading, other_patient_ids=("KIT-9",)))
    names = [one.ConceptNameCodeSequence[0].CodeMeaning for one in document.ContentSequence]
    assert names[-1] == "Imaging Measurements"
    assert said(document, "Summary")[0].startswith("2 findings need a look: Pleural effusion, Infiltration.")
    assert said(document, "Limits") == ["Age not given: this reading holds for adults only; for a child disregard it."]
    assert said(document, "Not a diagnosis") == [
        "Demonstration model. This is not a diagnosis and not a medical device: a trained person decides."
    ]
    assert "KIT-9" in said(document, "Check whose exam this is")[0]
    assert said(document, "Priority") == []


def test_what_is_urgent_says_so_for_the_exam_and_for_the_finding(tmp_path: Path) -> None:
    found = (finding("Pneumothorax", 0.9, urgent=True, urgent_threshold=0.8), finding("Nodule", 0.6))
    file = structured_report_file(tmp_path, chest_reading(tmp_path, header=FILM, findings=found))
    assert said(plain(file), "Priority") == ["Urgent"]
    document = opened(file)
    assert said(group_named(document, "Image 1: Pneumothorax")[0], "Priority") == ["Urgent"]
    assert said(group_named(document, "Image 1: Nodule")[0], "Priority") == []
    assert said(group_named(document, "Image 1: Pneumothorax")[0], "Result in words") == [
        "Pneumothorax: URGENT, above the urgent threshold"
    ]


def test_what_was_looked_for_and_not_found_differs_from_what_was_not_looked_at(tmp_path: Path) -> None:
    other = unassessed_reading(header=FILM, sop_instance_uid="1.2.826.0.1.3680043.10.1.9")
    unread = unassessed_reading(header=FILM, reason="The picture is too dark.")
    readings = (chest_reading(tmp_path, header=FILM), unassessed_reading(header=FILM), other, unread)
    document = opened(structured_report_file(tmp_path, *readings))
    nodule = group_named(document, "Image 1: Nodule")
    assert said(nodule[0], "Presence") == ["Absent"]
    assert said(nodule[0], "Result in words") == ["Nodule: not flagged, not ruled out"]
    [image, *_] = groups(document)
    comments = said(image[0], "Comment")
    assert any("This does not rule out disease." in comment for comment in comments)
    assert not any("bar" in comment for comment in comments), "it speaks of what only the page draws"
    unassessed = [group for group in groups(document) if group.finding_type and group.finding_type.value == "373121007"]
    assert [said(group[0], "Why it was not assessed") for group in unassessed] == [
        ["This is a lateral view. Send a frontal film."],
        ["The picture is too dark."],
    ]
    assert [len(group.source_images) for group in unassessed] == [2, 1], "one group for each reason"


def test_a_certainty_is_exact_for_programs_and_has_few_digits_for_people(tmp_path: Path) -> None:
    """As many as the report's page shows, which tell the score from its threshold."""
    scores = {"Nodule": (0.346012345, 0.3), "Edema": (0.3460123, 0.346), "Mass": (1.0, 0.5), "Hernia": (0.0, 0.5)}
    found = tuple(finding(name, *numbers) for name, numbers in scores.items())
    document = plain(structured_report_file(tmp_path, chest_reading(tmp_path, header=FILM, findings=found)))
    _, *groups_of_findings = document.ContentSequence[-1].ContentSequence
    values = [
        item.MeasuredValueSequence[0]
        for group in groups_of_findings
        for item in group.ContentSequence
        if item.ValueType == "NUM"
    ]
    assert [str(one.NumericValue) for one in values] == ["35", "34.601", "100", "0"]
    assert [one.FloatingPointValue for one in values] == [score * 100 for score, _ in scores.values()]


def test_an_aid_that_draws_nothing_does_not_say_that_nothing_is_there(tmp_path: Path) -> None:
    document = opened(structured_report_file(tmp_path, nerve_reading(tmp_path, header=LOOP, nerves=0, vessels=0)))
    assert said(group_named(document, "Image 1: Nerve")[0], "Presence") == ["Indeterminate"]


def test_an_outline_lies_on_the_very_frame_in_pixels_of_the_original(tmp_path: Path) -> None:
    document = opened(structured_report_file(tmp_path, head_reading(tmp_path, header=LOOP)))
    group = group_named(document, "Image 1: Fetal head")
    drawn = group.roi.value
    assert np.allclose(drawn[:-1], np.array(CIRCLE) * (LOOP.columns, LOOP.rows), atol=1e-4)
    assert (drawn[0] == drawn[-1]).all(), "it is closed"
    source = group.roi.ContentSequence[0].ReferencedSOPSequence[0]
    assert (source.ReferencedSOPInstanceUID, source.ReferencedFrameNumber) == ("1.2.826.0.1.3680043.10.1.2", 12)


def test_no_coordinate_lies_beyond_the_image(tmp_path: Path) -> None:
    beyond = tuple((x * 1.5 - 0.25, y * 1.5 - 0.25) for x, y in CIRCLE)
    reading = head_reading(tmp_path, header=LOOP, findings=(finding("Fetal head", 0.97, contour=(beyond,)),))
    drawn = group_named(opened(structured_report_file(tmp_path, reading)), "Image 1: Fetal head").roi.value
    assert drawn.min() >= 0
    assert (drawn.max(axis=0) <= (LOOP.columns, LOOP.rows)).all()


def test_the_place_of_a_flagged_finding_is_a_rectangle_that_is_told_from_an_outline(tmp_path: Path) -> None:
    place = Region(left=0.1, top=0.2, right=0.5, bottom=0.4)
    found = (finding("Nodule", 0.9, region=place), finding("Effusion", 0.1, region=place))
    document = opened(structured_report_file(tmp_path, chest_reading(tmp_path, header=FILM, findings=found)))
    corners = group_named(document, "Image 1: Nodule").roi.value
    assert np.allclose(corners, [(24, 60), (120, 60), (120, 120), (24, 120), (24, 60)])
    [image] = [group for group in groups(document) if "CR CHEST PA" in group.tracking_identifier]
    assert any("no outline" in text for text in said(image[0], "Comment"))
    assert [group.finding_type.meaning for group in groups(document) if hasattr(group, "roi")] == ["Nodule"]


def test_each_of_several_parts_has_its_outline_and_its_size(tmp_path: Path) -> None:
    reading = nerve_reading(tmp_path, header=LOOP, nerves=2, areas=(3.5, 2.25))
    document = opened(structured_report_file(tmp_path, reading))
    whole = {one.unit.value: one.value for one in group_named(document, "Image 1: Nerve").get_measurements()}
    assert whole["mm2"] == 5.75
    assert said(group_named(document, "Image 1: Nerve")[0], "Result in words") == ["Nerve area 3.5 and 2.2 mm²"]
    for part, area in enumerate((3.5, 2.25), start=1):
        group = group_named(document, f"Image 1: Nerve, part {part} of 2")
        assert [one.value for one in group.get_measurements()] == [area]
        assert len(group.roi.value) == 4


def test_what_is_drawn_for_orientation_only_says_so(tmp_path: Path) -> None:
    document = opened(structured_report_file(tmp_path, nerve_reading(tmp_path, header=LOOP)))
    vessel = group_named(document, "Image 1: Vessel")
    assert said(vessel[0], "Comment") == ["Outlined for orientation only. It is no result."]
    assert said(group_named(document, "Image 1: Nerve")[0], "Comment") == []


def test_a_measurement_keeps_its_code_and_how_its_estimate_was_made(tmp_path: Path) -> None:
    weeks = EstimatedValue(
        name="Gestational age",
        code=Code(value="18185-9", scheme="LN", meaning="Gestational Age"),
        value=20.02,
        unit="wk",
        method=Code(value="11932-1", scheme="LN", meaning="HC, Hadlock 1984"),
    )
    size = Measurement(
        name="Head circumference",
        code=Code(value="11984-2", scheme="LN", meaning="Head Circumference"),
        value=175.0,
        unit="mm",
        estimate=weeks,
    )
    found = (finding("Fetal head", 0.97, contour=(CIRCLE,), measurement=size, note="About 20 weeks."),)
    document = opened(structured_report_file(tmp_path, head_reading(tmp_path, header=LOOP, findings=found)))
    group = group_named(document, "Image 1: Fetal head")
    measured = {one.name.value: (one.value, one.unit.value) for one in group.get_measurements()}
    assert measured["11984-2"] == (175.0, "mm")
    assert measured["18185-9"] == (20.02, "wk")
    assert said(group[0], "Comment") == ["About 20 weeks."]


def test_it_speaks_english_whatever_the_station_speaks(tmp_path: Path) -> None:
    readings = everything(tmp_path)
    english = plain(structured_report_file(tmp_path, *readings))
    station = Station(name="Kitgum", ae_title="LEAPFROG", language="fr", software_version="0.1.0")
    french = plain(structured_report_file(tmp_path, *readings, station=station))
    assert list(all_texts(french)) == list(all_texts(english))


# ------------------------------------------------------------ versions


def test_a_new_version_names_the_one_that_it_replaces(tmp_path: Path) -> None:
    first = plain(structured_report_file(tmp_path, chest_reading(tmp_path, header=FILM)))
    assert "PredecessorDocumentsSequence" not in first
    uids = {"sop_instance_uid": first.SOPInstanceUID, "series_instance_uid": first.SeriesInstanceUID}
    replaced = REPLACED.model_copy(update=uids)
    pdf = replaced.model_copy(update={"role": "report_pdf", "sop_instance_uid": "1.2.3"})
    file = structured_report_file(tmp_path, chest_reading(tmp_path, header=FILM), version=2, replaces=(replaced, pdf))
    second = plain(file)
    [study] = second.PredecessorDocumentsSequence
    [series] = study.ReferencedSeriesSequence
    [document] = series.ReferencedSOPSequence
    assert study.StudyInstanceUID == first.StudyInstanceUID
    assert series.SeriesInstanceUID == first.SeriesInstanceUID
    assert document.ReferencedSOPInstanceUID == first.SOPInstanceUID
    assert second.SOPInstanceUID != first.SOPInstanceUID
    assert second.SeriesNumber < first.SeriesNumber, "the newest stands first"


def test_a_finding_is_tracked_under_the_same_uid_in_every_version(tmp_path: Path) -> None:
    def tracked(version: int) -> dict[str, str]:
        file = structured_report_file(tmp_path, *everything(tmp_path), version=version)
        return {group.tracking_identifier: group.tracking_uid for group in groups(opened(file))}

    first = tracked(1)
    assert first == tracked(2)
    assert len(set(first.values())) == len(first)


# ------------------------------------------------------------ what is odd


def test_a_wrapped_picture_is_named_by_the_uids_that_it_got_here(tmp_path: Path) -> None:
    picture = PictureIdentity(study_instance_uid="2.25.7", series_instance_uid="2.25.8", sop_instance_uid="2.25.9")
    hints = PictureHints(modality="CR", body_part="CHEST", view="PA", age_years=40)
    (tmp_path / "film.png").write_bytes(chest_picture("opaque", seed=7))
    reading = shipped_reading(tmp_path / "film.png", tmp_path, picture=picture, hints=hints)
    assert reading.outcome == "findings"
    [group, *_] = groups(opened(structured_report_file(tmp_path, reading)))
    assert [one.referenced_sop_instance_uid for one in group.source_images] == ["2.25.9"]
    assert said(group[0], "Comment")[0].startswith("Model: chest-findings"), "no word of a missing UID"


@pytest.mark.parametrize("broken", ["sop_instance_uid", "sop_class_uid", "series_instance_uid"])
def test_an_image_that_cannot_be_named_is_told_in_words(tmp_path: Path, broken: str) -> None:
    of_header = broken != "sop_instance_uid"
    header = FILM.model_copy(update={broken: "no uid"}) if of_header else FILM
    uid = {} if of_header else {broken: "no uid"}
    place = Region(left=0.1, top=0.2, right=0.5, bottom=0.4)
    reading = chest_reading(tmp_path, header=header, findings=(finding("Nodule", 0.9, region=place),), **uid)
    file = structured_report_file(tmp_path, reading)
    document = opened(file)
    assert "CurrentRequestedProcedureEvidenceSequence" not in document
    [image, nodule] = groups(document)
    assert said(image[0], "Comment")[0] == (
        "This image has no valid UIDs, so it cannot be named here: it is the one received from XRAY1."
    )
    assert said(nodule[0], "Presence") == ["Present"]


def read_by_dcmtk(file: Path) -> str:
    """The report as DCMTK shows it. Raises CalledProcessError where it cannot."""
    return subprocess.run(["dsr2html", "+U8", file], capture_output=True, text=True, timeout=30, check=True).stdout


@needs_dcmtk
@pytest.mark.parametrize(
    "sop_class_uid",
    ["1.2.840.10008.5.1.4.1.1.88.67", "1.2.840.10008.5.1.4.1.1.11.1", "1.2.840.113619.4.2"],
    ids=["X-ray doses", "how to show an image", "a machine's own"],
)
def test_an_object_that_is_no_image_to_others_does_not_make_the_report_unreadable(
    tmp_path: Path, sop_class_uid: str
) -> None:
    odd = {"sop_class_uid": sop_class_uid}
    other = unassessed_reading(header=FILM.model_copy(update=odd))
    outlined = head_reading(tmp_path, header=LOOP.model_copy(update=odd))
    file = structured_report_file(tmp_path, chest_reading(tmp_path, header=FILM), outlined, other)
    page = read_by_dcmtk(file)
    assert "so it is named in the list of evidence only: it is the one received from XRAY1." in page
    [evidence] = plain(file).CurrentRequestedProcedureEvidenceSequence
    listed = [one.ReferencedSOPInstanceUID for one in evidence.ReferencedSeriesSequence[0].ReferencedSOPSequence]
    assert other.sop_instance_uid in listed, "programs find it there"
    film = group_named(opened(file), "Image 1: Nodule")
    assert len(film.source_images) == 1, "others are named where they are spoken of"


@needs_dcmtk
@pytest.mark.parametrize("uid", ["1.2.840.20261103.081500", "1.2..3"])
def test_a_uid_that_breaks_a_rule_does_not_make_the_report_unreadable(tmp_path: Path, uid: str) -> None:
    """As machines write that put a time of day into it."""
    file = structured_report_file(tmp_path, head_reading(tmp_path, header=LOOP, sop_instance_uid=uid))
    assert "it is the one received from US1." in read_by_dcmtk(file)


@needs_dicom3tools
def test_invalid_values_of_the_original_do_not_make_an_invalid_report(tmp_path: Path) -> None:
    odd = "a\\b\x00\n\u202e" + "ለ" * 200
    identity = Identity(
        patient_name=f"{odd}^x=山田^太郎",
        patient_id="KIT-1",
        birth_date="19xx",
        patient_age="81",
        sex="female",
        accession_number=odd,
        study_id=odd,
        study_date="3 Nov",
        study_description=odd,
        study_instance_uid=PATIENT.study_instance_uid,
    )
    code = Code(value=f"{odd}", scheme=odd, meaning=odd)
    found = (finding(odd, 0.9, code=code, note=odd),)
    reading = chest_reading(tmp_path, identity=identity, header=FILM, findings=found, source=odd)
    assert errors_of(structured_report_file(tmp_path, reading, other_patient_ids=(odd,))) == []


def test_fourteen_findings_take_seconds_on_a_slow_link(tmp_path: Path) -> None:
    found = tuple(
        finding(f"Finding {number}", 0.1, code=Code(value="46621007", scheme="SCT", meaning="Atelectasis"))
        for number in range(14)
    )
    file = structured_report_file(
        tmp_path, chest_reading(tmp_path, header=FILM, findings=found, outcome="nothing_found")
    )
    assert file.stat().st_size < 36_000, "4.5 s at 64 kbit/s"
    assert len(zlib.compress(file.read_bytes())) < 6_000, "what it would be in the deflated transfer syntax"


def test_of_very_many_films_what_is_absent_is_told_in_a_line_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred films have 1,400 findings, of which a reader would make groups for minutes."""
    monkeypatch.setattr("leapfrog.reader.objects.structured_report.images.MOST_FINDINGS", 5)
    films = [
        chest_reading(tmp_path, header=FILM, instance_id=f"{number:016x}", sop_instance_uid=f"1.2.{number}")
        for number in (1, 2)
    ]
    file = structured_report_file(tmp_path, *films)
    named = {group.tracking_identifier for group in groups(opened(file))}
    assert {f"Image {number}: {name}" for number in (1, 2) for name in ("Infiltration", "Pleural effusion")} < named
    assert "Image 1: Nodule" not in named
    told = [one for one in all_texts(plain(file)) if one.startswith("Looked for and not found in this image: Nodule.")]
    assert len(told) == 2
