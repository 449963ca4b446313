"""What of a report is sent: which DICOM objects a version makes, which they replace, and to whom they are owed."""

from collections.abc import Callable, Sequence
from pathlib import Path

from leapfrog.exam import ImageReading
from leapfrog.lanes.produced import adopt
from leapfrog.processes.messages import ProducedObject, ReplacedObject
from leapfrog.settings import Settings
from leapfrog.spool_file.record import DerivedKind, Production, read_record
from leapfrog.state.journal import Journal
from leapfrog.state.recipients import Recipients
from leapfrog.state.records import DELIVERED_AS, DeliveryKind, NewDelivery
from leapfrog.state.sent_results import SentResult, SentResults
from leapfrog.state.spool import Spool

# In the order of their worth over a thin link.
DERIVED_KINDS: tuple[DerivedKind, ...] = ("structured_report", "report_pdf", "preview", "segmentation", "overlay")
MOST_REMEMBERED = 1000  # studies of which it is known what was told of them; most are over long before


class Results:
    """Any thread may call it; a study's report is rendered by one at a time."""

    def __init__(self, settings: Settings, journal: Journal, spool: Spool) -> None:
        """Those of the destinations in `settings`."""
        self._recipients = Recipients(settings.destinations)
        self._sent = SentResults(journal)
        self._spool = spool
        self._shown, self._told = _Known(), _Known()

    def wanted(self, study_key: str, readings: Sequence[ImageReading]) -> tuple[DerivedKind, ...]:
        """The kinds of objects that any destination gets of this exam: those of a closing version."""
        recipients = self._recipients_of(study_key, readings)
        return tuple(kind for kind in DERIVED_KINDS if recipients(DELIVERED_AS[kind]))

    # ------------------------------------------------------------ what cannot wait for the closing version

    def is_unshown(self, study_key: str, readings: Sequence[ImageReading]) -> bool:
        """Whether something is urgent that staff do not see yet. An exam of 300 images shows at once each kind of
        urgent finding, not each image. After a start it may do so once more.
        """
        return bool(urgent_findings(readings) - self._shown.of(study_key))

    def is_untold(self, study_key: str, readings: Sequence[ImageReading]) -> bool:
        """Whether something is urgent that the destinations were not told yet, so that its objects are made before the
        study is quiet. The closing version tells the rest.
        """
        return bool(urgent_findings(readings) - self._told.of(study_key))

    def is_behind(self, study_key: str) -> bool:
        """Whether staff see something urgent that the destinations were not told yet."""
        return bool(self._shown.of(study_key) - self._told.of(study_key))

    def shown(self, study_key: str, readings: Sequence[ImageReading]) -> None:
        """Note that a version with these readings was made for staff."""
        self._shown.note(study_key, urgent_findings(readings))

    def told(self, study_key: str, readings: Sequence[ImageReading]) -> None:
        """Note that one was made with its objects where somebody gets any, and on paper where it is printed."""
        self.shown(study_key, readings)
        self._told.note(study_key, urgent_findings(readings))

    # ------------------------------------------------------------ versions

    def sent(self, study_key: str) -> tuple[SentResult, ...]:
        """What the next version replaces: the newest of each kind that each destination was sent, or may have been."""
        return self._sent.newest(study_key)

    def replaced(self, sent: Sequence[SentResult]) -> tuple[ReplacedObject, ...]:
        """The same with what the files say of themselves. One whose file is gone cannot be named."""
        return tuple(one for one in map(self._replaced, sent) if one is not None)

    def _replaced(self, sent: SentResult) -> ReplacedObject | None:
        try:
            record = read_record(self._spool.path(sent.spool_name)) if sent.spool_name else None
        except OSError:
            return None
        if not isinstance(record, Production):
            return None
        return ReplacedObject(
            role=record.role,
            version=record.version or 0,
            sop_class_uid=sent.sop_class_uid,
            sop_instance_uid=sent.sop_instance_uid,
            series_instance_uid=record.series_instance_uid,
        )

    def previews(self, study_key: str) -> tuple[str, ...]:
        """The UIDs of the previews that were made of images of the study."""
        return self._sent.previews(study_key)

    # ------------------------------------------------------------ to whom

    def adopt(
        self, study_key: str, produced: Sequence[ProducedObject], work_dir: Path, readings: Sequence[ImageReading]
    ) -> tuple[NewDelivery, ...]:
        """Move what a reader made into the spool, as deliveries. Raises StorageError."""
        return adopt(self._spool, produced, work_dir, self._recipients_of(study_key, readings))

    def _recipients_of(
        self, study_key: str, readings: Sequence[ImageReading]
    ) -> Callable[[DeliveryKind], tuple[str, ...]]:
        """Who gets objects of a kind: those whose rules take the exam, and those that were sent an earlier version.
        What that says would stay current there: an urgent finding, perhaps, that is none any more.
        """
        modalities = [reading.header.modality for reading in readings]
        urgent = any(reading.urgent for reading in readings)
        informed = self._sent.destinations(study_key)

        def recipients(kind: DeliveryKind) -> tuple[str, ...]:
            by_rule = self._recipients.of_exam(kind, modalities, urgent=urgent)
            return tuple(
                one.name
                for one in self._recipients
                if one.name in by_rule or (one.name in informed and kind in one.send)
            )

        return recipients


class _Known:
    """What is urgent and known of the latest studies."""

    def __init__(self) -> None:
        self._urgent: dict[str, frozenset[str]] = {}

    def of(self, study_key: str) -> frozenset[str]:
        return self._urgent.get(study_key, frozenset())

    def note(self, study_key: str, urgent: frozenset[str]) -> None:
        self._urgent.pop(study_key, None)  # also where nothing is urgent any more: it may be again
        if urgent:
            self._urgent[study_key] = urgent
            if len(self._urgent) > MOST_REMEMBERED:
                del self._urgent[next(iter(self._urgent))]


def urgent_findings(readings: Sequence[ImageReading]) -> frozenset[str]:
    """The names of what is urgent in any of the images."""
    return frozenset(
        finding.name for reading in readings for finding in reading.findings if finding.urgent and finding.needs_look
    )
