"""What a reader is told to make a report, or a sheet, of a study."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from leapfrog import __version__
from leapfrog.exam import ImageReading
from leapfrog.lanes.patient_numbers import PatientNumbers
from leapfrog.lanes.results import Results
from leapfrog.lanes.sheet_code import code_for
from leapfrog.language.sentence import day, sentence_of
from leapfrog.processes.messages import EarlierExam, ReportJob, Sheet, Station
from leapfrog.settings import Settings
from leapfrog.spool_file.record import DerivedKind
from leapfrog.state.answers import Answers
from leapfrog.state.earlier_exams import EarlierExams
from leapfrog.state.journal import Journal, now_text
from leapfrog.state.records import StudyRecord
from leapfrog.state.rendered import Rendered
from leapfrog.state.sent_results import SentResult
from leapfrog.state.station.station_key import StationKey
from leapfrog.state.studies import Studies
from leapfrog.wording.text import NOT_GIVEN, moment
from leapfrog.worklist.worklist import INDEX_NAME


class ReportJobs:
    """Puts the jobs together. Any thread may call it."""

    def __init__(
        self,
        *,
        settings: Settings,
        journal: Journal,
        rendered: Rendered,
        results: Results,
        models_in_use: Callable[[], Mapping[str, str]],
        station_key: StationKey | None,
        patient_numbers: PatientNumbers,
        on_mentioned: Callable[[str], None],
    ) -> None:
        """`on_mentioned` is called with a study whose report is to mention one of another patient, and does not yet."""
        self._settings = settings
        self._studies = Studies(journal)
        self._earlier_exams = EarlierExams(journal)
        self._answers = Answers(journal)
        self._rendered = rendered
        self._results = results
        self._models_in_use = models_in_use
        self._station_key = station_key
        self._patient_numbers = patient_numbers
        self._on_mentioned = on_mentioned

    def job(
        self,
        study: StudyRecord,
        readings: tuple[ImageReading, ...],
        work_dir: Path,
        sheet: Sheet | None,
        *,
        version: int,
        pdf: bool = False,
        derived: tuple[DerivedKind, ...] = (),
        replaces: Sequence[SentResult] = (),
    ) -> ReportJob:
        """The job that makes `version` of the report, with its `pdf`, the objects `derived`, which replace what was
        sent, and a `sheet` to print, where these are wanted.
        """
        others = self._other_patient_ids(study)
        code = ""
        if pdf or sheet is not None:
            numbers = self._patient_numbers
            code = code_for(self._station_key, study, version, readings, numbers, shared=bool(others))
        return ReportJob(
            study_key=study.key,
            exam_number=study.exam_number,
            version=version,
            received_at=study.received_at,
            made_at=now_text(),
            code=code,
            station=station_of(self._settings),
            readings=readings,
            other_patient_ids=others,
            earlier_exams=tuple(_earlier(one) for one in self._earlier_exams.of(study, readings)),
            answers=self._answers.of_exam(study.key),
            models_in_use=dict(self._models_in_use()),
            pdf=pdf,
            derived=derived,
            replaces=self._results.replaced(replaces),
            known_previews=self._results.previews(study.key) if "preview" in derived else (),
            page_size=self._settings.report.page_size,
            include_heatmaps=self._settings.report.include_heatmaps,
            worklist_href=f"../../{INDEX_NAME}",
            sheet=sheet,
            picture_dir=self._rendered.folder(study.key),
            report_dir=self._rendered.folder(study.key),
            work_dir=work_dir,
        )

    def _other_patient_ids(self, study: StudyRecord) -> tuple[str, ...]:
        """The patients whose studies have the same UID. Their reports, too, are to mention this one."""
        others = self._studies.sharing_uid(study)
        for other in others:
            if other.changed:
                self._on_mentioned(other.key)
        return tuple(other.identity.patient_id for other in others)


def _earlier(study: StudyRecord) -> EarlierExam:
    row = json.loads(study.worklist_row)
    return EarlierExam(
        href=f"../../{study.received_date}/{study.key}/report.html",
        exam=sentence_of(row.get("exam") or NOT_GIVEN),
        taken=day(row.get("exam_date", "")),
        received=moment(study.received_at),
        images=sentence_of(row.get("images", "")),
        kind=row.get("kind", "not_assessed"),
        headline=sentence_of(row.get("headline", "")),
        urgent=row.get("urgent", False),
    )


def station_of(settings: Settings) -> Station:
    """The box, as it appears in reports."""
    return Station(
        name=settings.station.name,
        ae_title=settings.dicom.ae_title,
        issuer_of_patient_id=settings.station.issuer_of_patient_id,
        language=settings.station.language,
        software_version=__version__,
    )
