"""Reads one instance: decode, route, assess, draw."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

from leapfrog.dicom.part10 import content_digest
from leapfrog.errors import NothingToRead, PackageError, UnreadableImage
from leapfrog.exam import (
    Identity,
    ImageHeader,
    ImageReading,
    ModelUsed,
    stated_view,
)
from leapfrog.language.sentence import Sentence, joined, sentence
from leapfrog.packages.catalogue import Catalogue
from leapfrog.packages.package import ModelPackage
from leapfrog.patient_age import patient_age
from leapfrog.processes.messages import ProducedObject, ReadJob, ReadResult, Stage
from leapfrog.reader.assess.assessment import (
    Assessment,
    GrayFrame,
    Models,
    accepts,
    assess,
    reported_area,
    reported_frame,
)
from leapfrog.reader.assess.exam_attributes import exam_of
from leapfrog.reader.assess.routing import route, route_by_picture
from leapfrog.reader.assess.sweep import Sweep
from leapfrog.reader.image.attributes import text
from leapfrog.reader.image.dicom_file import DicomFile, open_dicom_file
from leapfrog.reader.image.identity import header_of, identity_of
from leapfrog.reader.image.image import DecodedImage, open_image
from leapfrog.reader.image.phantom_mark import is_phantom
from leapfrog.reader.image.pixels import DisplayedFrame
from leapfrog.reader.image.readable_frames import ReadableFrames
from leapfrog.reader.objects.finished_object import Purpose
from leapfrog.reader.originals.same_image import is_same_image
from leapfrog.reader.originals.wrapping import wrap_picture
from leapfrog.reader.reading_pictures import ReadingPictures
from leapfrog.reader.report.overlay import (
    Pixels,
    displayed,
)
from leapfrog.spool_file.checked import file_problem

SAME_IMAGE = sentence("This is an image that is here already, sent once more in another encoding (transfer syntax).")
TOO_LARGE = sentence("The picture is too large for this box's memory. It is kept and passed on unread.")
NOT_WHOLE = sentence(
    "The stored file of this image is missing or damaged. Send the image again from the machine that made it: that"
    " repairs it. Then have the disk of the box checked."
)
WRAPPED_NAME = "wrapped.dcm"
LONGEST_FRAME_SIDE = 640  # pixels of a frame that is not the one reported
FRAMES_LOOKED_AT = 3  # of a loop that does not say what it shows, before a model is chosen

InstanceEnd = Literal["read", "set_aside", "forward_only"]


class StageClock:
    """Adds up how much time each stage of one reading takes."""

    def __init__(self) -> None:
        """Start the clock."""
        self._began = self._last = time.perf_counter()
        self._spent: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """Add the time since the last lap to `stage`."""
        now = time.perf_counter()
        self._spent[stage] = self._spent.get(stage, 0.0) + (now - self._last) * 1000
        self._last = now

    def seconds(self) -> float:
        """How long the reading takes so far."""
        return time.perf_counter() - self._began

    def milliseconds(self) -> dict[str, float]:
        """The time of each stage so far, and the total."""
        spent = {**self._spent, "total": self.seconds() * 1000}
        return {stage: round(value, 1) for stage, value in spent.items()}


@dataclass(frozen=True)
class _ReportedFrame:
    """The frame that is reported (`index` counts from 0), with its assessment. `age_not_given`: the package was used
    although it was made for certain ages and the patient's is not known.
    """

    index: int
    frame: DisplayedFrame
    assessment: Assessment
    package: ModelPackage | None
    age_not_given: bool = False
    frames_read: int = 1


@dataclass(frozen=True)
class ImageReader:
    """Reads instances one by one with the packages of a catalogue. Of a cine it assesses at most `frames_per_cine`
    evenly spaced frames; of one for a head then others too, in the order of `Sweep.next`, for `sweep_seconds` more at
    most, and never longer than until `sweep_until_seconds` after the reading began.
    """

    catalogue: Catalogue
    models: Models
    frames_per_cine: int
    sweep_seconds: float
    sweep_until_seconds: float

    def read(self, job: ReadJob, announce: Callable[[Stage], None]) -> ReadResult:
        """Read the instance of `job`; its pictures are in `job.report_dir`, not synced, when this returns.

        Raises EngineError if the engine fails, OSError if the disk does.
        """
        return _OneReading(self, job, announce).result()


class _OneReading:
    """The work on one instance, and what is known about it so far, which a damaged instance is reported with."""

    def __init__(self, reader: ImageReader, job: ReadJob, announce: Callable[[Stage], None]) -> None:
        self._reader = reader
        self._job = job
        self._announce = announce
        self._clock = StageClock()
        self._identity = Identity()
        self._header = ImageHeader()
        self._sop_instance_uid = job.sop_instance_uid
        self._produced: list[ProducedObject] = []
        self._digest: Future[str] | None = None  # of the data set
        self._phantom = False
        # Does what can be done meanwhile: the digest while the picture is decoded, its picture while the model runs.
        self._helper = ThreadPoolExecutor(1, thread_name_prefix="helper")
        self._seen: dict[int, Pixels] = {}  # small pictures of frames of a loop, by their index
        self._painting: Future[ReadingPictures] | None = None  # of the only frame

    def result(self) -> ReadResult:
        with self._helper:  # nothing is drawn any more when this returns
            return self._result()

    def _result(self) -> ReadResult:
        self._announce("decoding")
        try:
            self._require_whole_bytes()
            file = self._open()
            image = open_image(file)
            if same_as := self._same_as(file):
                return self._ended("read", self._unread(SAME_IMAGE), same_as)
            reported = self._assess_image(file, image)
        except NothingToRead as nothing:
            return self._ended("forward_only", self._unread(nothing.sentence))
        except UnreadableImage as problem:
            return self._ended("set_aside", self._unread(problem.sentence))
        except MemoryError:
            return self._ended("set_aside", self._unread(TOO_LARGE))
        self._announce("rendering")
        return self._ended("read", self._reading(reported))

    # ------------------------------------------------------------ from bytes to an assessment

    def _require_whole_bytes(self) -> None:
        """A disk may give back other bytes than it was given, and the picture may still look like one."""
        job = self._job
        if job.source_digest and file_problem(job.source_path, job.source_byte_count, job.source_digest):
            raise UnreadableImage(NOT_WHOLE)

    def _open(self) -> DicomFile:
        job = self._job
        path, byte_count = job.source_path, job.source_byte_count
        if job.picture is not None:
            path = job.work_dir / WRAPPED_NAME
            purpose = Purpose("wrapped", job.study_key, job.instance_id)
            wrapped = wrap_picture(job.source_path, job.picture, job.hints, job.received_at, path, purpose, byte_count)
            byte_count = wrapped.byte_count
            self._produced.append(wrapped)
        self._digest = self._helper.submit(content_digest, path, byte_count)
        file = open_dicom_file(path, byte_count, job.assumed_character_set)
        self._identity = identity_of(file.dataset, job.hints)
        self._phantom = is_phantom(file.dataset)
        self._header = header_of(file.dataset, file.transfer_syntax_uid, self._job.hints, file.byte_count)
        self._sop_instance_uid = self._sop_instance_uid or text(file.dataset, "SOPInstanceUID")
        self._clock.lap("decoding")
        return file

    def _same_as(self, file: DicomFile) -> str | None:
        """The id of an instance under the same UID that is the same image; None if there is none."""
        for other in self._job.same_uid:
            with suppress(OSError):  # another one's file that cannot be read is not this one's fault
                if is_same_image(file, open_dicom_file(other.path, other.byte_count), self._job.comparing_seconds):
                    return other.instance_id
        return None

    def _assess_image(self, file: DicomFile, image: DecodedImage) -> _ReportedFrame:
        age = patient_age(self._identity)
        exam = exam_of(file.dataset, self._header, age, is_picture=self._job.picture is not None)
        choice = route(exam, self._reader.catalogue.packages, self._job.unknown_age)
        frames = ReadableFrames(image)
        try:
            if choice.contenders:
                choice = route_by_picture(choice, self._accepting(image, frames, choice.contenders), exam)
            if choice.package is None:
                return self._unassessed(image, frames, choice.reason)
            reported = self._assessed(image, frames, choice.package, choice.assumption)
            return replace(reported, age_not_given=choice.age_not_given)
        except PackageError as problem:
            return self._unassessed(image, frames, problem.sentence)

    def _accepting(
        self, image: DecodedImage, frames: ReadableFrames, packages: Sequence[ModelPackage]
    ) -> list[ModelPackage]:
        """Those of `packages` that take the picture for one of theirs: a part of each frame that is looked at.

        Raises PackageError if a check cannot be used here.
        """
        accepting = list(packages)
        for _, frame in frames.spread(FRAMES_LOOKED_AT):
            gray = frame.gray()
            parts = [GrayFrame(gray, area.box) for area in image.areas]
            accepting = [package for package in accepting if any(accepts(package, part) for part in parts)]
        self._clock.lap("decoding")
        return accepting

    def _assessed(
        self, image: DecodedImage, frames: ReadableFrames, package: ModelPackage, assumption: Sentence
    ) -> _ReportedFrame:
        """Raises PackageError if the package cannot be run here."""
        if len(image.present) > 1 and package.manifest.measures_circumference:
            return self._swept(image, frames, package, assumption)
        indices: list[int] = []
        assessments: list[Assessment] = []
        for index, frame in frames.spread(self._reader.frames_per_cine):
            if image.frame_count == 1:
                self._begin_to_paint(frame)
            else:
                self._keep(index, frame)
            self._clock.lap("decoding")
            indices.append(index)
            assessments.append(self._assess_frame(package, image, frame))
            last = frame
        best = reported_frame(assessments)
        shown = last if best == len(indices) - 1 else image.frame(indices[best])
        told = self._told(assessments[best], assumption, image, frames, shown)
        return _ReportedFrame(indices[best], shown, told, package, frames_read=len(indices))

    def _swept(
        self, image: DecodedImage, frames: ReadableFrames, package: ModelPackage, assumption: Sentence
    ) -> _ReportedFrame:
        """Raises PackageError if the package cannot be run here."""
        sweep = Sweep(image.present, image.frame_count, self._reader.frames_per_cine)
        self._look_through(sweep, package, image, frames)
        if not sweep.looked_at:
            frames.any()  # raises UnreadableImage: every frame was tried
        best, assessment = sweep.reported()
        shown = image.frame(image.present[best])
        told = self._told(assessment, assumption, image, frames, shown)
        return _ReportedFrame(image.present[best], shown, told, package, frames_read=sweep.looked_at)

    def _look_through(self, sweep: Sweep, package: ModelPackage, image: DecodedImage, frames: ReadableFrames) -> None:
        """Look at the frames of a sweep for as long as there is time, at one in any case."""
        ends = until = self._reader.sweep_until_seconds
        while (position := sweep.next()) is not None:
            now = self._clock.seconds()
            if not sweep.is_begun:  # the time for the others counts from the last evenly spaced frame
                ends = min(until, now + self._reader.sweep_seconds)
            if now > ends and sweep.looked_at:
                break
            frame = frames.frame(image.present[position])
            if frame is not None and not sweep.is_begun:
                self._keep(image.present[position], frame)
            self._clock.lap("decoding")
            sweep.add(position, None if frame is None else self._assess_frame(package, image, frame))

    def _told(
        self,
        assessment: Assessment,
        assumption: Sentence,
        image: DecodedImage,
        frames: ReadableFrames,
        shown: DisplayedFrame,
    ) -> Assessment:
        """The assessment of the frame that is reported and `shown`, with what staff must know of it: the assumption, if
        it was assessed, before its own reason, then the notes.
        """
        self._clock.lap("decoding")
        if assessment.outcome != "not_assessed":
            assessment = _with_reasons(assessment, assumption, assessment.reason)
        return _with_notes(assessment, image, frames, shown)

    def _unassessed(self, image: DecodedImage, frames: ReadableFrames, reason: Sentence) -> _ReportedFrame:
        """The middle frame, for staff to look at themselves."""
        index, frame = frames.any()
        self._clock.lap("decoding")
        assessment = _with_notes(Assessment("not_assessed", reason), image, frames, frame)
        return _ReportedFrame(index, frame, assessment, None)

    def _assess_frame(self, package: ModelPackage, image: DecodedImage, frame: DisplayedFrame) -> Assessment:
        gray = frame.gray()
        # A classifier looks at the whole picture, whatever its parts.
        areas = image.areas if package.manifest.task == "segmentation" else image.areas[:1]
        self._announce("inferring")
        view = stated_view(self._header.view)
        assessments = [
            assess(
                package,
                self._reader.models,
                GrayFrame(gray, area.box, area.scale.spacing_mm, area.scale.reason, view),
            )
            for area in areas
        ]
        self._announce("decoding")
        self._clock.lap("inferring")
        return reported_area(assessments)

    # ------------------------------------------------------------ the result

    def _reading(self, reported: _ReportedFrame) -> ImageReading:
        assessment = reported.assessment
        pictures = self._painted(reported.frame)
        owner = "" if reported.package is None else reported.package.title
        overlay = pictures.overlay(assessment, owner)
        heatmaps = pictures.heatmaps(assessment, owner)
        frames = pictures.frames({index: seen for index, seen in self._seen.items() if index != reported.index})
        self._clock.lap("rendering")
        return self._image_reading(
            model=self._model_used(reported),
            outcome=assessment.outcome,
            reason=assessment.reason,
            age_not_given=reported.age_not_given and assessment.outcome != "not_assessed",
            view=assessment.view,
            findings=assessment.findings,
            quality=assessment.quality,
            plain=pictures.plain,
            overlay=overlay,
            heatmaps=heatmaps,
            frame_pictures=frames,
            frame=reported.index + 1,
            frames_read=reported.frames_read,
        )

    def _begin_to_paint(self, frame: DisplayedFrame) -> None:
        """Make the picture of the only frame while the model runs, which is done by another process."""
        self._painting = self._helper.submit(ReadingPictures, self._job, frame, self._phantom)

    def _keep(self, index: int, frame: DisplayedFrame) -> None:
        """Remember what one of the evenly spaced frames looks like, for staff."""
        self._seen[index] = displayed(frame.picture(), LONGEST_FRAME_SIDE)

    def _painted(self, frame: DisplayedFrame) -> ReadingPictures:
        """The pictures of `frame`, the plain one written already. Raises OSError when the disk fails or is full."""
        if self._painting is not None:
            return self._painting.result()
        return ReadingPictures(self._job, frame, self._phantom)

    def _model_used(self, reported: _ReportedFrame) -> ModelUsed | None:
        """The model that ran; None where there is none for the image, or the check of the picture kept it from it."""
        package, assessment = reported.package, reported.assessment
        if package is None or (assessment.quality is not None and not assessment.quality.acceptable):
            return None
        manifest = package.manifest
        return ModelUsed(
            name=manifest.name,
            version=manifest.version,
            device=self._reader.models.device_of(package),
            demonstration=manifest.demonstration,
            intended_use=manifest.intended_use,
            not_covered=manifest.not_covered_in(assessment.view),
            caution=manifest.caution,
            aid=manifest.aid,
        )

    def _unread(self, reason: Sentence) -> ImageReading:
        self._clock.lap("decoding")
        return self._image_reading(outcome="not_assessed", reason=reason)

    def _image_reading(self, **result: Any) -> ImageReading:
        """The `result` together with what is known about the instance in any case."""
        return ImageReading(
            instance_id=self._job.instance_id,
            sop_instance_uid=self._sop_instance_uid,
            source=self._job.source,
            identity=self._identity,
            header=self._header,
            phantom=self._phantom,
            milliseconds=self._clock.milliseconds(),
            **result,
        )

    def _ended(self, state: InstanceEnd, reading: ImageReading, same_as: str | None = None) -> ReadResult:
        return ReadResult(
            instance_id=self._job.instance_id,
            state=state,
            reading=reading,
            produced=tuple(self._produced),
            dataset_sha256="" if self._digest is None else self._digest.result(),
            same_as=same_as,
        )


def _with_notes(
    assessment: Assessment, image: DecodedImage, frames: ReadableFrames, frame: DisplayedFrame
) -> Assessment:
    """The assessment with all that staff must know of the picture beside it."""
    return _with_reasons(assessment, assessment.reason, *image.notes, frames.note, *frame.notes)


def _with_reasons(assessment: Assessment, *reasons: Sentence) -> Assessment:
    return replace(assessment, reason=joined(reasons))
