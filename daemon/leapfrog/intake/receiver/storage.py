"""C-STORE (PS3.4 Annex B): an instance is written to the disk while it arrives, and the response says whether it was
stored.
"""

import contextlib
import errno
import logging
import os
import traceback

from leapfrog.dicom.part10 import file_head
from leapfrog.durable import begin_writing_out
from leapfrog.errors import DiskFull, LeapfrogError
from leapfrog.intake.admission import Admission
from leapfrog.intake.instance_header import InstanceHeader, read_header
from leapfrog.intake.receiver.dimse import Command, DimseStatus
from leapfrog.intake.receiver.negotiation import PresentationContext
from leapfrog.intake.receiver.peer_log import PeerLog
from leapfrog.spool_file.digest import new_digest
from leapfrog.state.journal import new_id
from leapfrog.state.spool import Spool

# Checked while an instance arrives, so that a cine loop that would fill the disk is stopped early.
SPACE_CHECK_BYTES = 16 * 1024 * 1024
WRITE_OUT_BYTES = 1024 * 1024  # the kernel starts writing after each block of this size, while the rest arrives
HEAD_BYTES = 16 * 1024  # kept in memory, since the header of most instances ends within them

_log = logging.getLogger(__name__)


class Discarded:
    """A data set that is not kept, but must be read to the end because the peer sends it anyway."""

    def __init__(self, status: DimseStatus) -> None:
        """`status` is returned to the peer."""
        self._status = status

    def write(self, piece: memoryview) -> None:
        """Do nothing."""

    def finish(self) -> DimseStatus:
        """The status from the start."""
        return self._status

    def abandon(self) -> None:
        """Do nothing."""


class ArrivingInstance:
    """One instance on its way to the disk. No method raises: any failure shows in the status."""

    def __init__(
        self,
        admission: Admission,
        spool: Spool,
        log: PeerLog,
        command: Command,
        context: PresentationContext,
        source: str,
    ) -> None:
        """Create the file. Raises OSError when that fails."""
        self._log = log
        self._admission = admission
        self._spool = spool
        self._command = command
        self._source = source
        self._path = spool.incoming / f"{new_id()}.dcm"
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        self._is_open = True
        self._is_gone = False
        self._refused: DimseStatus | None = None
        self._digest = new_digest()
        self._head = bytearray()
        self._byte_count = 0
        self._checked_bytes = 0
        self._written_out_bytes = 0
        head = file_head(command.sop_class_uid, command.sop_instance_uid, context.transfer_syntax_uid.encode("ascii"))
        self.write(memoryview(head))

    def write(self, piece: memoryview) -> None:
        """Write `piece` to the file. After a failure the rest is ignored."""
        if self._refused is not None:
            return
        try:
            if self._byte_count < HEAD_BYTES:
                self._head += piece[: HEAD_BYTES - self._byte_count]
            self._byte_count += len(piece)
            self._digest.update(piece)  # as the bytes came, not as the disk gives them back
            while piece:
                piece = piece[os.write(self._descriptor, piece) :]
            if self._byte_count - self._written_out_bytes >= WRITE_OUT_BYTES:
                begin_writing_out(self._descriptor, self._written_out_bytes, self._byte_count - self._written_out_bytes)
                self._written_out_bytes = self._byte_count
            if self._byte_count - self._checked_bytes >= SPACE_CHECK_BYTES:
                self._spool.require_space()
                self._checked_bytes = self._byte_count
        except (LeapfrogError, OSError) as problem:
            self._refuse(problem)

    def finish(self) -> DimseStatus:
        """Admit the instance. Returns SUCCESS once it is durable, otherwise why it is not kept."""
        if self._refused is not None:
            return self._refused
        try:
            self._close()
            return self._admit(read_header(self._path, self._admission.assumed_character_set, bytes(self._head)))
        except (LeapfrogError, OSError) as problem:
            return self._refuse(problem)
        except Exception as problem:  # the other instances go on, and this one is not lost: the peer keeps it
            trace = "".join(traceback.format_tb(problem.__traceback__))
            _log.error("Storing an instance failed with %s:\n%s", type(problem).__name__, trace)
            return DimseStatus.OUT_OF_RESOURCES
        finally:
            self.abandon()

    def _admit(self, header: InstanceHeader) -> DimseStatus:
        if not header.has_identity:
            self._say_refused("its data set cannot be understood.")
            return DimseStatus.CANNOT_UNDERSTAND
        announced = (_text(self._command.sop_class_uid), _text(self._command.sop_instance_uid))
        if (header.sop_class_uid, header.sop_instance_uid) != announced:
            self._say_refused("the UIDs in its data set differ from those in the C-STORE command.")
            return DimseStatus.DATA_SET_DOES_NOT_MATCH_SOP_CLASS
        self._admission.admit_dicom(self._path, header, self._source, file_digest=self._digest.hexdigest())
        self._is_gone = True
        return DimseStatus.SUCCESS

    def _refuse(self, problem: LeapfrogError | OSError) -> DimseStatus:
        if isinstance(problem, OSError):
            self._spool.note_failure(problem)
        self._say_refused(_reason(problem))
        self._refused = DimseStatus.OUT_OF_RESOURCES
        self.abandon()  # at once, because the disk needs the space
        return self._refused

    def _say_refused(self, reason: str) -> None:
        _say_refused(self._log, self._source, reason)

    def abandon(self) -> None:
        """Remove the file from `incoming`, if it is still there: the rest will not come or is not wanted."""
        with contextlib.suppress(OSError):
            self._close()
        if not self._is_gone:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._is_open:
            self._is_open = False
            os.close(self._descriptor)


DataSink = Discarded | ArrivingInstance  # receives the data set of one message


class Storage:
    """The storage service, for all associations."""

    def __init__(self, admission: Admission, spool: Spool, log: PeerLog) -> None:
        """Instances go through `spool.incoming` to `admission`."""
        self._admission = admission
        self._spool = spool
        self._log = log

    def begin(self, command: Command, context: PresentationContext, source: str) -> DataSink:
        """The sink for the data set of the C-STORE request `command`. On a full disk it discards everything."""
        try:
            self._spool.require_space()
            return ArrivingInstance(self._admission, self._spool, self._log, command, context, source)
        except (LeapfrogError, OSError) as problem:
            if isinstance(problem, OSError):
                self._spool.note_failure(problem)
            _say_refused(self._log, source, _reason(problem))
            return Discarded(DimseStatus.OUT_OF_RESOURCES)


def _say_refused(log: PeerLog, source: str, reason: str) -> None:
    """Log why an instance from `source`, AE title@address, was refused."""
    log.write(source.rpartition("@")[2], logging.WARNING, f"An instance from {source} was refused: {reason}")


def _text(uid: bytes) -> str:
    return uid.decode("ascii", "replace")


def _reason(problem: LeapfrogError | OSError) -> str:
    if isinstance(problem, OSError):
        return str(DiskFull("The disk is full.")) if problem.errno == errno.ENOSPC else str(problem.strerror)
    return str(problem)
