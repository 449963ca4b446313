"""The pictures of one reading: as it is, with what the model found drawn on it, and of a loop some other frames."""

from collections.abc import Mapping

from leapfrog.exam import Finding, FramePicture, HeatmapPicture
from leapfrog.processes.messages import ReadJob
from leapfrog.reader.assess.assessment import Assessment
from leapfrog.reader.image.pixels import DisplayedFrame
from leapfrog.reader.report.overlay import (
    SHORTEST_DRAWN_SIDE,
    Marking,
    Pixels,
    displayed,
    save_heatmap,
    save_outlines,
    save_plain,
)
from leapfrog.wording.finding_words import finding_name, measured


class ReadingPictures:
    """Draws them. Each attempt names its own files, so an earlier report keeps its pictures. Every method raises
    OSError when the disk fails or is full; the names of files that it returns lie in the job's folder for the report.
    """

    def __init__(self, job: ReadJob, frame: DisplayedFrame, phantom: bool) -> None:
        """Write the plain one. `phantom`: no patient is on it, which is written across every picture."""
        self._directory = job.report_dir
        self._stem = f"{job.instance_id}-{job.attempt}"
        self._picture = displayed(frame.picture())  # once: shrinking a film takes longer than drawing on it
        self._phantom = phantom
        self.plain = f"plain-{self._stem}.jpg"
        save_plain(self._picture, self._directory / self.plain, phantom=phantom)

    def overlay(self, assessment: Assessment, owner: str) -> str | None:
        """The picture with outlines or a heat map on it, and with its model, the `owner`; None if there are none."""
        name = f"overlay-{self._stem}.jpg"
        if markings := _markings(assessment):
            save_outlines(self._picture, markings, self._directory / name, owner=owner, phantom=self._phantom)
        elif assessment.heatmaps:
            names = _shown_names(assessment)
            maps = [(names[finding], heat) for finding, heat in assessment.heatmaps.items()]
            save_heatmap(self._picture, maps, self._directory / name, owner=owner, phantom=self._phantom)
        else:
            return None
        return name

    def heatmaps(self, assessment: Assessment, owner: str) -> tuple[HeatmapPicture, ...]:
        """One picture per flagged finding if there are several; a single one is already shown by the overlay."""
        if len(assessment.heatmaps) < 2:
            return ()
        names = _shown_names(assessment)
        small = displayed(self._picture, SHORTEST_DRAWN_SIDE)  # the report shows these a third as wide as the overlay
        pictures = []
        for number, (finding, heat) in enumerate(assessment.heatmaps.items(), start=1):
            name = f"heatmap-{self._stem}-{number}.jpg"
            path = self._directory / name
            save_heatmap(small, [(names[finding], heat)], path, owner=owner, phantom=self._phantom)
            pictures.append(HeatmapPicture(finding=finding, file=name))
        return tuple(pictures)

    def frames(self, seen: Mapping[int, Pixels]) -> tuple[FramePicture, ...]:
        """A small picture of each frame that was `seen`, by its index from 0."""
        pictures = []
        for index in sorted(seen):
            name = f"frame-{self._stem}-{index + 1}.jpg"
            save_plain(seen[index], self._directory / name, phantom=self._phantom)
            pictures.append(FramePicture(frame=index + 1, file=name))
        return tuple(pictures)


def _shown_names(assessment: Assessment) -> dict[str, str]:
    return {finding.name: finding_name(finding) for finding in assessment.findings}


def _markings(assessment: Assessment) -> list[Marking]:
    return [
        Marking(finding.contour, _label(finding), hatched=finding.drawn == "hatched")
        for finding in assessment.findings
        if finding.contour
    ]


def _label(finding: Finding) -> str:
    return finding_name(finding) if finding.measurement is None else measured(finding.measurement)
