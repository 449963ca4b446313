"""Has the box read the images of an evaluation, by the functions of `leapfrog read`, and keeps what it said."""

import hashlib
import queue
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from leapfrog.commands.evaluate.contradictions import sha256_of
from leapfrog.commands.evaluate.kept import Kept, KeptImage
from leapfrog.commands.read import NOT_FINISHED, read_job
from leapfrog.errors import EngineError, StorageError, UsageError
from leapfrog.evaluation.labelled import EvaluatedImage, LabelledImage, SaidFinding, SaidOfImage
from leapfrog.evaluation.pictures import mask_overlap, save_small
from leapfrog.exam import ImageReading, PictureHints, stated_view
from leapfrog.intake.folder.file_kind import READ_KINDS, kind_of
from leapfrog.lanes.job_end import DeadlineMissed, DiskRefused, EngineDied
from leapfrog.lanes.lane import Lane
from leapfrog.packages.package import ModelPackage
from leapfrog.patient_age import patient_age
from leapfrog.processes.messages import ReadResult
from leapfrog.settings import Settings

PICTURES_NAME = "pictures"
WORK_PREFIX = "reading-"  # of the folder in the result's that the reader draws in
MOST_PICTURES = 400  # in a result, of what the box got wrong: a tenth of a megabyte each at most
ENGINE_TRIES = 3
AHEAD = 2  # images that wait for each lane


@dataclass(frozen=True)
class Source:
    """Where the images are, which package is judged, and where the result goes."""

    data: Path
    package: ModelPackage
    out: Path


class ImageReader:
    """Reads images on several lanes."""

    def __init__(self, source: Source, settings: Settings, kept: Kept, lanes: int) -> None:
        """The lanes start with the first image."""
        self._source = source
        self._settings = settings
        self._kept = kept
        self._desks = tempfile.TemporaryDirectory(prefix=WORK_PREFIX, dir=source.out)
        desks = Path(self._desks.name)
        self._lanes = [Lane(settings.engine, settings.models, settings.state_dir, desks) for _ in range(lanes)]
        self._free: queue.SimpleQueue[Lane] = queue.SimpleQueue()
        for lane in self._lanes:
            self._free.put(lane)
        self._pictures = source.out / PICTURES_NAME
        self._pictures.mkdir(mode=0o700, exist_ok=True)
        self._kept_pictures = sum((source.out / picture).is_file() for picture in kept.pictures())
        self._counting = threading.Lock()

    def read(self, images: Sequence[LabelledImage], on_read: Callable[[bool], None]) -> list[EvaluatedImage]:
        """What the box says of each image, in their order. `on_read` is told of each whether it was read before.

        Raises UsageError for an image or mask that is no picture, EngineError where the models do not run, StorageError
        where the result cannot be kept.
        """
        read = {}
        with ThreadPoolExecutor(max_workers=len(self._lanes)) as pool:
            for number, image, before in self._in_turn(pool, images):
                read[number] = image
                on_read(before)
        return [read[number] for number in range(len(images))]

    def close(self) -> None:
        """End the lanes."""
        for lane in self._lanes:
            lane.close()
        self._desks.cleanup()

    def _in_turn(
        self, pool: ThreadPoolExecutor, images: Sequence[LabelledImage]
    ) -> Iterator[tuple[int, EvaluatedImage, bool]]:
        """Each image with its number as soon as it is read, with no more under way than keep the lanes busy."""
        waiting: dict[Future[tuple[EvaluatedImage, bool]], int] = {}
        rest = enumerate(images)
        while True:
            while len(waiting) < AHEAD * len(self._lanes) and (following := next(rest, None)) is not None:
                number, image = following
                waiting[pool.submit(self._one, image)] = number
            if not waiting:
                return
            try:
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    number = waiting.pop(future)
                    yield number, *future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                self.close()
                raise

    # ------------------------------------------------------------ one image, on a thread of the pool

    def _one(self, image: LabelledImage) -> tuple[EvaluatedImage, bool]:
        file = self._source.data / image.file
        hints = self._hints(image)
        sha256 = sha256_of(file)
        masks = {name: sha256_of(self._source.data / mask) for name, mask in sorted(image.masks.items())}
        key = hashlib.sha256(f"{sha256} {hints.model_dump_json()} {masks}".encode()).hexdigest()
        if (before := self._before(image, key, sha256)) is not None:
            return before, True
        with tempfile.TemporaryDirectory(prefix=WORK_PREFIX, dir=self._source.out) as own:
            said, reading = self._said(image, file, hints, sha256, Path(own))
            evaluated = self._evaluated(image, said)
            if reading is not None and evaluated.wrong and (shown := reading.overlay or reading.plain):
                said = said.model_copy(update={"picture": self._keep_picture(Path(own) / shown, key)})
                evaluated = evaluated.model_copy(update={"said": said})
        self._kept.add(KeptImage(key=key, said=said, was_wrong=evaluated.wrong))
        return evaluated, False

    def _before(self, image: LabelledImage, key: str, sha256: str) -> EvaluatedImage | None:
        """The image as an earlier run read it; None where its picture is gone, or is wanted only since its label was
        corrected, and where the line says that it is another image: by that, copies are known.
        """
        kept = self._kept.get(key)
        if kept is None or kept.said.sha256 != sha256 or self._lacks_picture(kept.said):
            return None
        evaluated = self._evaluated(image, kept.said)
        wanted = evaluated.wrong and not (kept.was_wrong or kept.said.picture)
        return None if wanted and self._kept_pictures < MOST_PICTURES else evaluated

    def _lacks_picture(self, said: SaidOfImage) -> bool:
        return bool(said.picture) and not (self._source.out / said.picture).is_file()

    def _hints(self, image: LabelledImage) -> PictureHints:
        applies_to = self._source.package.manifest.applies_to
        return PictureHints(
            modality=applies_to.modalities[-1],
            body_part=applies_to.body_parts[0],
            view=image.view or "",
            pixel_spacing_mm=image.pixel_spacing_mm,
            age_years=image.age_years,
        )

    def _said(
        self, image: LabelledImage, file: Path, hints: PictureHints, sha256: str, work: Path
    ) -> tuple[SaidOfImage, ImageReading | None]:
        with file.open("rb") as stream:
            kind = kind_of(stream, file.name)
        if kind not in READ_KINDS:
            raise UsageError(f"{file} is {kind.value}. Take it out of the data.")
        job = read_job(file, kind, hints, self._settings, source="leapfrog evaluate", report_dir=work, work_dir=work)
        for _ in range(ENGINE_TRIES):
            lane = self._free.get()
            try:
                end = lane.run(job)
            finally:
                self._free.put(lane)
            if isinstance(end, ReadResult):
                overlaps = {
                    name: mask_overlap(self._source.data / mask, end.reading, name)
                    for name, mask in image.masks.items()
                }
                return _said_of(end.reading, sha256).model_copy(update={"overlaps": overlaps}), end.reading
            if isinstance(end, DiskRefused):
                raise StorageError(f"{self._source.out} takes no more: {end.detail}. Make room, then run this again.")
            if not (isinstance(end, EngineDied) or end == DeadlineMissed("engine")):
                return SaidOfImage(sha256=sha256, outcome="not_assessed", reason=NOT_FINISHED), None
        raise EngineError("The models do not run on this box: `leapfrog doctor` says why. What was read is kept.")

    def _evaluated(self, image: LabelledImage, said: SaidOfImage) -> EvaluatedImage:
        by_mask = {name: one.truth > 0 for name, one in said.overlaps.items()}
        labelled = image.model_copy(update={"truth": {**by_mask, **image.truth}}) if by_mask else image
        return EvaluatedImage(labelled=labelled, said=said, assessed=said.read_by == self._source.package.title)

    def _keep_picture(self, picture: Path, key: str) -> str:
        with self._counting:
            if self._kept_pictures >= MOST_PICTURES:
                return ""
            self._kept_pictures += 1
        name = f"{key[:16]}.jpg"
        save_small(picture, self._pictures / name)
        return f"{PICTURES_NAME}/{name}"


def _said_of(reading: ImageReading, sha256: str) -> SaidOfImage:
    age = patient_age(reading.identity).age
    return SaidOfImage(
        sha256=sha256,
        read_by=reading.model.label if reading.model else "",
        outcome=reading.outcome,
        reason=reading.reason,
        view=reading.view,
        view_stated=stated_view(reading.header.view),
        findings={
            one.name: SaidFinding(score=one.score, threshold=one.threshold, flagged=one.flagged, urgent=one.urgent)
            for one in reading.findings
        },
        patient=reading.identity.patient_id,
        age_years=None if age is None else age.years,
        sex=reading.identity.sex.strip().upper(),
    )
