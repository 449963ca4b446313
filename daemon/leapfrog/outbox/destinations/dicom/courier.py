"""Delivers to one archive by C-STORE (PS3.4 Annex B), in a syntax that was negotiated.

By C-STORE alone, nobody can be asked what he holds. Where an attempt got no answer, the archive is asked by C-FIND if
it lets itself be asked; else the instance is sent again: under one UID, an archive keeps one instance.
"""

import logging
from collections.abc import Iterable
from dataclasses import replace

from leapfrog.errors import CannotBeRenamed, DistrictRefused, DistrictUnreachable, StorageError
from leapfrog.outbox.courier import CONFIRMED, Shortcoming, Surroundings, Verdict
from leapfrog.outbox.destinations.dicom.caller import ArchiveCaller, CallFailed, Slack
from leapfrog.outbox.destinations.dicom.contexts import ContextBook
from leapfrog.outbox.destinations.dicom.link_errors import link_error
from leapfrog.outbox.destinations.dicom.outgoing_dataset import outgoing_dataset
from leapfrog.outbox.destinations.dicom.sendable import Outgoing, Sendable, sendable
from leapfrog.outbox.destinations.dicom.store_status import DUPLICATE, is_stored, is_warning, refusal
from leapfrog.outbox.destinations.dicomweb.held_content import place_of
from leapfrog.outbox.forms import Copy
from leapfrog.processes.call_messages import Archive, Find, Open, Opened, Patience, Store, TlsFiles
from leapfrog.settings import DestinationSettings
from leapfrog.state.records import DeliveryRecord
from leapfrog.state.sending.handed_over import HandedOver, HandedOvers
from leapfrog.state.sending.outgoing import source_of

MOST_TIMES_NOT_KEPT = 5
# Failure reasons of storage commitment that sending again does not change (PS3.3 Section C.14.1.1).
NEVER_KEPT = {
    0x0119: "it holds something of another kind under the object's identifier (SOP Instance UID)",
    0x0122: "it gives no such promise for this kind of object (SOP class)",
}
PROMISE_AWAITED = "The archive has stored it, but not promised yet to keep it (storage commitment)."
ONE_AT_A_TIME = "The archive takes no other association while something is sent to it."
COPY_AWAITED = "The image cannot go to the archive as it came; an uncompressed copy of it is being made."
ENCODING_NOT_TAKEN = (
    "The archive {name} takes this kind of object, but not in its encoding (transfer syntax {uid}), and there is no"
    " copy of it in another. Have the encoding added there, then retry."
)
ODD_BYTES = (
    "The file has an odd number of bytes, which DICOM does not allow, so it cannot be sent to the archive {name}; and"
    " no copy of it could be made that can. It is kept here. Have the machine that made it looked at."
)
ALREADY_HELD = (
    "The archive {name} already held something under the identifier (SOP Instance UID) of this image, and this box"
    " cannot compare the two. Look at the image there: if it is this one, dismiss this delivery."
)

_log = logging.getLogger(__name__)


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
        self._archive = archive_of(archive, around.ae_title, patience)
        self._around = around
        self._deliveries = around.deliveries
        self._spool = around.spool
        self._known = around.known
        self._forms = around.forms
        self._handed_over = HandedOvers(around.deliveries.journal)
        self._contexts = ContextBook()
        self._caller = ArchiveCaller(archive.name, around.progress, slack=slack)

    @property
    def pid(self) -> int | None:
        """The process id of the program that speaks to the archive, while it runs."""
        return self._caller.pid

    def make(self, delivery: DeliveryRecord, *, proven: bool) -> Verdict:
        """See `Courier`. `proven` does not matter: an association is the proof."""
        handed_over = self._handed_over.get(delivery.id)
        if handed_over is not None and handed_over.state == "kept":
            return CONFIRMED
        if handed_over is not None and not self._settings.commit:  # it was to promise when it stored this
            return CONFIRMED if handed_over.state != "not_kept" else self._from_file(delivery, ask=False)
        if handed_over is not None and handed_over.state != "not_kept":
            return Verdict("awaited", PROMISE_AWAITED)
        if handed_over is not None and (reason := self._why_never_kept(handed_over)):
            return Verdict("refused", reason)
        return self._from_file(delivery, ask=delivery.posted and handed_over is None)

    def _from_file(self, delivery: DeliveryRecord, *, ask: bool) -> Verdict:
        try:
            dataset = outgoing_dataset(source_of(self._spool, delivery))
        except (StorageError, CannotBeRenamed) as problem:
            return Verdict("refused", str(problem))
        item = sendable(delivery, dataset, self._forms)
        try:
            return self._deliver(item, ask=ask)
        except DistrictUnreachable:
            if self._around.associations.is_sending_to(self._settings.name):
                return Verdict("awaited", ONE_AT_A_TIME)
            raise

    def cut(self) -> None:
        """Break off what is running, and allow nothing else. Any thread may call it."""
        self._caller.cut()

    def break_off(self) -> None:
        """Break off what is running; others may follow. Any thread may call it."""
        self._caller.break_off()

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

    def _deliver(self, item: Sendable, *, ask: bool) -> Verdict:
        opened = self._open(item)
        if ask and self._is_held(item):
            return self._stored(item.delivery)
        self._learn(item, opened)
        outgoing = item.outgoing(_taken(item, opened))
        if outgoing is None:
            return self._deliver_uncompressed(item, opened)
        verdict = self._attempt(item, outgoing, opened)
        if outgoing.copy is None or verdict.outcome not in ("refused", "doubtful"):
            return verdict
        return self._after_refused_copy(item, outgoing.copy, verdict)

    def _learn(self, item: Sendable, opened: Opened) -> None:
        """The archive takes this kind of object, but not as it is in a copy: no more of these are made for it."""
        taken = _taken(item, opened)
        for copy, dataset in item.copies:
            if self._forms is not None and taken and dataset.transfer_syntax_uid not in taken:
                not_taken = DistrictRefused("It was not negotiated.", is_about_encoding=True)
                self._forms.refused(item.delivery, copy, not_taken, but_not_the_original=False)

    def _after_refused_copy(self, item: Sendable, copy: Copy, refused: Verdict) -> Verdict:
        """No original is on hold for the form in which it was sent."""
        opened = self._open(item)
        original = item.outgoing(_taken(item, opened), as_it_came=True)
        if original is None or self._forms is None:
            return refused
        verdict = self._attempt(item, original, opened)
        stored = verdict.outcome in ("confirmed", "handed_over")
        self._forms.refused(item.delivery, copy, DistrictRefused(refused.reason), but_not_the_original=stored)
        return verdict

    def _deliver_uncompressed(self, item: Sendable, opened: Opened) -> Verdict:
        """The archive takes neither what it is in nor a copy that there is: a compressed original may be uncompressed
        for it, and one whose bytes are odd be written anew.
        """
        name, taken = self._settings.name, _taken(item, opened)
        if not taken:
            return Verdict("refused", _kind_not_taken(item, name))
        form = self._forms.uncompressed(item.delivery) if self._forms is not None else "as_it_came"
        if form == "wanted":
            return Verdict("awaited", COPY_AWAITED)
        whole = item.with_copy(form if isinstance(form, Copy) else None)
        if (outgoing := whole.outgoing(taken)) is None:
            if item.dataset.is_odd:
                return Verdict("refused", ODD_BYTES.format(name=name))
            return Verdict("refused", ENCODING_NOT_TAKEN.format(name=name, uid=item.dataset.transfer_syntax_uid))
        return self._attempt(whole, outgoing, opened)

    def _attempt(self, item: Sendable, outgoing: Outgoing, opened: Opened) -> Verdict:
        """Send it. If an association that was open before breaks, once more: the archive may have closed it just as
        this began.
        """
        self._deliveries.mark_posted(item.delivery.id)
        try:
            with self._around.associations.sending_to(self._settings.name):
                status = self._send(item, outgoing)
        except StorageError as problem:
            return self._after_unreadable(item, outgoing, problem)
        except CallFailed as problem:
            again = self._open(item)
            if self._is_held(item):
                return self._stored(item.delivery)
            if not opened.is_new and problem.failed.what in ("broken", "silent"):
                sent_once = replace(item, delivery=replace(item.delivery, posted=True))
                return self._attempt(sent_once, outgoing, again)
            return Verdict("unclear", str(link_error(problem.failed, self._settings, self._around.ae_title)))
        return self._after_answer(item.delivery, status)

    def _after_unreadable(self, item: Sendable, outgoing: Outgoing, problem: StorageError) -> Verdict:
        """A damaged original is on hold; a damaged copy gives way to its original."""
        if outgoing.copy is None or self._forms is None:
            return Verdict("refused", str(problem))
        self._forms.spoilt(outgoing.copy.encoding)
        opened = self._open(item)
        original = item.outgoing(_taken(item, opened), as_it_came=True)
        return Verdict("refused", str(problem)) if original is None else self._attempt(item, original, opened)

    def _open(self, item: Sendable) -> Opened:
        contexts = self._contexts.with_object(item.sop_class_uid, item.syntaxes)
        try:
            opened = self._caller.open(Open(archive=self._archive, contexts=contexts))
        except CallFailed as problem:
            raise link_error(problem.failed, self._settings, self._around.ae_title) from problem
        self._around.answered()
        return opened

    def _send(self, item: Sendable, outgoing: Outgoing) -> int:
        store = Store(
            sop_class_uid=item.sop_class_uid,
            sop_instance_uid=item.delivery.sop_instance_uid,
            transfer_syntax_uid=outgoing.transfer_syntax_uid,
        )
        return self._caller.store(store, self._paced(outgoing.pieces(self._around.throttle.chunk_bytes)))

    def _paced(self, pieces: Iterable[bytes]) -> Iterable[bytes]:
        for piece in pieces:
            yield from self._around.pace.pieces(piece, lambda: self._caller.piece_bytes)

    # ------------------------------------------------------------ what became of it

    def _after_answer(self, delivery: DeliveryRecord, status: int) -> Verdict:
        if is_warning(status):
            _log.info("The archive %s stored delivery %s with status %04X.", self._settings.name, delivery.id, status)
        if is_stored(status):
            return self._stored(delivery)
        if status == DUPLICATE:
            if self._is_ours(delivery) or (delivery.posted and not self._was_forgotten(delivery)):
                return self._stored(delivery)
            return Verdict("refused", ALREADY_HELD.format(name=self._settings.name))
        return refusal(status, self._settings.name)

    def _stored(self, delivery: DeliveryRecord) -> Verdict:
        if not self._settings.commit:
            return CONFIRMED
        self._handed_over.stored(delivery)
        self._around.handed_over()
        return Verdict("handed_over", PROMISE_AWAITED)

    @staticmethod
    def _is_ours(delivery: DeliveryRecord) -> bool:
        """Whether nobody but this box can have sent anything under its UID."""
        return delivery.kind != "original" or delivery.renamed

    def _was_forgotten(self, delivery: DeliveryRecord) -> bool:
        return self._known.forgotten(delivery.sop_instance_uid) is not None

    def _is_held(self, item: Sendable) -> bool:
        """Whether the archive says that it holds what can only be this one: an earlier image with the same UID, which
        was forgotten here, may be what it holds.
        """
        delivery = item.delivery
        if not self._is_ours(delivery) and self._was_forgotten(delivery):
            return False
        place = place_of(item.dataset.source)
        if place is None:
            return False
        question = Find(
            study_instance_uid=place.study_instance_uid,
            series_instance_uid=place.series_instance_uid,
            sop_instance_uid=delivery.sop_instance_uid,
        )
        try:
            return bool(self._caller.find(question))
        except CallFailed:
            _log.info("The archive %s did not say whether it holds delivery %s.", self._settings.name, delivery.id)
            self._open(item)
            return False


def _taken(item: Sendable, opened: Opened) -> frozenset[str]:
    """The transfer syntaxes in which the archive takes such objects."""
    return frozenset(one.transfer_syntax_uid for one in opened.accepted if one.sop_class_uid == item.sop_class_uid)


def _kind_not_taken(item: Sendable, name: str) -> str:
    kind = item.delivery.kind
    remedy = "Have the class added there, then retry."
    if kind != "original":
        remedy = f'If it never will, take "{kind}" out of its `send` in the settings, and dismiss this delivery.'
    return f"The archive {name} does not take this kind of object (SOP class {item.sop_class_uid}). {remedy}"


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
