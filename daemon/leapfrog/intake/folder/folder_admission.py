"""Admits what the child has copied out of one watched folder: spool and journal, and never the folder itself."""

import logging
import traceback
from pathlib import Path, PurePath

from leapfrog.errors import ForgottenOnRequest, StorageError
from leapfrog.intake.admission import Admission
from leapfrog.intake.folder.conversation import Admitted, Copied, MainMessage, NoRoom, NotAdmitted, NotCopied, Room
from leapfrog.intake.folder.picture_identity import PictureIdentities
from leapfrog.intake.instance_header import read_header
from leapfrog.language.sentence import sentence
from leapfrog.problem import Problems
from leapfrog.state.journal import new_id
from leapfrog.state.spool import Spool

STORAGE_MATTER = "storage"
FULL_FOR_STAFF = sentence("The disk of this box is full: new pictures wait in their folder. Tell the technician now.")

_log = logging.getLogger(__name__)


class FolderAdmission:
    """One file at a time. For one thread."""

    def __init__(
        self, root: Path, admission: Admission, spool: Spool, identities: PictureIdentities, problems: Problems
    ) -> None:
        """What is wrong is noted in `problems`."""
        self._root = root
        self._admission = admission
        self._spool = spool
        self._identities = identities
        self._problems = problems
        self._incoming: Path | None = None

    def make_room(self, byte_count: int) -> MainMessage:
        """Where the child may copy a file of this size."""
        self.clean_up()
        try:
            self._spool.require_space(byte_count)
        except (StorageError, OSError) as problem:
            self._note_storage(problem)
            return NoRoom()
        self._incoming = self._spool.incoming / new_id()
        return Room(path=self._incoming)

    def not_copied(self, message: NotCopied) -> None:
        """The child gave up its copy."""
        self.clean_up()
        if message.reason:
            self._spool.note_failure(OSError(message.error_number, message.reason))
            self._note_storage(StorageError(message.reason))

    def admit(self, message: Copied) -> MainMessage:
        """Make the file durable, known and owed."""
        incoming, self._incoming = self._incoming, None
        if incoming is None:
            return NotAdmitted(later=True)
        try:
            self._admit(incoming, message)
        except StorageError as problem:
            self._note_storage(problem)
            return NotAdmitted(later=True)
        except ForgottenOnRequest as problem:
            # It is not put away either: it may have been corrected, and be the only one.
            _log.warning("%s", problem)
            return NotAdmitted(later=False)
        except Exception as problem:
            # One file must not block all the others. The exception's own text may name a patient, so it is not logged.
            trace = "".join(traceback.format_tb(problem.__traceback__))
            _log.error("A file in %s could not be taken: %s:\n%s", self._root, type(problem).__name__, trace)
            return NotAdmitted(later=False)
        finally:
            incoming.unlink(missing_ok=True)
        self._problems.clear(STORAGE_MATTER)
        return Admitted()

    def _admit(self, incoming: Path, message: Copied) -> None:
        source, file = f"folder {self._root}", message.file
        if message.picture:
            picture = self._identities.identity(PurePath(file.path).name)
            hints = self._identities.hints(Path(file.path))
            self._admission.admit_picture(incoming, picture, hints, source, file, file.file_digest)
        else:
            header = read_header(incoming, self._admission.assumed_character_set)
            self._admission.admit_dicom(incoming, header, source, file, file.file_digest)

    def clean_up(self) -> None:
        """Remove what the child has left behind."""
        incoming, self._incoming = self._incoming, None
        if incoming is not None:
            incoming.unlink(missing_ok=True)

    def _note_storage(self, problem: Exception) -> None:
        what = f"New files in {self._root} cannot be taken and stay there for now: {problem}"
        remedy = "Make room on the disk of the state directory."
        if self._problems.add(STORAGE_MATTER, what, remedy, for_staff=FULL_FOR_STAFF, cannot_wait=True):
            _log.warning("%s", what)
