"""What is agreed on when an association begins (PS3.8 Section 7.1). Runs in the main process."""

from dataclasses import dataclass

from pydicom.uid import UID
from pynetdicom import PYNETDICOM_IMPLEMENTATION_UID
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import A_ASSOCIATE, ImplementationClassUIDNotification, MaximumLengthNotification
from pynetdicom.presentation import PresentationContext
from pynetdicom.service_class import ServiceClass, StorageServiceClass
from pynetdicom.sop_class import uid_to_service_class

from leapfrog.intake.header import DEFLATED_SYNTAXES
from leapfrog.intake.upper_layer import AbortReason, ProtocolViolation

# Larger ones gain nothing (measured), and DCMTK never sends more than 128 KiB.
MAXIMUM_PDU_BYTES = 256 * 1024
VERIFICATION = "1.2.840.10008.1.1"
APPLICATION_CONTEXT_NAME = "1.2.840.10008.3.1.1.1"

ACCEPTED = 0
ABSTRACT_SYNTAX_NOT_SUPPORTED = 3
TRANSFER_SYNTAXES_NOT_SUPPORTED = 4

# Uncompressed before compressed, as Orthanc and DCMTK choose: a machine that offers both in one breath might otherwise
# compress for us what it has in full. Machines that cannot decompress offer their syntax alone.
PREFERRED_SYNTAXES = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2")
BIG_ENDIAN = "1.2.840.10008.1.2.2"


@dataclass(frozen=True)
class AcceptedContext:
    """A presentation context that the box accepted."""

    sop_class_uid: str
    transfer_syntax_uid: str

    @property
    def is_storage(self) -> bool:
        """Whether instances may be sent in it."""
        return self.sop_class_uid != VERIFICATION


class AssociationRequest:
    """A peer's wish for an association."""

    def __init__(self, pdu: bytes) -> None:
        """Decode the A-ASSOCIATE-RQ `pdu`. Raises ProtocolViolation when it is not one."""
        request = A_ASSOCIATE_RQ()
        try:
            request.decode(pdu)
            self._primitive: A_ASSOCIATE = request.to_primitive()
            self._results = [_result(context) for context in self._primitive.presentation_context_definition_list]
        except Exception as problem:  # pynetdicom raises what its parts happen to raise
            raise ProtocolViolation(AbortReason.INVALID_PARAMETER_VALUE) from problem

    @property
    def calling_ae_title(self) -> str:
        """Who calls, by its own account: a label, not a proof."""
        return str(self._primitive.calling_ae_title).strip()

    def contexts(self) -> dict[int, AcceptedContext]:
        """The accepted presentation contexts by their id."""
        return {
            result.context_id: AcceptedContext(str(result.abstract_syntax), str(result.transfer_syntax[0]))
            for result in self._results
            if result.result == ACCEPTED and result.context_id is not None
        }

    def accept_pdu(self) -> bytes:
        """The A-ASSOCIATE-AC that answers it.

        Roles, user identities and asynchronous operations are not answered, which by PS3.7 Annex D means the defaults.
        """
        answer = A_ASSOCIATE()
        answer.application_context_name = UID(APPLICATION_CONTEXT_NAME)
        answer.calling_ae_title = self._primitive.calling_ae_title
        answer.called_ae_title = self._primitive.called_ae_title
        answer.result = 0x00
        answer.result_source = 0x01
        answer.presentation_context_definition_results_list = self._results
        maximum_length = MaximumLengthNotification()
        maximum_length.maximum_length_received = MAXIMUM_PDU_BYTES
        implementation = ImplementationClassUIDNotification()
        implementation.implementation_class_uid = UID(PYNETDICOM_IMPLEMENTATION_UID)
        answer.user_information = [maximum_length, implementation]
        return bytes(A_ASSOCIATE_AC(answer).encode())


def _result(requested: PresentationContext) -> PresentationContext:
    """Every SOP class that is not known to be another service counts as storage: private ones and new ones come too."""
    result = PresentationContext()
    result.context_id = requested.context_id
    result.abstract_syntax = requested.abstract_syntax
    usable = sorted(
        (syntax for syntax in requested.transfer_syntax if syntax not in DEFLATED_SYNTAXES), key=_preference
    )
    result.transfer_syntax = [(usable or requested.transfer_syntax)[0]]
    if not _is_served(str(requested.abstract_syntax)):
        result.result = ABSTRACT_SYNTAX_NOT_SUPPORTED
    else:
        result.result = ACCEPTED if usable else TRANSFER_SYNTAXES_NOT_SUPPORTED
    return result


def _preference(transfer_syntax: str) -> int:
    if transfer_syntax in PREFERRED_SYNTAXES:
        return PREFERRED_SYNTAXES.index(transfer_syntax)
    return len(PREFERRED_SYNTAXES) + (transfer_syntax == BIG_ENDIAN)


def _is_served(abstract_syntax: str) -> bool:
    return abstract_syntax == VERIFICATION or uid_to_service_class(abstract_syntax) in (
        StorageServiceClass,
        ServiceClass,
    )
