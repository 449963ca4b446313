"""A box with one exam, without a daemon, of which copies for the patient are made."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydicom import Dataset, dcmread

from leapfrog.commands.patient_copy.exam_copy import Asked, ExamCopy, copy_exam
from leapfrog.exam import Identity, ImageHeader, ImageReading, PictureIdentity
from leapfrog.reader.answers.document_reader import read_document
from leapfrog.settings import Settings
from leapfrog.state.answer_files import ANSWERS_NAME, AnswerFiles
from leapfrog.state.instances import Instances
from leapfrog.state.journal import JOURNAL_NAME, Journal, new_id
from leapfrog.state.records import NewInstance, StudyIdentity
from leapfrog.state.rendered import RENDERED_NAME, Rendered
from leapfrog.state.spool import SPOOL_NAME, Spool
from leapfrog.state.studies import Studies
from support.journal_rows import commit, report
from support.paper_box import PDF
from support.spooled import put_in_spool

EXAM = "K7-42F"
PATIENT = "KIT-7"
JPEG = b"\xff\xd8\xff\xe0 a picture to look at \xff\xd9"
GRACE = Identity(
    patient_name="Okello^Grace",
    patient_id=PATIENT,
    birth_date="19800212",
    study_instance_uid="2.25.1002",
    study_date="20261103",
    study_time="101500",
)


@dataclass
class CopiedExam:
    """The box. Its files are what a test adds; what the readers would have said of them, as `identity` has it."""

    state_dir: Path
    study_instance_uid: str = "2.25.1002"
    identity: Identity = GRACE
    language: str = "en"
    key: str = ""
    ids: list[str] = field(default_factory=list)

    def add(self, file: Path, *, read: bool = True, identity: Identity | None = None, **values: Any) -> str:
        """Take `file` into the exam; its id. `values` go over what the journal has of it."""
        dataset = dcmread(file, force=True, stop_before_pixels=True) if "picture" not in values else Dataset()
        new = NewInstance(
            **{
                "id": (instance_id := new_id()),
                "spool_name": f"{instance_id}.dcm",
                "byte_count": 0,
                "source": "MODALITY",
                "study": StudyIdentity(study_instance_uid=self.study_instance_uid, patient_id=PATIENT),
                "sop_instance_uid": str(dataset.get("SOPInstanceUID", "")),
                "sop_class_uid": str(dataset.get("SOPClassUID", "")),
                **values,
            }
        )
        journal = self._opened()
        spool = Spool(self.state_dir / SPOOL_NAME, 0)
        kept = put_in_spool(spool, file.read_bytes(), new)
        instances = Instances(journal)
        instances.add(kept, self.ids)
        record = instances.get(kept.id)
        assert record is not None
        if not self.key:
            self.key = record.study_key
            Studies(journal).give_numbers({self.key: EXAM})
        if read:
            commit(journal, kept.id, reading=self._reading(kept.id, identity or self.identity))
        journal.close()
        self.ids.append(kept.id)
        return kept.id

    def _reading(self, instance_id: str, identity: Identity) -> ImageReading:
        plain = f"plain-{instance_id}.jpg"
        folder = Rendered(self.state_dir / RENDERED_NAME).folder(self.key)
        (folder / plain).write_bytes(JPEG)
        return ImageReading(
            instance_id=instance_id,
            sop_instance_uid="1.2.3",
            source="MODALITY",
            identity=identity,
            header=ImageHeader(modality="CR", sop_class_uid="1.2.840.10008.5.1.4.1.1.1", rows=64, columns=96),
            outcome="nothing_found",
            plain=plain,
        )

    def add_picture(self, file: Path) -> str:
        """Take a picture that is no DICOM into the exam."""
        picture = PictureIdentity(
            patient_id=PATIENT,
            study_instance_uid=self.study_instance_uid,
            series_instance_uid="2.25.77",
            sop_instance_uid=f"2.25.{len(self.ids) + 500}",
        )
        return self.add(file, picture=picture, sop_instance_uid=picture.sop_instance_uid)

    def add_report(self, content: bytes = PDF) -> None:
        """A report that covers what was read."""
        journal = self._opened()
        study = Studies(journal).get(self.key)
        folder = Rendered(self.state_dir / RENDERED_NAME).folder(self.key)
        (folder / f"report-{study.version + 1}.pdf").write_bytes(content)
        report(journal, self.key, study.version + 1, to=())
        journal.close()

    def add_answer(self, content: bytes) -> None:
        """A document of a radiologist, which the report shows."""
        document, _ = read_document(content)
        journal = self._opened()
        answer_id = new_id()
        with AnswerFiles(self.state_dir / ANSWERS_NAME).receiving(answer_id) as stream:
            stream.write(content)
        journal.change(
            "INSERT INTO answers (id, study_key, state, sop_class_uid, sop_instance_uid, series_instance_uid,"
            " received_at, byte_count, judgement, content) VALUES (?, ?, 'shown', ?, ?, '2.25.9', '2026-11-04', ?,"
            " 'verified', ?)",
            answer_id,
            self.key,
            document.sop_class_uid,
            document.sop_instance_uid,
            len(content),
            document.model_dump_json(),
        )
        journal.change("INSERT INTO answer_places (answer_id, destination) VALUES (?, 'district')", answer_id)
        journal.close()

    def spool_file(self, instance_id: str) -> Path:
        """Where the original is."""
        return self.state_dir / SPOOL_NAME / f"{instance_id}.dcm"

    def _opened(self) -> Journal:
        self.state_dir.mkdir(exist_ok=True)
        return Journal(self.state_dir / JOURNAL_NAME)

    @property
    def settings(self) -> Settings:
        """Those of the box."""
        return Settings.model_validate(
            {
                "station": {"state_dir": self.state_dir, "language": self.language, "name": "Kitgum"},
                "dicom": {"assumed_character_set": "ISO_IR 192"},
            }
        )

    def copied_to(self, root: Path, *, asked: list[Asked] | None = None, differing: bool = False) -> ExamCopy:
        """A copy at `root`, which is made if it is not there. What would be asked goes into `asked`."""
        root.mkdir(exist_ok=True)

        def confirm(about: Asked) -> bool:
            if asked is not None:
                asked.append(about)
            return True

        return copy_exam(root, EXAM, self.settings, confirm, None, although_patients_differ=differing)


def objects_of(root: Path) -> Sequence[Path]:
    """The DICOM files of a copy."""
    return sorted(path for path in (root / "PT000000").rglob("*") if path.is_file())
