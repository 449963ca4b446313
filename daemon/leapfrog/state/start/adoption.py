"""Brings spool files that no row names back into the journal, in the background, after each start.

Nothing that may hold an instance is deleted for being unknown. A journal that was moved aside, restored from an older
copy or that lost its write-ahead log does not know files that were acknowledged; what a file is, its own record says.
A file whose record or content does not hold is laid aside, where nobody but a person looks at it. In a journal that is
all right only a power cut leaves such files: their bytes never arrived, and nobody was told that they had.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from leapfrog.dicom.first_values import frame_count_of
from leapfrog.dicom.part10 import content_digest
from leapfrog.dicom.uids import mint_uid
from leapfrog.errors import StorageError
from leapfrog.exam import ImageReading
from leapfrog.exam_number import is_exam_number
from leapfrog.problem import Problem, Problems
from leapfrog.spool_file.record import Arrival, Production, Reencoding, SpoolRecord, content_holds, read_record
from leapfrog.state.arrivals import instance_of, record_of
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.exam_numbers import ExamNumbers
from leapfrog.state.folder_files import FolderFiles
from leapfrog.state.forgotten_list import ForgottenList
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.recipients import Recipients, exam_of
from leapfrog.state.records import DELIVERED_AS, NewDelivery, NewInstance, StudyRecord, UidHolder
from leapfrog.state.sending.encodings import Encodings
from leapfrog.state.spool import INCOMPLETE, Spool
from leapfrog.state.start.older_files import give_records
from leapfrog.state.start.older_results import supersede_older_results
from leapfrog.state.start.opening import Opening
from leapfrog.state.studies import Studies
from leapfrog.worker import UNTIL_WOKEN, Worker

BATCH = 500  # names looked up in one query
FILE_SECONDS = 600.0  # reading the largest file from a slow disk

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RenderedReport:
    """What a study's report folder shows: the version, the readings in it, and the number of the exam, "" where it has
    none. `row` is its line in the worklist.
    """

    version: int
    readings: tuple[ImageReading, ...]
    row: str
    urgent: bool
    exam_number: str = ""


@dataclass
class _Count:
    adopted: int = 0
    repeated: int = 0
    laid_aside: int = 0


class Adoption(Worker):
    """Goes once through the spool. Whoever must not act on half of the journal asks `finished`. Then gives exams that
    have none their numbers, and files of an older version, or of such an exam, their records.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        spool: Spool,
        numbers: ExamNumbers,
        recipients: Recipients,
        rendered: Callable[[str], RenderedReport | None],
        opening: Opening,
        on_adopted: Callable[[], None],
    ) -> None:
        """`numbers` gives exams theirs. `recipients` get what their rules say. `rendered` gives the newest
        report that was rendered of a study, by its key. `on_adopted` is called when there may be something to read or
        to send.
        """
        super().__init__("adoption")
        self._journal = journal
        self._instances = Instances(journal)
        self._studies = Studies(journal)
        self._deliveries = Deliveries(journal)
        self._folder_files = FolderFiles(journal)
        self._list = ForgottenList(journal)
        self._encodings = Encodings(journal)
        self._spool = spool
        self._numbers = numbers
        self._recipients = recipients
        self._rendered = rendered
        self._opening = opening
        self._on_adopted = on_adopted
        self._problems = Problems()
        self._count = _Count()
        self._looked_at: tuple[str, RenderedReport | None] = ("", None)  # the study whose folder was looked at last
        self._steps: Iterator[None] = iter(())
        self._finished = False
        self._with_objects: set[str] = set()  # studies of which results were taken up

    def start(self) -> None:
        """Start to go through the files that are there now, not through those that arrive."""
        self._spool.clear_unfinished()
        self._take_back()
        self._spool.note_newcomers()
        self._steps = self._go_through()
        if self._opening.rebuilt:
            self._problems.add(
                "rebuilt",
                f"{self._opening.rebuilt} A new journal is made from the images in the spool; no image is lost.",
                "Nothing needs to be done. Check the disk of the state directory, since it may be failing.",
            )
        self._note_aside()
        super().start()

    def finished(self) -> bool:
        """Whether every file that was there at the start is in the journal or laid aside."""
        return self._finished

    def problems(self) -> tuple[Problem, ...]:
        """A journal that was made anew, and files that were laid aside."""
        return self._problems.current()

    def turn(self) -> float:
        """Go one step further."""
        self.beat(FILE_SECONDS)
        if next(self._steps, self) is not self:
            return 0.0
        if self._finished:
            return UNTIL_WOKEN
        self._finish()
        self._steps = give_records(self._journal, self._spool)
        return 0.0

    def _finish(self) -> None:
        self._give_numbers()
        supersede_older_results(self._journal, self._spool, self._with_objects)
        self._finished = True
        self._note_aside()
        count = self._count
        if count.adopted or count.repeated or count.laid_aside:
            _log.warning(
                "Spool files that the journal did not know: taken into it: %d; held already: %d; laid aside: %d.",
                count.adopted,
                count.repeated,
                count.laid_aside,
            )
        self._on_adopted()

    def _give_numbers(self) -> None:
        """On a disk that takes no more, exams stay without theirs until the next start: that is no reason to stop."""
        try:
            self._numbers.settle()
        except StorageError as problem:
            if self._journal.broken:
                raise
            _log.warning("Some exams have no number yet: %s", problem)

    def _note_aside(self) -> None:
        if laid := self._spool.aside_alarming():
            self._problems.add(
                "aside",
                f"{laid} file(s) in {self._spool.aside} may hold images, but are damaged or of unknown origin.",
                "`leapfrog journal check` names them. Send these exams again from the machines that made them, then"
                " move the files elsewhere.",
            )
        else:
            self._problems.clear("aside")

    def _take_back(self) -> None:
        """Finish what was being forgotten: a study whose rows are still there keeps its files."""
        names = self._spool.forgotten_names()
        if kept := self._known(names):
            self._spool.take_back(kept)
        self._spool.discard_forgotten()

    # ------------------------------------------------------------ going through the spool

    def _go_through(self) -> Iterator[None]:
        """The steps. Instances come in the order in which they arrived, before what was made of them."""
        arrivals: list[tuple[int, str]] = []
        made: dict[str, str | None] = {}  # with the instance that each was made of
        names = self._spool.names_before()
        for start in range(0, len(names), BATCH):
            batch = names[start : start + BATCH]
            known = self._known(batch)
            for name in batch:
                if name not in known:
                    self._sort(name, arrivals, made)
                    yield
            yield
        of_instance = {instance_id: name for name, instance_id in made.items() if instance_id is not None}
        for _, name in sorted(arrivals):
            self._attempt(self._adopt_instance, name, of_instance.get(Path(name).stem))
            yield
        for name in made:
            self._attempt(self._adopt_object, name, None)
            yield
        if not self._opening.in_order:
            for study in self._studies.open():  # an older copy of the journal may know older reports
                self._restore_report(study, self._look(study.key))
                yield

    def _known(self, names: Sequence[str]) -> set[str]:
        """Those of `names` that a row names: the file of an instance and of an object has the row's own id."""
        name_of = {name.partition(".")[0]: name for name in names}
        known = self._instances.known(name_of)
        known |= self._deliveries.known(set(name_of) - known)
        known |= self._encodings.known(set(name_of) - known)
        return {name_of[one] for one in known}

    def _sort(self, name: str, arrivals: list[tuple[int, str]], made: dict[str, str | None]) -> None:
        try:
            record = read_record(self._spool.path(name))
        except OSError as problem:
            self._cannot_read(problem)
            return
        if self._was_forgotten(name, record):
            self._spool.remove(name)
            return
        match record:
            case Arrival():
                arrivals.append((record.arrival, name))
                if is_exam_number(record.exam_number):
                    self._numbers.met(record.exam_number)
            case Production():
                made[name] = record.instance_id
            case Reencoding():  # nobody waits for it; whoever does has it made again
                self._spool.remove(name)
            case None:
                self._lay_aside(name, "unknown" if self._opening.rebuilt else INCOMPLETE)

    def _was_forgotten(self, name: str, record: SpoolRecord | None) -> bool:
        """Whether it is of an exam that was forgotten on request, by its name too where it has no record."""
        if isinstance(record, Production):
            return self._list.has_study(record.study_key) or self._list.has(record.instance_id or "")
        return self._list.has(Path(name).stem)

    def _attempt(self, adopt: Callable[[str, str | None], None], name: str, wrapped: str | None) -> None:
        """One file that cannot be taken up must not keep the others out."""
        try:
            adopt(name, wrapped)
        except OSError as problem:
            self._cannot_read(problem)

    def _cannot_read(self, problem: OSError) -> None:
        self._problems.add(
            "unreadable",
            f"Files in the spool {self._spool.directory} cannot be read: {problem.strerror}.",
            "Check the disk of the state directory; the next start tries again.",
        )

    def _lay_aside(self, name: str, why: str) -> None:
        self._spool.lay_aside(name, why)
        self._count.laid_aside += 1

    # ------------------------------------------------------------ instances

    def _adopt_instance(self, name: str, wrapped: str | None) -> None:
        """`wrapped` is the file that a reader made of the instance, if there is one. It is owed before another reader
        can make it again.
        """
        path = self._spool.path(name)
        record = read_record(path)
        if not isinstance(record, Arrival) or Path(name).stem != record.id or not content_holds(path, record):
            self._lay_aside(name, "damaged")
            return
        new = instance_of(
            record,
            name,
            owed_to=self._recipients.of_all_exams("original"),
            frame_count=1 if record.picture else frame_count_of(path, record.byte_count),
        )
        rendered = self._rendered_with(new)
        if rendered is not None and rendered.exam_number and not new.exam_number:  # the record was not renewed yet
            self._numbers.met(rendered.exam_number)
            new = replace(new, exam_number=rendered.exam_number)
        if new.forward_as is None:  # else a reader looks again whether it is other content at all
            new = replace(new, reading=_reading_in(rendered, new.id))
        delivery = self._delivery_of(wrapped) if wrapped else None
        holder = self._held_already(new)
        if holder:
            self._deliveries.ask_before_sending(holder)
            self._hand_on_number(new, holder)
            if new.folder_file:
                self._folder_files.remember(new.folder_file, holder)
            self._spool.remove(name)
            self._count.repeated += 1
            return
        if delivery is not None:
            self._give_back(new.id, delivery)
        adopted = self._instances.get(new.id)
        if adopted is not None:
            self._restore_report(self._studies.get(adopted.study_key), rendered)
        self._count.adopted += 1
        self._on_adopted()

    def _held_already(self, new: NewInstance) -> str | None:
        """Add `new` to the journal and return None, or the id of the instance that is the same."""
        compared: set[str] = set()
        while holders := self._instances.add(new, compared, self._recipients):
            for holder in holders:
                if self._same(new, holder):
                    return holder.id
                compared.add(holder.id)
            if new.forward_as is None and any(holder.forward_as is None for holder in holders):
                new = replace(new, forward_as=mint_uid())
                self._spool.rewrite_record(new.spool_name, record_of(new))
        return None

    def _hand_on_number(self, new: NewInstance, holder: str) -> None:
        """The image came again before this file was looked at: its exam keeps the number that people know."""
        held = self._instances.get(holder)
        if held is not None and self._studies.get(held.study_key).identity == new.study:
            self._studies.give_numbers({held.study_key: new.exam_number})

    def _same(self, new: NewInstance, holder: UidHolder) -> bool:
        """Whether the file of `holder` is there and has the same content."""
        theirs, ours = self._spool.path(holder.spool_name), self._spool.path(new.spool_name)
        if not theirs.exists():
            return False
        return content_digest(theirs, holder.byte_count) == content_digest(ours, new.byte_count)

    # ------------------------------------------------------------ what readers made

    def _adopt_object(self, name: str, _wrapped: str | None) -> None:
        if not self._spool.path(name).exists() or self._known([name]):
            return  # taken up with its instance
        record = read_record(self._spool.path(name))
        delivery = self._delivery_of(name)
        if delivery is None or not isinstance(record, Production):
            self._lay_aside(name, "damaged")
        elif self._deliveries.sends(delivery.sop_instance_uid, name):
            return  # to others than the one whose delivery it is named after, and who was given up
        elif record.instance_id is not None:
            self._give_back(record.instance_id, delivery)
        elif self._is_current(record) and delivery.destinations and self._deliveries.add(delivery, record.study_key):
            self._studies.objects_restored(record.study_key)
            self._with_objects.add(record.study_key)
            self._count.adopted += 1
        else:  # the report that it belongs to is made again, and this object with it
            self._spool.remove(name)

    def _delivery_of(self, name: str) -> NewDelivery | None:
        """How the object in a spool file is owed; None if the file does not hold."""
        path = self._spool.path(name)
        record = read_record(path)
        if not isinstance(record, Production) or not content_holds(path, record):
            return None
        kind = DELIVERED_AS[record.role]
        with self._journal.transaction() as connection:
            exam = exam_of(connection, record.study_key)
        return NewDelivery(
            id=Path(name).stem,
            kind=kind,
            destinations=self._recipients.of_exam(kind, exam.modalities, urgent=exam.urgent),
            sop_class_uid=record.sop_class_uid,
            sop_instance_uid=record.sop_instance_uid,
            spool_name=name,
            byte_count=record.byte_count,
            file_digest=record.digest,
            posted=True,
        )

    def _give_back(self, instance_id: str, wrapped: NewDelivery) -> None:
        """A picture that was wrapped in DICOM is owed in that form."""
        name = wrapped.spool_name or ""
        if self._instances.get(instance_id) is None:
            self._lay_aside(name, "unknown")
        elif self._instances.owe_wrapped(instance_id, wrapped):
            self._count.adopted += 1
        else:  # it is owed already, or not at all; the picture itself is kept
            self._spool.remove(name)

    def _is_current(self, record: Production) -> bool:
        study = self._studies.find(record.study_key)
        return study is not None and study.version >= (record.version or 0)

    # ------------------------------------------------------------ reports

    def _rendered_with(self, new: NewInstance) -> RenderedReport | None:
        """The report that was rendered of the study of an instance which is about to be added."""
        study = self._studies.of(new.study)
        return self._look(study.key if study is not None else new.id)

    def _look(self, key: str) -> RenderedReport | None:
        """None too when it cannot be read: then a new report is made."""
        if self._looked_at[0] != key:
            try:
                self._looked_at = (key, self._rendered(key))
            except OSError:
                self._looked_at = (key, None)
        return self._looked_at[1]

    def _restore_report(self, study: StudyRecord, rendered: RenderedReport | None) -> None:
        """Take over what the study's report folder shows, so that the next version is newer."""
        if rendered is not None and rendered.version > study.version:
            self._studies.restore(
                study.key, rendered.version, rendered.row, urgent=rendered.urgent, readings=rendered.readings
            )
            self._on_adopted()


def _reading_in(rendered: RenderedReport | None, instance_id: str) -> ImageReading | None:
    """The reading of an instance that was read and is rendered. One that has no picture is soon read again."""
    readings = rendered.readings if rendered else ()
    return next((one for one in readings if one.instance_id == instance_id and one.plain is not None), None)
