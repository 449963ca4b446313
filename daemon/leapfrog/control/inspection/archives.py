"""The DICOM archives, asked by a person who waits for the answer."""

from collections.abc import Iterator

from leapfrog.control.inspection.district import Answer
from leapfrog.dicom.commitment import PUSH_MODEL
from leapfrog.dicom.uids import EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN, VERIFICATION
from leapfrog.errors import DistrictError, DistrictLocked
from leapfrog.outbox.destinations.dicom.caller import ArchiveCaller, CallFailed
from leapfrog.outbox.destinations.dicom.courier import archive_of
from leapfrog.outbox.destinations.dicom.link_errors import link_error
from leapfrog.problem import Problem
from leapfrog.processes.call_messages import Context, Open, Patience
from leapfrog.settings import DestinationSettings, DicomSettings, Sendable, Settings

PATIENCE = Patience(connect_seconds=5.0, associate_seconds=10.0, answer_seconds=15.0, still_seconds=15.0)
SUCCESS = 0x0000
GOES_ON = "What is owed waits here and is sent by itself once that is mended; `leapfrog sync` tries it at once."

# What objects of each kind are, by SOP class. Originals may be anything.
SOP_CLASSES: dict[Sendable, str] = {
    "structured_report": "1.2.840.10008.5.1.4.1.1.88.33",  # Comprehensive SR
    "report_pdf": "1.2.840.10008.5.1.4.1.1.104.1",  # Encapsulated PDF
    "preview": "1.2.840.10008.5.1.4.1.1.7",  # Secondary Capture
    "segmentation": "1.2.840.10008.5.1.4.1.1.66.4",
    "overlay": "1.2.840.10008.5.1.4.1.1.7",
}


def archive_answers(settings: Settings) -> Iterator[Answer]:
    """Ask each archive of the settings by C-ECHO, and whether it takes what it is to get. Nothing is stored."""
    for archive in settings.destinations:
        if archive.kind == "dicom":
            yield from _answers(archive, settings.dicom)


def _answers(archive: DestinationSettings, box: DicomSettings) -> Iterator[Answer]:
    name = f"archive {archive.name}"
    caller = ArchiveCaller(archive.name, lambda: None)
    try:
        opened = caller.open(Open(archive=archive_of(archive, box.ae_title, PATIENCE), contexts=_contexts(archive)))
        status = caller.echo()
        taken = {context.sop_class_uid for context in opened.accepted}
    except CallFailed as failure:
        yield Answer(name, problem=_problem(link_error(failure.failed, archive, box.ae_title)))
        return
    finally:
        caller.close()
    if status != SUCCESS:
        what = f"The archive {archive.name} answers C-ECHO with status {status:04X}."
        yield Answer(name, problem=Problem(what=what, remedy="Look into its log. " + GOES_ON))
    else:
        yield Answer(name, f"It answers C-ECHO as {archive.ae_title.strip()}, and takes associations from this box.")
    yield from _kinds_not_taken(archive, taken)
    if archive.commit:
        yield from _promise(archive, box, taken)


def _problem(error: DistrictError) -> Problem:
    what, _, remedy = str(error).partition(": ")
    if isinstance(error, DistrictLocked) or not remedy:
        return Problem(what=str(error), remedy=GOES_ON)
    return Problem(what=f"{what}.", remedy=f"{remedy[0].upper()}{remedy[1:]} {GOES_ON}")


def _contexts(archive: DestinationSettings) -> tuple[Context, ...]:
    classes = (VERIFICATION, *_wanted(archive).values(), *((PUSH_MODEL,) if archive.commit else ()))
    return tuple(
        Context(sop_class_uid=sop_class, transfer_syntax_uid=syntax)
        for sop_class in dict.fromkeys(classes)
        for syntax in (EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN)
    )


def _wanted(archive: DestinationSettings) -> dict[Sendable, str]:
    return {kind: SOP_CLASSES[kind] for kind in archive.send if kind in SOP_CLASSES}


def _kinds_not_taken(archive: DestinationSettings, taken: set[str]) -> Iterator[Answer]:
    kinds = [kind for kind, sop_class in _wanted(archive).items() if sop_class not in taken]
    if kinds:
        named = ", ".join(f'"{kind}"' for kind in kinds)
        what = f"The archive {archive.name} does not take some of what it is to get: {named}."
        remedy = (
            "Have these kinds of objects (SOP classes) added there, or take them out of its `send` in the settings."
        )
        yield Answer(f"archive {archive.name} kinds", problem=Problem(what=what, remedy=remedy))


def _promise(archive: DestinationSettings, box: DicomSettings, taken: set[str]) -> Iterator[Answer]:
    name = f"archive {archive.name} promises"
    titles = [title.strip() for title in box.allowed_ae_titles]
    if PUSH_MODEL not in taken:
        what = f"The archive {archive.name} does not offer storage commitment, so that nothing ever counts as sent."
        yield Answer(name, problem=Problem(what=what, remedy="Turn it on there, or set commit = false for it."))
    elif titles and archive.ae_title.strip() not in titles:
        what = f"The archive {archive.name} may not call this box back to promise what it keeps."
        remedy = f'Add "{archive.ae_title.strip()}" to dicom.allowed_ae_titles, and restart Leapfrog.'
        yield Answer(name, problem=Problem(what=what, remedy=remedy))
    else:
        yield Answer(name, "It offers storage commitment. It must be able to call this box back at dicom.port.")
