"""Renders one version of a study's report: page, PDF, `report.json` and the DICOM objects for the district."""

import hashlib
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from leapfrog.answers.shown import AnswersOfExam
from leapfrog.exam import Identity
from leapfrog.language.sentence import in_english
from leapfrog.language.speaker import Speaker
from leapfrog.patient_age import patient_age
from leapfrog.processes.messages import Artefact, ProducedObject, ReportJob, ReportResult
from leapfrog.reader.report.page import render_page
from leapfrog.reader.report.printed_sheet import is_wanted, render_sheet
from leapfrog.wording.answer_words import AnswersWords
from leapfrog.wording.content import ReportContent, content_of
from leapfrog.wording.report import words_of
from leapfrog.wording.report_words import ReportWords
from leapfrog.wording.result import result_of

REPORT_SCHEMA_VERSION = 1


def render(job: ReportJob, on_progress: Callable[[], None] = lambda: None) -> ReportResult:
    """Write `report-<version>.html`, `.json` and, if requested, `.pdf` into `job.report_dir`, and the derived DICOM
    objects into `job.work_dir`, those synced; and, if one is asked for, the sheet that is printed. The files that staff
    see (`report.html`, `report.pdf`) do not change yet. `on_progress` is called after each step that takes long.

    Raises OSError if the disk fails or is full.
    """
    started = time.perf_counter()
    job = _without_lost_pictures(job)
    content = content_of(
        job.readings,
        other_patient_ids=job.other_patient_ids,
        models_in_use=job.models_in_use,
        include_heatmaps=job.include_heatmaps,
    )
    speaker = Speaker(job.station.language)
    words = words_of(
        content,
        study_key=job.study_key,
        exam_number=job.exam_number,
        station=job.station.name,
        ae_title=job.station.ae_title,
        version=job.version,
        software_version=job.station.software_version,
        received_at=job.received_at,
        made_at=job.made_at,
        code=job.code,
        answers=_with_pages(job),
    )
    result = result_of(content)
    sheet_made = job.sheet is not None and is_wanted(job.sheet, result, words.worklist_row)
    artefacts = []
    if job.sheet is not None and sheet_made:
        artefacts.append(_write_file(job, job.sheet.name, render_sheet(job, job.sheet, words, speaker, result)))
        on_progress()
    if job.only_sheet:
        return ReportResult(
            study_key=job.study_key,
            version=job.version,
            artefacts=tuple(artefacts),
            worklist_row=words.worklist_row,
            result=result,
            sheet_made=sheet_made,
        )
    sheets = len(artefacts)  # what is printed is no file of the report
    with ThreadPoolExecutor(1, thread_name_prefix="page") as beside:
        page = beside.submit(_write_page, job, words)
        if job.pdf:
            from leapfrog.reader.report.pdf import render_pdf  # most renders of a growing study need none

            # typst lets others go on: most of it costs no time beside the page. On this thread, since what it needs
            # memory for is given back sooner here (malloc's arenas).
            artefacts.append(_write(job, "pdf", render_pdf(words, speaker, job.picture_dir, job.page_size)))
            on_progress()
        artefacts.append(page.result())
    artefacts += [_artefact(name, (job.picture_dir / name).read_bytes()) for name in _pictures(job)]
    milliseconds = (time.perf_counter() - started) * 1000
    produced: tuple[ProducedObject, ...] = ()
    not_made: tuple[str, ...] = ()
    if job.derived:
        from leapfrog.reader.report.derived import make_derived  # imports pydicom, which is slow too

        # What a radiologist says goes back to the district in nothing of ours.
        ours = replace(words, answers=AnswersWords())
        produced, not_made = make_derived(job, content.identity, ours, speaker, on_progress)
    published = [_published(artefact) for artefact in artefacts[sheets:]]
    document = _document(job, content, words.conflicts, published, not_made, milliseconds)
    artefacts.append(_write(job, "json", json.dumps(document, ensure_ascii=False, indent=1).encode()))
    return ReportResult(
        study_key=job.study_key,
        version=job.version,
        artefacts=tuple(artefacts),
        produced=produced,
        not_made=not_made,
        worklist_row=words.worklist_row,
        result=result,
        sheet_made=sheet_made,
    )


def _write_page(job: ReportJob, words: ReportWords) -> Artefact:
    page = render_page(
        words,
        Speaker(job.station.language),
        version=job.version,
        has_pdf=job.pdf,
        worklist_href=job.worklist_href,
        earlier_exams=job.earlier_exams,
    )
    return _write(job, "html", page.encode())


def _without_lost_pictures(job: ReportJob) -> ReportJob:
    """The job without the pictures that someone removed from the study's folder; the report shows the rest."""
    present = {path.name for path in job.picture_dir.iterdir()}
    readings = tuple(
        reading.model_copy(
            update={
                "plain": reading.plain if reading.plain in present else None,
                "overlay": reading.overlay if reading.overlay in present else None,
                "heatmaps": tuple(heatmap for heatmap in reading.heatmaps if heatmap.file in present),
                "frame_pictures": tuple(one for one in reading.frame_pictures if one.file in present),
            }
        )
        for reading in job.readings
    )
    return job.model_copy(update={"readings": readings})


def _with_pages(job: ReportJob) -> AnswersOfExam:
    """The answers without the pages that someone removed from the study's folder."""
    present = {path.name for path in job.picture_dir.iterdir()}
    shown = (
        one.model_copy(update={"pages": tuple(page for page in one.pages if page in present)})
        for one in job.answers.shown
    )
    return job.answers.model_copy(update={"shown": tuple(shown)})


def _write(job: ReportJob, kind: str, content: bytes) -> Artefact:
    return _write_file(job, f"report-{job.version}.{kind}", content)


def _write_file(job: ReportJob, name: str, content: bytes) -> Artefact:
    (job.report_dir / name).write_bytes(content)
    return _artefact(name, content)


def _artefact(name: str, content: bytes) -> Artefact:
    return Artefact(name=name, sha256=hashlib.sha256(content).hexdigest(), byte_count=len(content))


def _published(artefact: Artefact) -> Artefact:
    """The same file under the name that staff see."""
    suffix = Path(artefact.name).suffix
    return artefact.model_copy(update={"name": f"report{suffix}"}) if suffix in (".html", ".pdf") else artefact


def _pictures(job: ReportJob) -> list[str]:
    """The picture files that the report shows, each once."""
    drawn = (name for reading in job.readings for name in reading.pictures)
    return list(dict.fromkeys((*drawn, *_with_pages(job).pictures)))


def _age_years(identity: Identity) -> int | None:
    """Completed years at the exam, if they are known."""
    age = patient_age(identity).age
    return None if age is None else age.years


def _answers(answers: AnswersOfExam) -> list[dict[str, Any]]:
    return [
        one.document.model_dump(mode="json")
        | {
            "judgement": one.judgement,
            "received_at": one.received_at,
            "pages": list(one.pages),
            "withdrawn": one.withdrawn,
            "replaced": one.replaced,
        }
        for one in answers.shown
    ]


def _document(
    job: ReportJob,
    content: ReportContent,
    conflicts: tuple[str, ...],
    artefacts: list[Artefact],
    not_made: tuple[str, ...],
    milliseconds: float,
) -> dict[str, Any]:
    return {
        "schema_version": REPORT_SCHEMA_VERSION,
        "version": job.version,
        "study_key": job.study_key,
        "exam_number": job.exam_number,
        "received_at": job.received_at,
        "made_at": job.made_at,
        "signed_summary": job.code,
        "station": job.station.model_dump(mode="json"),
        "study": {**content.identity.model_dump(mode="json"), "age_years": _age_years(content.identity)},
        "conflicts": list(conflicts),
        "replaced_models": list(content.replaced_models),
        "answers": _answers(job.answers),
        "images": [in_english(reading.model_dump(mode="json")) for reading in job.readings],
        "artefacts": [artefact.model_dump(mode="json") for artefact in artefacts],
        "not_made": list(not_made),
        "milliseconds": {"rendering": round(milliseconds, 1)},
    }
