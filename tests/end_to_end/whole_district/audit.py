"""What the district holds in the end, by what both Orthancs answer, beside what the boxes got and count as sent."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ComprehensiveSRStorage, EncapsulatedPDFStorage

from end_to_end.whole_district.clinic import Clinic
from end_to_end.whole_district.exams import Exam
from support.district import District

ORTHANCS = (1, 2)
PAGE = 200  # answers of QIDO-RS at a time
FETCHED = "/run/whole-district"  # in the district's machine


@dataclass(frozen=True)
class Audit:
    """Counts; those of what is wrong are all 0 in a district that is as it should be."""

    originals: int
    results: int
    replaced: int  # of these: results that a later report replaced while they were under way
    answers: int
    missing: int  # that a box was sent, or counts as current or as confirmed
    twice: int
    surplus: int  # that no box and no radiologist sent
    disagreeing: int  # objects that not both Orthancs list
    changed: int  # originals whose pixels are others than those that were sent
    under_wrong_patient: int
    without_current_report: int  # exams
    patients: int
    patients_expected: int

    @property
    def wrong(self) -> dict[str, int]:
        """What is wrong, by name."""
        names = (
            "missing", "twice", "surplus", "disagreeing", "changed", "under_wrong_patient", "without_current_report",
        )  # fmt: skip
        found = {name: getattr(self, name) for name in names}
        found["patients"] = self.patients - self.patients_expected
        return {name: count for name, count in found.items() if count}


def listed(district: District, orthanc: int) -> Counter[str]:
    """How often an Orthanc lists each SOP Instance UID (QIDO-RS)."""
    found: Counter[str] = Counter()
    while True:
        query = f"/dicom-web/instances?limit={PAGE}&offset={found.total()}"
        page = district.ask_orthanc(orthanc, query)
        found.update(one["00080018"]["Value"][0] for one in page)
        if len(page) < PAGE:
            return found


def audit(district: District, clinics: Sequence[Clinic], answers: Sequence[str]) -> Audit:
    """Look at everything."""
    lists = [listed(district, number) for number in ORTHANCS]
    held = lists[0] | lists[1]
    originals = {exam.sop_instance_uid: exam for clinic in clinics for exam in clinic.exams}
    owner = {uid: clinic for clinic in clinics for uid in (*clinic.confirmed(), *clinic.replaced())}
    confirmed = {uid for clinic in clinics for uid in clinic.confirmed()}
    expected = {*originals, *answers, *confirmed, *(uid for clinic in clinics for uid in clinic.current())}
    replaced = {uid for clinic in clinics for uid in clinic.replaced()} & held.keys() - expected
    objects = list(_objects(district))
    exams = {(clinic.issuer, exam.study_instance_uid) for clinic in clinics for exam in clinic.exams}
    patients = {(clinic.issuer, exam.patient_id) for clinic in clinics for exam in clinic.exams}
    return Audit(
        originals=len(originals),
        results=len(expected | replaced) - len(originals) - len(answers),
        replaced=len(replaced),
        answers=len(answers),
        missing=len(expected - held.keys()),
        twice=sum(count > 1 for count in held.values()),
        surplus=len(held.keys() - expected - replaced),
        disagreeing=len(lists[0].keys() ^ lists[1].keys()),
        changed=sum(
            not _same_pixels(one, originals[one.SOPInstanceUID]) for one in objects if one.SOPInstanceUID in originals
        ),
        under_wrong_patient=sum(not _is_filed_right(one, owner.get(one.SOPInstanceUID)) for one in objects),
        without_current_report=sum(not _has_current_report(objects, study) for _, study in exams),
        patients=len(district.ask_orthanc(2, "/patients")),
        patients_expected=len(patients),
    )


def _objects(district: District) -> Iterator[Dataset]:
    """Every object, from one Orthanc and the other in turn."""
    district.do("mkdir", "-p", FETCHED)
    names = district.ask_orthanc(1, "/instances")
    wanted = [
        f'url = "http://127.0.0.1:810{ORTHANCS[number % 2]}/instances/{name}/file"\noutput = "{FETCHED}/{number}"\n'
        for number, name in enumerate(names)
    ]
    district.path(f"{FETCHED}/list").write_text("fail\nsilent\n" + "".join(wanted))
    district.do("curl", "-K", f"{FETCHED}/list")
    for number in range(len(names)):
        yield dcmread(district.path(f"{FETCHED}/{number}"))
    district.do("rm", "-r", FETCHED)


def _same_pixels(held: Dataset, exam: Exam) -> bool:
    sent = dcmread(exam.path)
    if held.file_meta.TransferSyntaxUID == sent.file_meta.TransferSyntaxUID:
        return bool(held.PixelData == sent.PixelData)
    return np.array_equal(held.pixel_array, sent.pixel_array)


def _is_filed_right(held: Dataset, clinic: Clinic | None) -> bool:
    """Under the number that the clinic gave, with its issuer in front; of answers, the patient is the study's."""
    if clinic is None:
        return True
    numbers = {exam.study_instance_uid: exam.patient_id for exam in clinic.exams}
    number = numbers.get(str(held.StudyInstanceUID))
    return (held.PatientID, held.get("IssuerOfPatientID")) == (f"{clinic.issuer}-{number}", clinic.issuer)


def _has_current_report(objects: Sequence[Dataset], study: str) -> bool:
    """Whether one structured report, and no other, is replaced by none, and the newest PDF is of that version."""
    of_study = [one for one in objects if one.StudyInstanceUID == study]
    documents = [one for one in of_study if one.SOPClassUID == ComprehensiveSRStorage]
    replaced = {uid for document in documents for uid in _replaced_by(document)}
    current = [one for one in documents if one.SOPInstanceUID not in replaced]
    papers = [one for one in of_study if one.SOPClassUID == EncapsulatedPDFStorage and _version(one)]
    return len(current) == 1 and _version(current[0]) == max(map(_version, [*documents, *papers]))


def _version(document: Dataset) -> int:
    """Of the report, as its series says it; 0 of what no box made."""
    _, marker, rest = str(document.get("SeriesDescription", "")).partition("(v")
    digits = rest.partition(")")[0].partition(",")[0]
    return int(digits) if marker and digits.isdigit() else 0


def _replaced_by(document: Dataset) -> Iterator[str]:
    for study in document.get("PredecessorDocumentsSequence", []):
        for series in study.ReferencedSeriesSequence:
            for reference in series.ReferencedSOPSequence:
                yield str(reference.ReferencedSOPInstanceUID)
