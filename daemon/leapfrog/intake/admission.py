"""The one way in: turns a file in the spool's `incoming` into an instance that is durable, known and owed."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from leapfrog.dicom.part10 import content_digest
from leapfrog.dicom.uids import is_forwardable_uid, mint_uid
from leapfrog.errors import ForgottenOnRequest, StorageError
from leapfrog.exam import PictureHints, PictureIdentity
from leapfrog.intake.instance_header import InstanceHeader
from leapfrog.spool_file.checked import file_problem
from leapfrog.spool_file.content import open_content
from leapfrog.spool_file.digest import digest_of
from leapfrog.state.arrivals import ArrivalNumbers, record_of
from leapfrog.state.exam_numbers import ExamNumbers
from leapfrog.state.folder_files import FolderFiles
from leapfrog.state.forgotten_list import ForgottenList
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal, new_id, now_text
from leapfrog.state.records import FolderFile, NewInstance, StudyIdentity, UidHolder
from leapfrog.state.spool import Spool
from leapfrog.state.spooled_files import SpooledFiles
from leapfrog.state.studies_in_use import ARRIVALS

SECONDARY_CAPTURE_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.7"

_log = logging.getLogger(__name__)


class Admission:
    """Makes each instance durable, exactly once. Any thread may call it."""

    def __init__(
        self,
        journal: Journal,
        spool: Spool,
        numbers: ExamNumbers,
        owed_to: tuple[str, ...],
        on_received: Callable[[], None],
        maybe_sent: Callable[[], bool] = lambda: False,
        assumed_character_set: str = "",
    ) -> None:
        """`numbers` gives exams theirs. `owed_to`: the destinations that get the originals. `on_received` is called
        after each new instance. `maybe_sent`: whether an image that arrives now may have been here, and sent, before.
        `assumed_character_set`: of text that does not say rightly how it is encoded.
        """
        self.assumed_character_set = assumed_character_set
        self._journal = journal
        self._instances = Instances(journal)
        self._folder_files = FolderFiles(journal)
        self._files = SpooledFiles(journal)
        self._list = ForgottenList(journal)
        self._arrivals = ArrivalNumbers(self._instances.last_arrival())
        self._spool = spool
        self._numbers = numbers
        self._owed_to = owed_to
        self._on_received = on_received
        self._maybe_sent = maybe_sent

    def admit_dicom(
        self,
        incoming: Path,
        header: InstanceHeader,
        source: str,
        folder_file: FolderFile | None = None,
        file_digest: str = "",
    ) -> str:
        """Admit the DICOM file `incoming`, which is in `spool.incoming`. Returns the instance's id once it is durable.
        Whoever wrote the file knows its `file_digest`; where that is "", the file is read for it.

        An instance that arrives again with the same SOP Instance UID and content is kept once, under its first id. If
        the content differs, or the UID is one that no server could store, the instance is kept and forwarded under a
        new UID. Raises StorageError (DiskFull) if it cannot be made durable; then nothing of it is kept, and `incoming`
        may be gone.
        """
        new = NewInstance(
            id=new_id(),
            spool_name="",
            byte_count=incoming.stat().st_size,
            file_digest=file_digest,
            source=source,
            study=header.study,
            sop_instance_uid=header.sop_instance_uid,
            sop_class_uid=header.sop_class_uid,
            owed_to=self._owed_to if header.sop_instance_uid else (),
            frame_count=header.frame_count,
            forward_as=None
            if not header.sop_instance_uid or is_forwardable_uid(header.sop_instance_uid)
            else mint_uid(),
            folder_file=folder_file,
        )
        return self._admit(incoming, replace(new, spool_name=f"{new.id}.dcm"))

    def admit_picture(
        self,
        incoming: Path,
        picture: PictureIdentity,
        hints: PictureHints,
        source: str,
        folder_file: FolderFile | None = None,
        file_digest: str = "",
    ) -> str:
        """Admit the picture `incoming`, which is not DICOM. A reader will wrap it, and the wrapped object is owed.

        `file_digest` is as for `admit_dicom`. Raises StorageError (DiskFull) like it.
        """
        new = NewInstance(
            id=new_id(),
            spool_name="",
            byte_count=incoming.stat().st_size,
            file_digest=file_digest,
            source=source,
            study=_study_of(picture),
            sop_instance_uid=picture.sop_instance_uid,
            sop_class_uid=SECONDARY_CAPTURE_IMAGE_STORAGE,
            picture=picture,
            hints=hints,
            folder_file=folder_file,
        )
        return self._admit(incoming, replace(new, spool_name=f"{new.id}.picture"))

    def _admit(self, incoming: Path, new: NewInstance) -> str:
        with self._journal.in_use.using(ARRIVALS):
            self._require_not_forgotten(incoming, new)
            return self._keep(incoming, new)

    def _require_not_forgotten(self, incoming: Path, new: NewInstance) -> None:
        """Raise ForgottenOnRequest if a file in a watched folder is an image of an exam that a person had forgotten: it
        lay there still, or came back on a stick. Who sends it over the network wants it here.
        """
        if new.folder_file is None:
            return
        digest = new.file_digest or self._file_digest(incoming)
        forgotten = self._list.in_folder(
            new.folder_file.path, new.sop_instance_uid, new.study, digest, is_dicom=new.picture is None
        )
        if forgotten is not None:
            raise ForgottenOnRequest(
                f"A file in a watched folder is image {forgotten} of an exam that was forgotten on request: it is not"
                " taken, and stays there. If it is wanted again, send it from the machine that made it."
            )

    def _keep(self, incoming: Path, new: NewInstance) -> str:
        self._spool.require_space()
        new = replace(
            new,
            arrival=self._arrivals.next(),
            received_at=now_text(),
            maybe_sent=self._maybe_sent(),
            exam_number=self._numbers.of(new.study),
            file_digest=new.file_digest or self._file_digest(incoming),
        )
        self._spool.adopt(incoming, new.spool_name, record_of(new))
        try:
            holder_id = self._record(new)
        except BaseException:
            # When the journal broke in mid-write, the next start may still find the row, and then needs its file. If
            # there is no row, that start makes one: it does no harm that nobody was told.
            if not self._journal.broken:
                self._spool.remove(new.spool_name)
            raise
        if holder_id is None:
            if not new.exam_number:
                with suppress(StorageError):  # the image is kept all the same; the next start gives its exam a number
                    self._numbers.give_missing()
            self._on_received()
            return new.id
        self._spool.remove(new.spool_name)
        if new.folder_file:
            self._folder_files.remember(new.folder_file, holder_id)
        return holder_id

    def _record(self, new: NewInstance) -> str | None:
        """Write `new` to the journal and return None. If an instance has the same UID and content, write nothing and
        return its id.
        """
        compared: set[str] = set()
        digest = ""
        while holders := self._instances.add(new, compared):
            digest = digest or self._dataset_digest(new.spool_name, new.byte_count)
            same = next((holder for holder in holders if self._is_same(holder, new, digest)), None)
            if same is not None:
                if self._holds(same, new, digest):
                    return same.id
                continue  # it was deleted meanwhile
            compared.update(holder.id for holder in holders)
            if new.forward_as is None:
                new = replace(new, forward_as=mint_uid())
                self._spool.rewrite_record(new.spool_name, record_of(new))
        if compared:
            _log.warning(
                "Instance %s of exam %s has the UID of another instance but different content: it is forwarded under a"
                " new UID.",
                new.id,
                new.exam_number,
            )
        return None

    # ------------------------------------------------------------ what is here already

    def _is_same(self, holder: UidHolder, new: NewInstance, digest: str) -> bool:
        """Whether `holder` was received with the content of `new`, whose data set has that `digest`. False too when
        nothing proves it, because its file is gone and no digest was noted.
        """
        if holder.dataset_sha256 == digest or self._has_digest_of(holder, new):
            return True
        if holder.dataset_sha256 or not self._spool.path(holder.spool_name).exists():
            return False
        return self._dataset_digest(holder.spool_name, holder.byte_count) == digest

    def _has_digest_of(self, holder: UidHolder, new: NewInstance) -> bool:
        """Whether the content of `new` has the digest of `holder`, of whatever kind that is."""
        if len(holder.file_digest) == len(new.file_digest):
            return holder.file_digest == new.file_digest
        if not holder.file_digest or holder.byte_count != new.byte_count:
            return False
        try:
            with open_content(self._spool.path(new.spool_name), new.byte_count) as stream:
                return digest_of(stream, holder.file_digest) == holder.file_digest
        except OSError as problem:
            raise StorageError(f"A spool file cannot be read: {problem.strerror}.") from problem

    def _holds(self, holder: UidHolder, new: NewInstance, digest: str) -> bool:
        """Whether `holder` still holds what it received, after its file was repaired with the bytes of `new` if it is
        missing or damaged. False when the instance itself is not there any more.
        """
        if self._is_whole(holder, digest):
            return self._files.arrived_again(holder.id)
        arrival = self._files.arrival_of(holder.id)
        if arrival is None:
            return False
        whole = replace(arrival, byte_count=new.byte_count, file_digest=new.file_digest)
        self._spool.replace(holder.spool_name, new.spool_name, record_of(whole))
        if not self._files.repaired(holder.id, whole.byte_count, whole.file_digest, digest):
            self._spool.remove(holder.spool_name)
            raise StorageError("The instance was deleted while it was being repaired; it must be sent again.")
        _log.warning(
            "The spool file of instance %s of exam %s was missing or damaged; a resend repaired it.",
            holder.id,
            arrival.exam_number,
        )
        self._on_received()
        return True

    def _is_whole(self, holder: UidHolder, digest: str) -> bool:
        """Whether the file of `holder` is what it was; where nobody took its digest, whether it has that data set."""
        path = self._spool.path(holder.spool_name)
        if holder.file_digest:
            return file_problem(path, holder.byte_count, holder.file_digest) is None
        try:
            return content_digest(path, holder.byte_count) == digest
        except OSError:
            return False

    def _dataset_digest(self, spool_name: str, byte_count: int) -> str:
        try:
            return content_digest(self._spool.path(spool_name), byte_count)
        except OSError as problem:
            raise StorageError(f"A spool file cannot be read: {problem.strerror}.") from problem

    @staticmethod
    def _file_digest(incoming: Path) -> str:
        try:
            with incoming.open("rb") as stream:
                return digest_of(stream)
        except OSError as problem:
            raise StorageError(f"A file that arrived cannot be read: {problem.strerror}.") from problem


def _study_of(picture: PictureIdentity) -> StudyIdentity:
    return StudyIdentity(study_instance_uid=picture.study_instance_uid, patient_id=picture.patient_id)
