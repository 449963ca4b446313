"""Whether an instance is kept: by the journal, and by the bytes that the disk gives back."""

from leapfrog.dicom.commitment import FailureReason, Reference
from leapfrog.dicom.uids import is_forwardable_uid, is_storage_class
from leapfrog.state.journal import Journal
from leapfrog.state.known_instances import ForgottenInstance, HeldInstance, KnownInstances
from leapfrog.state.spool import Spool
from leapfrog.state.spooled_files import SpooledFiles
from leapfrog.state.upkeep.instance_files import InstanceFiles, drop_from_cache


class Safekeeping:
    """Looks at one reference after the other."""

    def __init__(self, journal: Journal, spool: Spool) -> None:
        """Nothing is looked at yet."""
        self._known = KnownInstances(journal)
        self._spool = spool
        self._files = InstanceFiles(SpooledFiles(journal), spool)

    def reason_against(self, reference: Reference) -> FailureReason | None:
        """Why the box does not commit to an instance; None where it does.

        It does where it has that very instance, whole on its disk, or where the district confirmed it before it was
        deleted here. It does not where a person had it forgotten: nobody is to rely on that. Nor where different
        contents came under one UID: nobody could say which one is meant.
        """
        forgotten = self._known.forgotten(reference.sop_instance_uid)
        if forgotten is not None and forgotten.other_content:
            return FailureReason.PROCESSING_FAILURE
        held = self._known.held(reference.sop_instance_uid)
        if not held:
            return _reason_of_absent(reference, forgotten)
        if _is_ambiguous(reference, held):
            return FailureReason.PROCESSING_FAILURE
        if held[0].sop_class_uid != reference.sop_class_uid:
            return FailureReason.CLASS_INSTANCE_CONFLICT
        return None if self._is_whole(held[0]) else FailureReason.PROCESSING_FAILURE

    def _is_whole(self, instance: HeldInstance) -> bool:
        # What the kernel still has in memory says nothing of the disk.
        drop_from_cache(self._spool.path(instance.file.spool_name))
        return self._files.look(instance.file) is None


def _reason_of_absent(reference: Reference, forgotten: ForgottenInstance | None) -> FailureReason | None:
    if forgotten is not None and not forgotten.on_request:
        same = forgotten.sop_class_uid == reference.sop_class_uid
        return None if same else FailureReason.CLASS_INSTANCE_CONFLICT
    if not is_storage_class(reference.sop_class_uid):
        return FailureReason.REFERENCED_SOP_CLASS_NOT_SUPPORTED
    return FailureReason.NO_SUCH_OBJECT_INSTANCE


def _is_ambiguous(reference: Reference, held: list[HeldInstance]) -> bool:
    """Whether several contents came under one UID. One of them may be gone already. A UID that no server could store is
    replaced as well, but there is only one instance then.
    """
    return len(held) > 1 or (held[0].contested and is_forwardable_uid(reference.sop_instance_uid))
