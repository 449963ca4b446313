"""Reads one instance: decode, route, assess, draw."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from leapfrog.dicom.part10 import content_digest
from leapfrog.durable import fsync_directory
from leapfrog.errors import NothingToRead, PackageError, UnreadableImage
from leapfrog.exam import Finding, HeatmapPicture, Identity, ImageHeader, ImageReading, ModelUsed
from leapfrog.packages.catalogue import Catalogue
from leapfrog.packages.package import ModelPackage
from leapfrog.processes.messages import ProducedObject, ReadJob, ReadResult, Stage
from leapfrog.reader.assess.assessment import Assessment, GrayFrame, Models, assess, speaking_frame
from leapfrog.reader.assess.routing import route
from leapfrog.reader.assess.stated import exam_of
from leapfrog.reader.image.attributes import text
from leapfrog.reader.image.dicom_file import DicomFile, open_dicom_file
from leapfrog.reader.image.identity import header_of, identity_of
from leapfrog.reader.image.image import DecodedImage, open_image
from leapfrog.reader.image.phantom_mark import is_phantom
from leapfrog.reader.image.pixels import DisplayedFrame, chosen_frames
from leapfrog.reader.originals.forwarding import forward_copy
from leapfrog.reader.originals.wrapping import wrap_picture
from leapfrog.reader.report.overlay import SHORTEST_DRAWN_SIDE, displayed, save_contour, save_heatmap, save_plain
from leapfrog.wording.report import finding_name, measured

TOO_LARGE = "The picture is too large for this box's memory. It is kept and passed on unread."
WRAPPED_NAME = "wrapped.dcm"
FORWARD_COPY_NAME = "forward.dcm"

InstanceEnd = Literal["read", "set_aside", "forward_only"]


class StageClock:
    """Adds up where the time of one reading went."""

    def __init__(self) -> None:
        """Starts now."""
        self._began = self._last = time.perf_counter()
        self._spent: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """What passed since the last lap belongs to `stage`."""
        now = time.perf_counter()
        self._spent[stage] = self._spent.get(stage, 0.0) + (now - self._last) * 1000
        self._last = now

    def milliseconds(self) -> dict[str, float]:
        """The time of each stage so far, and of the whole."""
        spent = {**self._spent, "total": (time.perf_counter() - self._began) * 1000}
        return {stage: round(value, 1) for stage, value in spent.items()}


@dataclass(frozen=True)
class _Shown:
    """The frame that is reported, from 0, with what the model says of it."""

    index: int
    frame: DisplayedFrame
    assessment: Assessment
    package: ModelPackage | None


@dataclass(frozen=True)
class ImageReader:
    """Reads instances one by one with the packages of a catalogue; of a cine, at most `frames_per_cine` evenly chosen
    frames.
    """

    catalogue: Catalogue
    models: Models
    frames_per_cine: int

    def read(self, job: ReadJob, announce: Callable[[Stage], None]) -> ReadResult:
        """Read the instance of `job`; its pictures are durable in `job.report_dir` when this returns.

        Raises EngineError when the engine failed, OSError when the disk did.
        """
        return _OneReading(self, job, announce).result()


class _OneReading:
    """The work on one instance, and what is known of it so far, which a damaged one is reported with."""

    def __init__(self, reader: ImageReader, job: ReadJob, announce: Callable[[Stage], None]) -> None:
        self._reader = reader
        self._job = job
        self._announce = announce
        self._clock = StageClock()
        self._identity = Identity()
        self._header = ImageHeader()
        self._sop_instance_uid = job.sop_instance_uid
        self._produced: list[ProducedObject] = []
        self._digest = ""
        self._phantom = False

    def result(self) -> ReadResult:
        self._announce("decoding")
        try:
            file = self._open()
            shown = self._look(file, open_image(file))
        except NothingToRead as nothing:
            return self._ended("forward_only", self._unread(str(nothing)))
        except UnreadableImage as problem:
            return self._ended("set_aside", self._unread(str(problem)))
        except MemoryError:
            return self._ended("set_aside", self._unread(TOO_LARGE))
        self._announce("rendering")
        return self._ended("read", self._reading(shown))

    # ------------------------------------------------------------ from bytes to a model's words

    def _open(self) -> DicomFile:
        job = self._job
        path = job.source_path
        if job.picture is not None:
            path = job.work_dir / WRAPPED_NAME
            self._produced.append(wrap_picture(job.source_path, job.picture, job.hints, job.received_at, path))
        file = open_dicom_file(path)
        self._identity = identity_of(file.dataset)
        self._phantom = is_phantom(file.dataset)
        self._header = header_of(file.dataset, file.transfer_syntax_uid, self._job.hints)
        self._sop_instance_uid = self._sop_instance_uid or text(file.dataset, "SOPInstanceUID")
        self._digest = content_digest(path)
        if job.forward_as is not None:
            self._produced.append(forward_copy(path, job.forward_as, job.work_dir / FORWARD_COPY_NAME))
        self._clock.lap("decoding")
        return file

    def _look(self, file: DicomFile, image: DecodedImage) -> _Shown:
        exam = exam_of(file.dataset, self._header, is_picture=self._job.picture is not None)
        chosen = route(exam, self._reader.catalogue.packages)
        if chosen.package is None:
            return self._unassessed(image, chosen.reason)
        indices = chosen_frames(image.frame_count, self._reader.frames_per_cine)
        assessments, last = [], None
        try:
            for index in indices:
                last = self._decode(image, index)
                assessments.append(self._assess(chosen.package, image, last))
        except PackageError as problem:
            return self._unassessed(image, str(problem))
        best = speaking_frame(assessments)
        frame = last if last is not None and best == len(indices) - 1 else self._decode(image, indices[best])
        assessment = assessments[best]
        if assessment.outcome != "not_assessed" and chosen.assumption:
            reason = " ".join(filter(None, (chosen.assumption, assessment.reason)))
            assessment = replace(assessment, reason=reason)
        return _Shown(indices[best], frame, assessment, chosen.package)

    def _unassessed(self, image: DecodedImage, reason: str) -> _Shown:
        """The middle frame, for staff to look at themselves."""
        middle = chosen_frames(image.frame_count, 1)[0]
        return _Shown(middle, self._decode(image, middle), Assessment("not_assessed", reason), None)

    def _decode(self, image: DecodedImage, index: int) -> DisplayedFrame:
        frame = image.frame(index)
        self._clock.lap("decoding")
        return frame

    def _assess(self, package: ModelPackage, image: DecodedImage, frame: DisplayedFrame) -> Assessment:
        gray_frame = GrayFrame(frame.gray(), image.area, image.spacing_mm)
        self._announce("inferring")
        assessment = assess(package, self._reader.models, gray_frame)
        self._announce("decoding")
        self._clock.lap("inferring")
        return assessment

    # ------------------------------------------------------------ what goes back

    def _reading(self, shown: _Shown) -> ImageReading:
        said = shown.assessment
        pictures = _Pictures(self._job, shown.frame, self._phantom)
        plain, overlay = pictures.plain(), pictures.overlay(said)
        heatmaps = pictures.heatmaps(said)
        fsync_directory(self._job.report_dir)
        self._clock.lap("rendering")
        model = None
        if shown.package is not None and said.outcome != "not_assessed":
            manifest = shown.package.manifest
            model = ModelUsed(
                name=manifest.name,
                version=manifest.version,
                device=self._reader.models.device_of(shown.package),
                demonstration=manifest.demonstration,
            )
        return self._told(
            model=model,
            outcome=said.outcome,
            reason=said.reason,
            findings=said.findings,
            quality=said.quality,
            plain=plain,
            overlay=overlay,
            heatmaps=heatmaps,
            frame=shown.index + 1,
        )

    def _unread(self, reason: str) -> ImageReading:
        self._clock.lap("decoding")
        return self._told(outcome="not_assessed", reason=reason)

    def _told(self, **said: Any) -> ImageReading:
        """What is known of the instance in any case, and what is `said` of it."""
        return ImageReading(
            instance_id=self._job.instance_id,
            sop_instance_uid=self._sop_instance_uid,
            source=self._job.source,
            identity=self._identity,
            header=self._header,
            phantom=self._phantom,
            milliseconds=self._clock.milliseconds(),
            **said,
        )

    def _ended(self, state: InstanceEnd, reading: ImageReading) -> ReadResult:
        return ReadResult(
            instance_id=self._job.instance_id,
            state=state,
            reading=reading,
            produced=tuple(self._produced),
            dataset_sha256=self._digest,
        )


class _Pictures:
    """Draws the pictures of one reading, under names of its own so that an earlier report keeps its pictures."""

    def __init__(self, job: ReadJob, frame: DisplayedFrame, phantom: bool) -> None:
        self._directory = job.report_dir
        self._stem = f"{job.instance_id}-{job.attempt}"
        self._picture = displayed(frame.picture())  # once: shrinking a film takes longer than drawing on it
        self._phantom = phantom

    def plain(self) -> str:
        name = f"plain-{self._stem}.jpg"
        save_plain(self._picture, self._directory / name, phantom=self._phantom)
        return name

    def overlay(self, said: Assessment) -> str | None:
        name = f"overlay-{self._stem}.jpg"
        outlined = next((finding for finding in said.findings if finding.contour), None)
        if outlined is not None and outlined.contour is not None:
            label = _label(outlined)
            save_contour(self._picture, outlined.contour, label, self._directory / name, phantom=self._phantom)
        elif said.heatmaps:
            names = _shown_names(said)
            maps = [(names[finding], heat) for finding, heat in said.heatmaps.items()]
            save_heatmap(self._picture, maps, self._directory / name, phantom=self._phantom)
        else:
            return None
        return name

    def heatmaps(self, said: Assessment) -> tuple[HeatmapPicture, ...]:
        """One picture per flagged finding when there are several; a single one is the overlay already."""
        if len(said.heatmaps) < 2:
            return ()
        names = _shown_names(said)
        small = displayed(self._picture, SHORTEST_DRAWN_SIDE)  # the report shows these a third as wide as the overlay
        pictures = []
        for number, (finding, heat) in enumerate(said.heatmaps.items(), start=1):
            name = f"heatmap-{self._stem}-{number}.jpg"
            save_heatmap(small, [(names[finding], heat)], self._directory / name, phantom=self._phantom)
            pictures.append(HeatmapPicture(finding=finding, file=name))
        return tuple(pictures)


def _shown_names(said: Assessment) -> dict[str, str]:
    return {finding.name: finding_name(finding) for finding in said.findings}


def _label(finding: Finding) -> str:
    return finding_name(finding) if finding.measurement is None else measured(finding.measurement)
