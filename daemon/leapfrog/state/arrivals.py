"""An instance as it is handed from the intake to the journal, and the same as the record in its spool file."""

import threading
import time

from leapfrog.exam_number import is_exam_number
from leapfrog.spool_file.record import Arrival, TakenFile
from leapfrog.state.records import FolderFile, NewInstance, StudyIdentity


class ArrivalNumbers:
    """Numbers for instances in the order in which they arrive. Any thread may call it.

    A number is the clock's microseconds, or one more than the last where the clock is behind. So it is larger than
    every earlier one even where the journal that knew the last one is gone, unless the clock is wrong as well.
    """

    def __init__(self, last: int) -> None:
        """`last` is the largest number so far; 0 for none."""
        self._lock = threading.Lock()
        self._last = last

    def next(self) -> int:
        """The next number."""
        with self._lock:
            self._last = max(self._last + 1, time.time_ns() // 1000)
            return self._last


def record_of(new: NewInstance) -> Arrival:
    """What the spool file of `new` says of itself."""
    file = new.folder_file
    return Arrival(
        id=new.id,
        arrival=new.arrival or 0,
        received_at=new.received_at,
        source=new.source,
        study_instance_uid=new.study.study_instance_uid,
        patient_id=new.study.patient_id,
        issuer_of_patient_id=new.study.issuer_of_patient_id,
        exam_number=new.exam_number,
        sop_class_uid=new.sop_class_uid,
        sop_instance_uid=new.sop_instance_uid,
        forward_as=new.forward_as,
        picture=new.picture,
        hints=new.hints,
        taken_file=TakenFile(path=file.path, byte_count=file.byte_count, modified_ns=file.modified_ns, inode=file.inode)
        if file
        else None,
        byte_count=new.byte_count,
        digest=new.file_digest,
    )


def instance_of(record: Arrival, spool_name: str, *, owed_to: tuple[str, ...], frame_count: int = 1) -> NewInstance:
    """The instance that the spool file `spool_name` says that it is. `owed_to`: the destinations that are to get the
    originals; they may have got this one. `frame_count` stands in its content, not in the record.
    """
    file = record.taken_file
    return NewInstance(
        id=record.id,
        arrival=record.arrival,
        received_at=record.received_at,
        spool_name=spool_name,
        byte_count=record.byte_count,
        file_digest=record.digest,
        source=record.source,
        study=StudyIdentity(
            study_instance_uid=record.study_instance_uid,
            patient_id=record.patient_id,
            issuer_of_patient_id=record.issuer_of_patient_id,
        ),
        exam_number=record.exam_number if is_exam_number(record.exam_number) else "",
        sop_instance_uid=record.sop_instance_uid,
        sop_class_uid=record.sop_class_uid,
        owed_to=owed_to if record.sop_instance_uid and record.picture is None else (),
        maybe_sent=True,
        forward_as=record.forward_as,
        picture=record.picture,
        hints=record.hints,
        folder_file=FolderFile(
            path=file.path,
            byte_count=file.byte_count,
            modified_ns=file.modified_ns,
            inode=file.inode,
            file_digest=record.digest,
        )
        if file
        else None,
        frame_count=frame_count,
    )
