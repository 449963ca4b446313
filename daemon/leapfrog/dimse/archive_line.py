"""The association with one archive: opened when it is needed, used again for whatever it has the contexts for, released
when nobody needs it any more.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import evt
from pynetdicom.association import Association

from leapfrog.dicom.commitment import PUSH_MODEL, PUSH_MODEL_INSTANCE
from leapfrog.dicom.uids import STUDY_ROOT_FIND
from leapfrog.dimse.connecting import associate, hang_up
from leapfrog.dimse.failure import CallFailed
from leapfrog.dimse.streamed import send_c_store
from leapfrog.processes.call_messages import (
    Answered,
    Archive,
    Commit,
    Context,
    Find,
    Found,
    Open,
    Opened,
    Reference,
    Report,
    Store,
)

REQUEST_COMMITMENT = 1  # Action Type ID (PS3.4 Section J.3.2.1)
SUCCESS, PROCESSING_FAILURE, INVALID_ARGUMENT = 0x0000, 0x0110, 0x0115
PENDING = (0xFF00, 0xFF01)
LARGEST_MESSAGE_ID = 0xFFFF
MOST_FOUND = 10  # of one instance there is one


class ArchiveLine:
    """At most one association. For one thread; reports come on another."""

    def __init__(self, take_report: Callable[[Report], bool]) -> None:
        """`take_report` returns whether a report of storage commitment was taken durably."""
        self._take_report = take_report
        self._association: Association | None = None
        self._archive: Archive | None = None
        self._proposed: set[Context] = set()
        self._response: Any = None
        self._message_id = 0

    @property
    def is_open(self) -> bool:
        """Whether there is an association, as far as is known."""
        return self._association is not None and bool(self._association.is_established)

    @property
    def idle_seconds(self) -> float:
        """After how long an association that nobody uses is released."""
        return self._archive.patience.idle_seconds if self._archive is not None else 0.0

    def open(self, request: Open) -> Opened:
        """See to an association with these contexts. Raises CallFailed."""
        is_new = not self.is_open or self._archive != request.archive or not self._proposed.issuperset(request.contexts)
        if is_new:
            self.release()
            handlers = [(evt.EVT_N_EVENT_REPORT, self._on_report), (evt.EVT_DIMSE_RECV, self._on_message)]
            self._association = associate(request.archive, request.contexts, handlers)
            self._archive, self._proposed = request.archive, set(request.contexts)
        return Opened(accepted=tuple(sorted(self._accepted(), key=_sorted_as)), is_new=is_new)

    def _accepted(self) -> set[Context]:
        accepted = self._require().accepted_contexts
        return {
            Context(sop_class_uid=str(one.abstract_syntax), transfer_syntax_uid=str(one.transfer_syntax[0]))
            for one in accepted
        } & self._proposed  # whoever accepts something else than was proposed accepts nothing

    def release(self) -> None:
        """End the association, as far as the archive lets us."""
        association, self._association = self._association, None
        if association is not None and association.is_established:
            association.release()

    def abort(self) -> None:
        """End the association at once."""
        association, self._association = self._association, None
        if association is not None:
            with suppress(Exception):  # it is of no use any more, whatever is wrong with it
                association.abort()
            hang_up(association)

    # ------------------------------------------------------------ services

    def store(self, store: Store, pieces: Iterable[bytes]) -> Answered:
        """C-STORE. Raises CallFailed, and what `pieces` raises; then the association is over."""
        association, message_id = self._require(), self._next_message_id()
        context = Context(sop_class_uid=store.sop_class_uid, transfer_syntax_uid=store.transfer_syntax_uid)
        if context not in self._accepted():
            raise CallFailed("no_context")
        try:
            status = send_c_store(association, store, pieces, message_id)
            return self._checked(status, message_id, store.sop_instance_uid)
        except BaseException:
            self.abort()
            raise

    def echo(self) -> Answered:
        """C-ECHO. Raises CallFailed."""
        message_id = self._next_message_id()
        return self._checked(self._require().send_c_echo(msg_id=message_id), message_id)

    def commit(self, commit: Commit) -> Answered:
        """N-ACTION: will it keep these? Raises CallFailed."""
        if not any(context.sop_class_uid == PUSH_MODEL for context in self._accepted()):
            raise CallFailed("no_context")
        message_id = self._next_message_id()
        status, _ = self._require().send_n_action(
            _action_information(commit), REQUEST_COMMITMENT, PUSH_MODEL, PUSH_MODEL_INSTANCE, message_id
        )
        return self._checked(status, message_id)

    def find(self, find: Find) -> Found:
        """C-FIND at instance level. Raises CallFailed."""
        if not any(context.sop_class_uid == STUDY_ROOT_FIND for context in self._accepted()):
            return Found(held=None)
        identifier = Dataset()
        identifier.QueryRetrieveLevel = "IMAGE"
        identifier.StudyInstanceUID = find.study_instance_uid
        identifier.SeriesInstanceUID = find.series_instance_uid
        identifier.SOPInstanceUID = find.sop_instance_uid
        message_id = self._next_message_id()
        held = False
        answers = self._require().send_c_find(identifier, STUDY_ROOT_FIND, msg_id=message_id)
        for number, (status, found) in enumerate(answers):
            answer = self._checked(status, message_id).status
            if answer not in PENDING:  # it may not let this box ask
                return Found(held=held if answer == SUCCESS else None)
            if number > MOST_FOUND:
                break
            held = held or (found is not None and _uid(found.get("SOPInstanceUID")) == find.sop_instance_uid)
        self.abort()  # it may go on for ever
        raise CallFailed("wrong_answer")

    def _require(self) -> Association:
        if self._association is None or not self._association.is_established:
            raise CallFailed("broken")
        return self._association

    def _next_message_id(self) -> int:
        self._response = None
        self._message_id = self._message_id % LARGEST_MESSAGE_ID + 1
        return self._message_id

    def _checked(self, status: Dataset, message_id: int, sop_instance_uid: str = "") -> Answered:
        """The status, if it was the answer to what was asked: pynetdicom takes any."""
        if "Status" not in status:
            ended = self._association is None or self._association.is_aborted or self._response is None
            self.abort()
            raise CallFailed("broken" if ended else "silent")
        response = self._response
        answered_uid = _uid(response.get("AffectedSOPInstanceUID")) if response is not None else ""
        is_ours = response is not None and response.get("MessageIDBeingRespondedTo") == message_id
        if not is_ours or (sop_instance_uid and answered_uid and answered_uid != sop_instance_uid):
            self.abort()
            raise CallFailed("wrong_answer")
        return Answered(status=int(status.Status))

    # ------------------------------------------------------------ what comes from the archive

    def _on_message(self, event: Any) -> None:
        command = event.message.command_set
        if "MessageIDBeingRespondedTo" in command:
            self._response = command

    def _on_report(self, event: Any) -> tuple[int, None]:
        try:
            report = _report(event.event_information)
        except Exception:  # whatever it sent, it is no report
            return INVALID_ARGUMENT, None
        return (SUCCESS if self._take_report(report) else PROCESSING_FAILURE), None


def _action_information(commit: Commit) -> Dataset:
    information = Dataset()
    information.TransactionUID = commit.transaction_uid
    items = []
    for reference in commit.references:
        item = Dataset()
        item.ReferencedSOPClassUID = reference.sop_class_uid
        item.ReferencedSOPInstanceUID = reference.sop_instance_uid
        items.append(item)
    information.ReferencedSOPSequence = items
    return information


def _report(information: Dataset) -> Report:
    failed = information.get("FailedSOPSequence") or []
    return Report(
        transaction_uid=_uid(information.TransactionUID),
        kept=tuple(_reference(item) for item in information.get("ReferencedSOPSequence") or []),
        failed=tuple((_reference(item), int(item.get("FailureReason") or 0)) for item in failed),
    )


def _reference(item: Dataset) -> Reference:
    return Reference(
        sop_class_uid=_uid(item.ReferencedSOPClassUID), sop_instance_uid=_uid(item.ReferencedSOPInstanceUID)
    )


def _uid(value: object) -> str:
    return str(value if isinstance(value, str | UID) else value or "").strip(" \0")


def _sorted_as(context: Context) -> tuple[str, str]:
    return context.sop_class_uid, context.transfer_syntax_uid
