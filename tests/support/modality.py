"""A machine that stores images and asks for storage commitment, with pynetdicom."""

import ssl
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid
from pynetdicom import AE, build_role, evt
from pynetdicom.association import Association

PUSH_MODEL = "1.2.840.10008.1.20.1"
PUSH_MODEL_INSTANCE = "1.2.840.10008.1.20.1.1"
SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]

Pair = tuple[str, str]  # SOP Class UID and SOP Instance UID


@dataclass(frozen=True)
class Told:
    """One N-EVENT-REPORT, as it came. `failed` has the Failure Reason of each."""

    event_type: int
    transaction_uid: str
    kept: tuple[Pair, ...]
    failed: dict[Pair, int]
    same_association: bool


class Modality:
    """One machine. Every report that it takes is in `told`."""

    def __init__(self, ae_title: str = "FILMROOM", *, answer: int = 0x0000, answers_role: bool = True) -> None:
        """`answer` is the status with which it answers reports. Without `answers_role` it does not take part in role
        selection, as many machines do not.
        """
        self.ae_title = ae_title
        self.answer = answer
        self.told: list[Told] = []
        self._answers_role = answers_role
        self._server: Any = None
        self._lock = threading.Lock()

    # ------------------------------------------------------------ as the SCU

    def associate(
        self,
        port: int,
        *storage_classes: str,
        syntaxes: Sequence[str] = SYNTAXES,
        proposes_role: bool = False,
        trusted: Path | None = None,
    ) -> Association:
        """An association with a box, for storage commitment and these SOP classes. With `proposes_role` it names the
        role that it has anyway; with `trusted`, a certificate, it uses TLS.
        """
        entity = AE(self.ae_title)
        for sop_class in (PUSH_MODEL, *storage_classes):
            entity.add_requested_context(sop_class, list(syntaxes))
        association = entity.associate(
            "127.0.0.1",
            port,
            ae_title="LEAPFROG",
            ext_neg=[build_role(PUSH_MODEL, scu_role=True)] if proposes_role else None,
            tls_args=(ssl.create_default_context(cafile=trusted), "127.0.0.1") if trusted else None,
            evt_handlers=[(evt.EVT_N_EVENT_REPORT, self._take, [True])],
        )
        assert association.is_established
        return association

    def ask(
        self,
        association: Association,
        references: Iterable[Pair],
        transaction_uid: str | None = None,
        *,
        action_type: int = 1,
        instance_uid: str = PUSH_MODEL_INSTANCE,
    ) -> tuple[int, str]:
        """Send an N-ACTION. Returns the status of its response, and the Transaction UID."""
        transaction_uid = transaction_uid or str(generate_uid())
        information = action_information(references, transaction_uid)
        status, _ = association.send_n_action(information, action_type, PUSH_MODEL, instance_uid)
        return int(status.Status), transaction_uid

    # ------------------------------------------------------------ as one that is called back

    def listen(self, port: int) -> Self:
        """Take reports on that port, until the end of the `with` block."""
        entity = AE(self.ae_title)
        roles = {"scu_role": False, "scp_role": True} if self._answers_role else {}
        entity.add_supported_context(PUSH_MODEL, SYNTAXES, **roles)
        self._server = entity.start_server(
            ("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, self._take, [False])]
        )
        return self

    def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server = None

    def _take(self, event: Any, same_association: bool) -> tuple[int, None]:
        information = event.event_information
        failed = {_pair(item): int(item.FailureReason) for item in information.get("FailedSOPSequence", [])}
        kept = tuple(_pair(item) for item in information.get("ReferencedSOPSequence", []))
        with self._lock:
            self.told.append(Told(event.event_type, str(information.TransactionUID), kept, failed, same_association))
        return self.answer, None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def action_information(references: Iterable[Pair], transaction_uid: str) -> Dataset:
    """The data set of an N-ACTION for storage commitment."""
    information = Dataset()
    information.TransactionUID = transaction_uid
    information.ReferencedSOPSequence = []
    for sop_class_uid, sop_instance_uid in references:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class_uid, sop_instance_uid
        information.ReferencedSOPSequence.append(item)
    return information


def _pair(item: Dataset) -> Pair:
    return str(item.ReferencedSOPClassUID), str(item.ReferencedSOPInstanceUID)
