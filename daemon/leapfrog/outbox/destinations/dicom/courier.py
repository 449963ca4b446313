"""Delivers to one archive by C-STORE (PS3.4 Annex B), in a syntax that was negotiated.

By C-STORE alone, nobody can be asked what he holds. Where an attempt got no answer, the archive is asked by C-FIND if
it lets itself be asked; else the instance is sent again: under one UID, an archive keeps one instance.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Never

from leapfrog.errors import CannotBeRenamed, StorageError
from leapfrog.outbox.courier import CONFIRMED, Shortcoming, Surroundings, Verdict
from leapfrog.outbox.destinations.dicom.caller import ArchiveCaller, CallFailed, Slack
from leapfrog.outbox.destinations.dicom.contexts import ContextBook
from leapfrog.outbox.destinations.dicom.link_errors import link_error
from leapfrog.outbox.destinations.dicom.outgoing_dataset import OutgoingDataset, outgoing_dataset
from leapfrog.outbox.destinations.dicom.store_status import DUPLICATE, is_stored, is_warning, refusal
from leapfrog.outbox.destinations.dicomweb.held_content import place_of
from leapfrog.processes.call_messages import Archive, Failed, Find, Open, Opened, Patience, Store, TlsFiles
from leapfrog.settings import DestinationSettings
from leapfrog.state.handed_over import HandedOver, HandedOvers
from leapfrog.state.outgoing import source_of
from leapfrog.state.records import DeliveryRecord

MOST_TIMES_NOT_KEPT = 5
# Failure reasons of storage commitment that sending again does not change (PS3.3 Section C.14.1.1).
NEVER_KEPT = {
    0x0119: "it holds something of another kind under the object's identifier (SOP Instance UID)",
    0x0122: "it gives no such promise for this kind of object (SOP class)",
}
PROMISE_AWAITED = "The archive has stored it, but not promised yet to keep it (storage commitment)."
ALREADY_HELD = (
    "The archive {name} already held something under the identifier (SOP Instance UID) of this image, and this box"
    " cannot compare the two. Look at the image there: if it is this one, dismiss this delivery."
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Outgoing:
    """What is sent, and in which transfer syntax."""

    dataset: OutgoingDataset
    transfer_syntax_uid: str


class DicomCourier:
    """Delivers to one archive. For one thread; only `cut` may be called from another."""

    def __init__(
        self,
        archive: DestinationSettings,
        around: Surroundings,
        patience: Patience | None = None,
        slack: Slack | None = None,
    ) -> None:
        """Nobody is called yet."""
        self._settings = archive
        self._ae_title = around.ae_title
        self._archive = archive_of(archive, around.ae_title, patience)
        self._around = around
        self._deliveries = around.deliveries
        self._spool = around.spool
        self._known = around.known
        self._handed_over = HandedOvers(around.deliveries.journal)
        self._contexts = ContextBook()
        self._caller = ArchiveCaller(archive.name, around.progress, slack=slack)

    @property
    def pid(self) -> int | None:
        """The process id of the program that speaks to the archive, while it runs."""
        return self._caller.pid

    def make(self, delivery: DeliveryRecord, *, proven: bool) -> Verdict:
        """See `Courier`. `proven` does not matter: an association is the proof."""
        handed_over = self._handed_over.get(delivery.id) if self._settings.commit else None
        if handed_over is not None and handed_over.state == "kept":
            return CONFIRMED
        if handed_over is not None and handed_over.state != "not_kept":
            return Verdict("awaited", PROMISE_AWAITED)
        if handed_over is not None and (reason := self._why_never_kept(handed_over)):
            return Verdict("refused", reason)
        try:
            dataset = outgoing_dataset(source_of(self._spool, delivery))
        except (StorageError, CannotBeRenamed) as problem:
            return Verdict("refused", str(problem))
        return self._deliver(delivery, dataset, ask=delivery.posted and handed_over is None)

    def cut(self) -> None:
        """Break off what is running, and allow nothing else. Any thread may call it."""
        self._caller.cut()

    def close(self) -> None:
        """Release the association and end the program."""
        self._caller.close()

    def shortcomings(self) -> tuple[Shortcoming, ...]:
        """That it cannot be asked what it holds is no shortcoming: few archives can, and what is sent twice under one
        UID is there once.
        """
        return ()

    def _why_never_kept(self, handed_over: HandedOver) -> str:
        name, reason = self._settings.name, handed_over.reason
        if reason in NEVER_KEPT:
            return (
                f"The archive {name} stored the object, but does not promise to keep it: {NEVER_KEPT[reason]} (reason"
                f" {reason:04X}). If it need not, set commit = false for it."
            )
        if handed_over.times_not_kept >= MOST_TIMES_NOT_KEPT:
            return (
                f"The archive {name} said {handed_over.times_not_kept} times that it stored the object, and then that"
                f" it does not keep it (reason {reason:04X}). See there whether it is full or damaged; then retry."
            )
        return ""

    # ------------------------------------------------------------ one attempt

    def _deliver(self, delivery: DeliveryRecord, dataset: OutgoingDataset, *, ask: bool) -> Verdict:
        opened, sop_class_uid = self._open(delivery, dataset), self._sop_class(delivery, dataset)
        if ask and self._is_held(delivery, dataset):
            return self._stored(delivery)
        failed = Failed(what="broken")
        for _ in range(2):  # the archive may have closed an association that was idle just as we began to send
            outgoing = self._chosen(delivery, dataset, self._taken(sop_class_uid, opened))
            if outgoing is None:
                return self._nothing_fits(delivery, dataset, opened)
            self._deliveries.mark_posted(delivery.id)
            try:
                status = self._send(delivery, outgoing)
            except StorageError as problem:
                return Verdict("refused", str(problem))
            except CallFailed as problem:
                was_new, failed = opened.is_new, problem.failed
                opened = self._open(delivery, dataset)
                if self._is_held(delivery, dataset):
                    return self._stored(delivery)
                if was_new or failed.what not in ("broken", "silent"):
                    break
            else:
                return self._after_answer(delivery, status)
        return Verdict("unclear", str(link_error(failed, self._settings, self._ae_title)))

    def _open(self, delivery: DeliveryRecord, dataset: OutgoingDataset) -> Opened:
        contexts = self._contexts.with_object(self._sop_class(delivery, dataset), self._offered(dataset))
        try:
            opened = self._caller.open(Open(archive=self._archive, contexts=contexts))
        except CallFailed as problem:
            self._fail(problem)
        self._around.answered()
        return opened

    def _fail(self, problem: CallFailed) -> Never:
        raise link_error(problem.failed, self._settings, self._ae_title) from problem

    def _offered(self, dataset: OutgoingDataset) -> set[str]:
        return {dataset.transfer_syntax_uid}

    def _sop_class(self, delivery: DeliveryRecord, dataset: OutgoingDataset) -> str:
        return delivery.sop_class_uid or dataset.sop_class_uid

    @staticmethod
    def _taken(sop_class_uid: str, opened: Opened) -> frozenset[str]:
        return frozenset(one.transfer_syntax_uid for one in opened.accepted if one.sop_class_uid == sop_class_uid)

    def _chosen(self, delivery: DeliveryRecord, dataset: OutgoingDataset, taken: frozenset[str]) -> _Outgoing | None:
        """As it is, or rewritten, for who takes these transfer syntaxes."""
        return next((_Outgoing(dataset, syntax) for syntax in dataset.syntaxes if syntax in taken), None)

    def _nothing_fits(self, delivery: DeliveryRecord, dataset: OutgoingDataset, opened: Opened) -> Verdict:
        name, kind = self._settings.name, delivery.kind
        sop_class_uid = self._sop_class(delivery, dataset)
        if not self._taken(sop_class_uid, opened):
            leave_out = f' If it never will, take "{kind}" out of its `send` in the settings.'
            return Verdict(
                "refused",
                f"The archive {name} does not take this kind of object (SOP class {sop_class_uid})."
                f"{leave_out if kind != 'original' else ' Have the class added there, then retry.'}",
            )
        return Verdict(
            "refused",
            f"The archive {name} takes this kind of object, but not in its encoding (transfer syntax"
            f" {dataset.transfer_syntax_uid}), and there is no copy of it in another. Have the encoding added there,"
            " then retry.",
        )

    def _send(self, delivery: DeliveryRecord, outgoing: _Outgoing) -> int:
        store = Store(
            sop_class_uid=self._sop_class(delivery, outgoing.dataset),
            sop_instance_uid=delivery.sop_instance_uid,
            transfer_syntax_uid=outgoing.transfer_syntax_uid,
        )
        pieces = outgoing.dataset.pieces(outgoing.transfer_syntax_uid, self._around.throttle.chunk_bytes)
        return self._caller.store(store, self._paced(pieces))

    def _paced(self, pieces: Iterable[bytes]) -> Iterable[bytes]:
        for piece in pieces:
            self._around.throttle.take(len(piece))
            yield piece

    # ------------------------------------------------------------ what became of it

    def _after_answer(self, delivery: DeliveryRecord, status: int) -> Verdict:
        if is_warning(status):
            _log.info("The archive %s stored delivery %s with status %04X.", self._settings.name, delivery.id, status)
        if is_stored(status):
            return self._stored(delivery)
        if status == DUPLICATE:
            if delivery.posted or delivery.kind != "original":
                return self._stored(delivery)
            return Verdict("refused", ALREADY_HELD.format(name=self._settings.name))
        return refusal(status, self._settings.name)

    def _stored(self, delivery: DeliveryRecord) -> Verdict:
        if not self._settings.commit:
            return CONFIRMED
        self._handed_over.stored(delivery)
        self._around.handed_over()
        return Verdict("handed_over", PROMISE_AWAITED)

    def _is_held(self, delivery: DeliveryRecord, dataset: OutgoingDataset) -> bool:
        """Whether the archive says that it holds what can only be this one: an earlier image with the same UID, which
        was forgotten here, may be what it holds.
        """
        is_ours = delivery.kind != "original" or delivery.renamed
        if not is_ours and self._known.forgotten(delivery.sop_instance_uid) is not None:
            return False
        place = place_of(dataset.source)
        if place is None:
            return False
        question = Find(
            study_instance_uid=place.study_instance_uid,
            series_instance_uid=place.series_instance_uid,
            sop_instance_uid=delivery.sop_instance_uid,
        )
        try:
            return bool(self._caller.find(question))
        except CallFailed as problem:
            _log.info("The archive %s did not say whether it holds delivery %s.", self._settings.name, delivery.id)
            if problem.failed.what == "no_context":
                return False
            self._open(delivery, dataset)
            return False


def archive_of(settings: DestinationSettings, ae_title: str, patience: Patience | None = None) -> Archive:
    """Whom to call."""
    tls = TlsFiles(
        ca_file=settings.ca_file, client_certificate=settings.client_certificate, client_key=settings.client_key
    )
    return Archive(
        host=settings.host,
        port=settings.port,
        calling=ae_title,
        called=settings.ae_title,
        tls=tls if settings.tls else None,
        patience=patience or Patience(),
    )
