"""A box that sent exams to districts and asks them for answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid

from leapfrog.answers.shown import AnswersOfExam
from leapfrog.exam import Identity
from leapfrog.outbox.answers.inquirer import AnswerInquirer
from leapfrog.outbox.pacing.precedence import Precedence
from leapfrog.outbox.pacing.schedule import SyncWindows
from leapfrog.outbox.pacing.throttle import Throttle
from leapfrog.outbox.pacing.timeouts import Timeouts
from leapfrog.settings import DestinationSettings
from leapfrog.state.answer_files import ANSWERS_NAME, AnswerFiles
from leapfrog.state.answers import Answers
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.records import StudyIdentity
from leapfrog.state.rendered import RENDERED_NAME, Rendered
from support.journal_rows import commit, new_instance, original_delivery, reading_of
from support.radiologist import file_of

HOUR = 3600.0


@dataclass(frozen=True)
class Exam:
    """An exam that the box has, and of which the district has the original."""

    key: str
    study_instance_uid: str
    patient_id: str
    original: bytes


@dataclass
class AnswersBox:
    """Journal and folders of a state directory, and the inquirers that a test makes on them, whose clock it sets."""

    state_dir: Path
    now: float = 1_800_000_000.0
    monotonic: float = 0.0
    told: list[str] = field(default_factory=list)
    inquirers: list[AnswerInquirer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.journal = Journal(self.state_dir / "journal.sqlite")
        self.answers = Answers(self.journal)
        self.files = AnswerFiles(self.state_dir / ANSWERS_NAME)
        self.rendered = Rendered(self.state_dir / RENDERED_NAME)

    def sent_exam(
        self,
        patient_id: str = "17",
        *,
        birth_date: str = "19800101",
        issuer: str = "",
        study_instance_uid: str = "",
        give_to: Callable[[bytes], None] = lambda content: None,
        destination: str = "district",
    ) -> Exam:
        """An exam that was read, and whose original `destination` confirmed; `give_to` takes it there."""
        uid, study_uid = str(generate_uid()), study_instance_uid or str(generate_uid())
        study = StudyIdentity(study_instance_uid=study_uid, patient_id=patient_id, issuer_of_patient_id=issuer)
        new = new_instance(study=study, sop_instance_uid=uid, owed_to=(destination,))
        Instances(self.journal).add(new)
        identity = Identity(patient_id=patient_id, birth_date=birth_date, study_instance_uid=study_uid)
        commit(self.journal, new.id, reading=reading_of(new.id).model_copy(update={"identity": identity}))
        Deliveries(self.journal).confirm(original_delivery(self.journal, new.id)["id"])
        content = file_of(_film(study_uid, uid, patient_id, issuer, birth_date))
        give_to(content)
        [row] = self.journal.rows("SELECT study_key FROM instances WHERE id = ?", (new.id,))
        # As if it had arrived by the clock that the test sets.
        self.journal.change("UPDATE answer_questions SET asked_at = ? WHERE asked = 0", self.now)
        return Exam(row["study_key"], study_uid, patient_id, content)

    def inquirer(
        self, url: str, *, name: str = "district", own_issuer: str = "", timeouts: Timeouts | None = None
    ) -> AnswerInquirer:
        """Whoever asks that server; a test takes its turns."""
        made = AnswerInquirer(
            DestinationSettings(name=name, url=url, fetch_reports=True),
            own_issuer,
            self.journal,
            self.files,
            self.rendered,
            self.told.append,
            windows=SyncWindows((), lambda: None),
            throttle=Throttle(0, lambda seconds: None),
            precedence=Precedence(),
            timeouts=timeouts,
            now=lambda: self.now,
            monotonic=lambda: self.monotonic,
        )
        self.inquirers.append(made)
        return made

    def later(self, seconds: float) -> None:
        """Let both clocks go on."""
        self.now += seconds
        self.monotonic += seconds

    def ask(self, inquirer: AnswerInquirer, after: float = HOUR) -> AnswersOfExam:
        """Let time pass and a turn be taken. Returns the answers of the first exam."""
        self.later(after)
        inquirer.turn()
        [row] = self.journal.rows("SELECT key FROM studies ORDER BY sequence LIMIT 1")
        return self.answers.of_exam(row["key"])

    def states(self) -> list[str]:
        """The states of all documents, oldest first."""
        return [row["state"] for row in self.journal.rows("SELECT state FROM answers ORDER BY sequence")]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for inquirer in self.inquirers:
            inquirer.stop()
        self.journal.close()


def _film(study_uid: str, uid: str, patient_id: str, issuer: str, birth_date: str) -> Dataset:
    film = Dataset()
    film.file_meta = FileMetaDataset()
    film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    film.SOPClassUID = film.file_meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    film.SOPInstanceUID = film.file_meta.MediaStorageSOPInstanceUID = UID(uid)
    film.PatientID, film.PatientName, film.PatientBirthDate = patient_id, "Wanjiru^Amina", birth_date
    if issuer:
        film.IssuerOfPatientID = issuer
    film.StudyInstanceUID, film.SeriesInstanceUID, film.Modality = study_uid, generate_uid(), "CR"
    film.StudyDate, film.StudyTime, film.AccessionNumber, film.StudyID = "20261101", "101500", "", "1"
    film.SeriesNumber = film.InstanceNumber = 1
    return film
