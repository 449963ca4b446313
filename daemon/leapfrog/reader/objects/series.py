"""How the series of our objects are numbered and described: each version of a report has series of its own.

Viewers list the series of a study by their numbers, or by their dates, the newest first. So a newer version has smaller
numbers than an older one, all of them larger than those that machines give; and its series says which version it is,
and which one it replaces: an archive keeps both, and tells nobody which is current.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pydicom import Dataset

from leapfrog.language.sentence import Sentence, sentence
from leapfrog.language.speaker import Speaker
from leapfrog.processes.messages import ReportJob

LONGEST_LO = 64  # bytes, as some archives and checks count what PS3.5 Section 6.2 limits in characters
FIRST_NUMBER = 90_000  # above all that machines give; IS has room for it
NUMBERS_A_VERSION = 10
LAST_VERSION = 8_000  # of those with numbers of their own
VERSION = sentence("{series} (v{version})")
REPLACES = sentence("{series} (v{version}, replaces v{replaced})")


@dataclass(frozen=True)
class Series:
    """A kind of series that the box makes: its `place` (1 to 9) among those of a version, and what it is called. What
    `has_versions` is made anew with each version of the report.
    """

    place: int
    said: Sentence
    has_versions: bool = True

    def describe(self, dataset: Dataset, job: ReportJob, speaker: Speaker) -> None:
        """Set the number and the description of the series of `dataset`, which belongs to the version of `job`."""
        version = min(job.version, LAST_VERSION) if self.has_versions else 0
        dataset.SeriesNumber = FIRST_NUMBER - NUMBERS_A_VERSION * version + self.place
        dataset.SeriesDescription = next(text for text in self._texts(job, speaker) if len(text.encode()) <= LONGEST_LO)

    def _texts(self, job: ReportJob, speaker: Speaker) -> Iterator[str]:
        """Its description, then shorter ones, for an attribute of VR LO: in English, and without what it replaces."""
        replaced = max((one.version for one in job.replaces), default=0)
        if self.has_versions and replaced:
            said = REPLACES.format(series=self.said, version=str(job.version), replaced=str(replaced))
            yield from (speaker.say(said), str(said))
        if self.has_versions:
            said = VERSION.format(series=self.said, version=str(job.version))
            yield from (speaker.say(said), str(said))
        yield from (speaker.say(self.said), str(self.said))


STRUCTURED_REPORT = Series(1, sentence("Leapfrog findings, not a diagnosis"))
REPORT = Series(2, sentence("Leapfrog report, not a diagnosis"))
OVERLAYS = Series(3, sentence("Leapfrog overlay, not a diagnosis"))
SEGMENTATION = Series(4, sentence("Leapfrog outlines, not a diagnosis"))
PREVIEWS = Series(5, sentence("Small copies of images, not for diagnosis"), has_versions=False)
