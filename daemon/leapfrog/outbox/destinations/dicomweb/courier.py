"""One attempt to deliver by DICOMweb: ask, send, ask again. Its verdict says what the server did with this instance."""

from collections.abc import Sequence

from leapfrog.dicom.part10 import Part10Source
from leapfrog.errors import CannotBeRenamed, DistrictRefused, DistrictUnclear, StorageError
from leapfrog.outbox.courier import CONFIRMED, NOT_COMPARED, OTHER_CONTENT, Shortcoming, Surroundings, Verdict
from leapfrog.outbox.destinations.dicomweb.client import StowClient
from leapfrog.outbox.destinations.dicomweb.search import Held
from leapfrog.outbox.forms import Copy, Forms, never_certain
from leapfrog.settings import DestinationSettings
from leapfrog.state.records import DeliveryRecord
from leapfrog.state.sending.outgoing import source_of

# If the search of a server has never listed anything that we sent, this many separate answers that it stored the
# instance count as much.
ANSWERS_WITHOUT_LISTING = 3
# What nobody is to blame for is begun again so many times in one attempt.
TIMES_AGAIN = 3
# After so many requests with several objects of which none was confirmed, this server gets one at a time.
FAILED_TOGETHER = 2

CANNOT_BE_ASKED = (
    "The district server cannot be asked what it holds. Its answers to what is sent have to do, and whatever gets no"
    " answer is sent again."
)
LISTS_NOTHING = "The district server says that it stores what is sent, but its search does not list it."
ALLOW_SEARCH = "On the district server, turn its search (QIDO-RS) on and allow this box's account to use it."
SEARCH_IS_MISSING = Shortcoming(CANNOT_BE_ASKED, ALLOW_SEARCH)
SEARCH_IS_SILENT = Shortcoming(LISTS_NOTHING, ALLOW_SEARCH)
NOT_LISTED = "The district server said that it stored the instance, but its search does not list it."


class DicomwebCourier:
    """Makes one attempt after the other at one server."""

    def __init__(self, destination: DestinationSettings, around: Surroundings) -> None:
        """Nothing is asked yet."""
        self._forms = forms = around.forms
        same_image = forms.same_image if forms is not None else never_certain
        self._client = StowClient(destination, around.pace, around.timeouts, same_image)
        self._known = around.known
        self._deliveries = around.deliveries
        self._spool = around.spool
        self._answered = around.answered
        self._search_lists = False  # it has listed something that we sent
        self._failed_together = 0  # in a row
        self._may_go_again = False  # what was not answered just now, for nobody is to blame
        self._stored_unlisted = False  # it did not list something that the server said to have stored

    def cut(self) -> None:
        """Break off what is running, and allow nothing else."""
        self._client.cut()

    def break_off(self) -> None:
        """Break off what is running; others may follow. Any thread may call it."""
        self._client.break_off()

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def shortcomings(self) -> tuple[Shortcoming, ...]:
        """That the server has no search, or one that does not list what it stored."""
        if self._client.has_no_search:
            return (SEARCH_IS_MISSING,)
        return (SEARCH_IS_SILENT,) if self._stored_unlisted and not self._search_lists else ()

    def make(self, delivery: DeliveryRecord, *, proven: bool) -> Verdict:
        """Ask whether the district holds it where that can be, and send it if not. `proven`: the link was proven just
        now, so that nothing needs to be asked only for that.

        An original that was never sent is asked for too: if the district holds its UID already, it may be with other
        content. What we make or renamed has a UID of its own. Raises DistrictUnreachable or DistrictLocked.
        """
        held: Held = "not held"
        has_own_uid = delivery.kind != "original" or delivery.renamed
        if delivery.posted or not has_own_uid or not proven:
            held = self._ask(delivery)
            if held == "held":
                return CONFIRMED if self._is_ours(delivery) else self._compared(delivery)
        return self._send(delivery, held)

    def _is_ours(self, delivery: DeliveryRecord) -> bool:
        """Whether what the district holds under the UID of this one can only be this one. After a kill everything that
        waits counts as posted; an earlier image with the same UID, which was forgotten here, may be what is held.
        """
        if delivery.kind != "original":
            return True
        return delivery.posted and (delivery.renamed or self._known.forgotten(delivery.sop_instance_uid) is None)

    def _ask(self, delivery: DeliveryRecord) -> Held:
        held = self._client.holds(delivery.sop_instance_uid, lambda: self._find_source(delivery))
        self._answered()
        self._search_lists = self._search_lists or held == "held"
        return held

    def _find_source(self, delivery: DeliveryRecord) -> Part10Source | None:
        try:
            return source_of(self._spool, delivery)
        except (StorageError, CannotBeRenamed):
            return None

    @property
    def takes_several(self) -> bool:
        """Whether the server has taken several in one request, as far as it was tried."""
        return self._failed_together < FAILED_TOGETHER

    def make_together(self, deliveries: Sequence[DeliveryRecord]) -> Sequence[DeliveryRecord]:
        """Send several results in one request, and ask for them with one question."""
        sources = {
            delivery.sop_instance_uid: source for delivery in deliveries if (source := self._find_source(delivery))
        }
        for delivery in deliveries:
            self._deliveries.mark_posted(delivery.id)
        try:
            stored = self._client.store_together(sources)
            listed = self._client.held_of(stored) if stored else frozenset()
        except (DistrictUnclear, StorageError):  # each is asked for, and sent, by itself
            listed = frozenset()
        self._failed_together = 0 if listed else self._failed_together + 1
        if listed:
            self._answered()
            self._search_lists = True
        return [delivery for delivery in deliveries if delivery.sop_instance_uid in listed]

    def _send(self, delivery: DeliveryRecord, held_before: Held) -> Verdict:
        """If the server dropped it because it paused for longer than the server has patience, or the connection was
        closed already, it is begun again.
        """
        verdict = self._send_once(delivery, held_before)
        for _ in range(TIMES_AGAIN):
            if verdict.outcome != "unclear" or not self._may_go_again:
                break
            verdict = self._send_once(delivery, held_before)
        return verdict

    def _send_once(self, delivery: DeliveryRecord, held_before: Held) -> Verdict:
        self._may_go_again = False
        if self._forms is None or (copy := self._forms.copy_of(delivery)) is None:
            return self._send_as_it_came(delivery, held_before)
        return self._send_copy(delivery, held_before, self._forms, copy)

    def _send_copy(self, delivery: DeliveryRecord, held_before: Held, forms: Forms, copy: Copy) -> Verdict:
        """Send a smaller copy of an original; where that cannot be, the original as it came."""
        self._deliveries.mark_posted(delivery.id)
        try:
            self._client.store(copy.source, delivery.sop_instance_uid)
        except DistrictUnclear as problem:
            return self._after_silence(delivery, held_before, problem)
        except StorageError:
            forms.spoilt(copy.encoding)
            return self._send_as_it_came(delivery, held_before)
        except DistrictRefused as problem:
            if self._ask(delivery) == "held":
                return self._compared(delivery)
            verdict = self._send_as_it_came(delivery, held_before)
            forms.refused(delivery, copy, problem, but_not_the_original=verdict.outcome == "confirmed")
            return verdict
        return self._after_success(delivery)

    def _send_as_it_came(self, delivery: DeliveryRecord, held_before: Held) -> Verdict:
        try:
            source = source_of(self._spool, delivery)
        except (StorageError, CannotBeRenamed) as problem:
            return Verdict("refused", str(problem))
        self._deliveries.mark_posted(delivery.id)
        try:
            self._client.store(source, delivery.sop_instance_uid)
        except DistrictRefused as problem:
            return self._after_refusal(delivery, problem)
        except DistrictUnclear as problem:
            return self._after_silence(delivery, held_before, problem)
        except StorageError as problem:
            return Verdict("refused", str(problem))
        return self._after_success(delivery)

    def _after_success(self, delivery: DeliveryRecord) -> Verdict:
        """An answer may be wrong, or come from something in between: what it says to hold, it must be able to find."""
        if self._ask(delivery) != "not held":
            return CONFIRMED
        self._stored_unlisted = True
        # Also a server that lists new instances only after a while, or none at all to this account.
        if not self._search_lists and delivery.failures + 1 >= ANSWERS_WITHOUT_LISTING:
            return CONFIRMED
        return Verdict("unlisted", NOT_LISTED)

    def _after_silence(self, delivery: DeliveryRecord, held_before: Held, problem: DistrictUnclear) -> Verdict:
        """It may have arrived, although nothing said so."""
        self._may_go_again = problem.is_nobodys_fault
        if self._ask(delivery) != "held":
            return Verdict("unclear", str(problem))
        return CONFIRMED if held_before == "not held" else self._compared(delivery)

    def _after_refusal(self, delivery: DeliveryRecord, problem: DistrictRefused) -> Verdict:
        """It may be refused because it is there, from us or with other content. And a refusal only counts if a question
        proves that it came from the district server, not from something in between.
        """
        if self._ask(delivery) == "held":
            return self._compared(delivery)
        return Verdict("refused" if problem.is_definite else "doubtful", str(problem))

    def _compared(self, delivery: DeliveryRecord) -> Verdict:
        try:
            source = source_of(self._spool, delivery)
        except (StorageError, CannotBeRenamed) as problem:
            return Verdict("refused", str(problem))
        try:
            comparison = self._client.compare(delivery.sop_instance_uid, source, self._spool.incoming)
        except StorageError as problem:
            return Verdict("unclear", str(problem))
        if comparison == "same":
            return CONFIRMED
        return Verdict("refused", OTHER_CONTENT if comparison == "other" else NOT_COMPARED)
