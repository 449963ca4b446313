"""An archive that is asked for storage commitment, and does with the question what a test says."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom import AE, build_role, evt

from support.archives import EXPLICIT, IMPLICIT, SECONDARY_CAPTURE, VERIFICATION, MadeUpArchive, made_up_archive

PUSH_MODEL = "1.2.840.10008.1.20.1"
PUSH_MODEL_INSTANCE = "1.2.840.10008.1.20.1.1"

Pair = tuple[str, str]  # SOP Class UID and SOP Instance UID


@dataclass
class Question:
    """One N-ACTION, as it came, and the association over which it came."""

    transaction_uid: str
    pairs: list[Pair]
    association: Any


@dataclass
class PromisingArchive:
    """`questions` are those that it was asked; `status` is how it answers the next, unless `status_of` says it."""

    archive: MadeUpArchive
    questions: list[Question] = field(default_factory=list)
    status: int = 0x0000
    status_of: Callable[[Question], int] | None = None

    def answer(self, question: Question) -> int:
        return self.status_of(question) if self.status_of else self.status

    @property
    def port(self) -> int:
        return self.archive.port


@contextmanager
def promising_archive(on_question: Callable[[Question], None] = lambda _question: None) -> Iterator[PromisingArchive]:
    """An archive called ARCHIVE. `on_question` is called once the question was answered."""
    holder: list[PromisingArchive] = []

    def on_action(event: Any) -> tuple[int, None]:
        information = event.action_information
        pairs = [
            (str(item.ReferencedSOPClassUID), str(item.ReferencedSOPInstanceUID))
            for item in information.ReferencedSOPSequence
        ]
        question = Question(str(information.TransactionUID), pairs, event.assoc)
        holder[0].questions.append(question)
        return holder[0].answer(question), None

    def on_sent(event: Any) -> None:
        if event.message.__class__.__name__ == "N_ACTION_RSP" and (
            holder[0].answer(question := holder[0].questions[-1]) == 0x0000
        ):
            on_question(question)

    contexts: dict[str, Sequence[str]] = {
        VERIFICATION: [IMPLICIT],
        SECONDARY_CAPTURE: [EXPLICIT, IMPLICIT],
        PUSH_MODEL: [EXPLICIT, IMPLICIT],
    }
    handlers = [(evt.EVT_N_ACTION, on_action), (evt.EVT_DIMSE_SENT, on_sent)]
    with made_up_archive(contexts=contexts, handlers=handlers) as archive:
        holder.append(PromisingArchive(archive))
        yield holder[0]


def event_information(transaction_uid: str, kept: Sequence[Pair], failed: dict[Pair, int] | None = None) -> Dataset:
    """What an N-EVENT-REPORT says."""
    information = Dataset()
    information.TransactionUID = transaction_uid
    if kept:
        information.ReferencedSOPSequence = [_item(pair) for pair in kept]
    if failed:
        information.FailedSOPSequence = [_item(pair, reason) for pair, reason in failed.items()]
    return information


def _item(pair: Pair, reason: int | None = None) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = pair
    if reason is not None:
        item.FailureReason = reason
    return item


def call_back(
    box_port: int,
    information: Dataset,
    *,
    ae_title: str = "ARCHIVE",
    event_type: int = 1,
    role: bool = True,
    bind_address: str = "127.0.0.1",
) -> int:
    """Report to a box over an association of its own. Returns the status, -1 where there was none."""
    entity = AE(ae_title)
    entity.add_requested_context(PUSH_MODEL, [EXPLICIT, IMPLICIT])
    association = entity.associate(
        "127.0.0.1",
        box_port,
        ae_title="LEAPFROG",
        ext_neg=[build_role(PUSH_MODEL, scp_role=True)] if role else None,
        bind_address=(bind_address, 0),
    )
    assert association.is_established
    assert not role or association.accepted_contexts[0].as_scp
    status, _ = association.send_n_event_report(information, event_type, PUSH_MODEL, PUSH_MODEL_INSTANCE)
    if association.is_established:
        association.release()
    return int(status.get("Status", -1))
