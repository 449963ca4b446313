"""What is wrong with a destination and what is owed to it, for people: since when, and what to do."""

import time
from collections.abc import Callable, Collection

from leapfrog.language.sentence import Sentence, sentence
from leapfrog.outbox.courier import NOT_COMPARED, OTHER_CONTENT, Shortcoming
from leapfrog.outbox.told import told_of, with_article
from leapfrog.problem import Problem, Problems
from leapfrog.settings.destinations import DISTRICT
from leapfrog.state.facts import Facts
from leapfrog.state.journal import now_text, seconds_since
from leapfrog.state.sending.delivery_queue import DeliveryQueue
from leapfrog.wording.text import MOST_NAMED_EXAMS, exams_in_brackets

LONG_SECONDS = 24 * 3600.0
FAILING_SINCE = "district_failing_since"  # a fact: local ISO text, '' while the link works; of others, with their name

LOG_IN = (
    "If you correct it on the server or in the password or token file, run `leapfrog sync`; if you correct it in the"
    " settings, restart Leapfrog."
)
GOES_ON = "Nothing is lost, and sending goes on by itself; `leapfrog sync` tries it at once."
TELL_SOMEBODY = "Nothing is lost. Tell whoever looks after the link or the district server, then run `leapfrog sync`."
GOES_ON_FOR_STAFF = sentence(
    "Nothing can be sent to the district at present. Nothing is lost: it is sent when the link is back."
)
LONG_FOR_STAFF = sentence(
    "Nothing could be sent to the district for more than a day. Nothing is lost. Tell the technician."
)
LOCKED_FOR_STAFF = sentence(
    "The district does not let this box in, so nothing is sent. Nothing is lost. Tell the technician."
)
ON_HOLD_FOR_STAFF = sentence(
    "The district refused some exams; they are marked below and kept here. Tell the technician, who can send them"
    " again."
)
# The same of another destination than [district], by the name that the settings give it.
GOES_ON_FOR_STAFF_OF = sentence(
    "Nothing can be sent to {destination} at present. Nothing is lost: it is sent when the link is back."
)
LONG_FOR_STAFF_OF = sentence(
    "Nothing could be sent to {destination} for more than a day. Nothing is lost. Tell the technician."
)
LOCKED_FOR_STAFF_OF = sentence(
    "{destination} does not let this box in, so nothing is sent there. Nothing is lost. Tell the technician."
)
ON_HOLD_FOR_STAFF_OF = sentence(
    "{destination} refused some exams; they are marked below and kept here. Tell the technician, who can send them"
    " again."
)


class Trouble:
    """One destination's list of problems. Any thread may ask for it; one at a time notes what happens."""

    def __init__(self, queue: DeliveryQueue, facts: Facts, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Nothing is wrong yet, except what the queue says, which has all that waits for the destination. `facts`
        remembers since when the link fails: many boxes are turned off every night.
        """
        self._queue = queue
        self._it = with_article(queue.destination)
        self._to = "" if queue.destination == DISTRICT else f" to {self._it}"
        self._facts = facts
        self._monotonic = monotonic
        self._problems = Problems()
        self._link: Problem | None = None
        self._since_fact = failing_since_fact(queue.destination)
        self._since = facts.get(self._since_fact) or ""
        self._first_failed_at: float | None = None

    def link_failed(self, reason: str, *, locked: bool) -> None:
        """Nothing can be sent now, for `reason`."""
        if self._first_failed_at is None:
            self._first_failed_at = self._monotonic()
        if not self._since:
            self._since = now_text()
            self._facts.put(self._since_fact, self._since)
        if locked:
            self._link = Problem(
                what=f"Nothing can be sent to {self._it}. {reason}",
                since=self._since,
                remedy=LOG_IN,
                for_staff=self._for_staff(LOCKED_FOR_STAFF, LOCKED_FOR_STAFF_OF),
            )
        elif self._fails_for_long(self._first_failed_at):
            what = f"Nothing could be sent to {self._it} for more than a day. {reason}"
            told = self._for_staff(LONG_FOR_STAFF, LONG_FOR_STAFF_OF)
            remedy = told_of(self._queue.destination, TELL_SOMEBODY)
            self._link = Problem(what=what, since=self._since, remedy=remedy, for_staff=told)
        else:
            what = f"Nothing can be sent to {self._it} at present. {reason}"
            told = self._for_staff(GOES_ON_FOR_STAFF, GOES_ON_FOR_STAFF_OF)
            self._link = Problem(what=what, since=self._since, remedy=GOES_ON, for_staff=told)

    def _for_staff(self, of_district: Sentence, of_another: Sentence) -> Sentence:
        name = self._queue.destination
        return of_district if name == DISTRICT else of_another.format(destination=name)

    def _fails_for_long(self, first_failed_at: float) -> bool:
        """By this process's own clock, or by the box's, which also counts while it is off and may be wrong."""
        return max(self._monotonic() - first_failed_at, seconds_since(self._since)) >= LONG_SECONDS

    def link_works(self) -> None:
        """The district took or refused something, or nothing is to be sent."""
        self._link, self._first_failed_at = None, None
        if self._since:
            self._since = ""
            self._facts.put(self._since_fact, "")

    def nothing_to_send(self) -> None:
        """Somebody found nothing to send. If nothing waits at all, as far as anybody is concerned the link works."""
        if self._queue.is_empty():
            self.link_works()

    def shortcomings_are(self, found: Collection[Shortcoming]) -> None:
        """What the server does not do that it should."""
        self._problems.keep([one.what for one in found])
        for one in found:
            what, remedy = (told_of(self._queue.destination, text) for text in (one.what, one.remedy))
            self._problems.add(one.what, what, remedy)

    def since(self) -> str:
        """Since when nothing can be sent, as local ISO text; "" while the link works."""
        return self._since

    def current(self) -> tuple[Problem, ...]:
        """Everything that is wrong now."""
        link = self._link
        return (*((link,) if link else self._in_vain()), *self._problems.current(), *self._on_hold())

    def _in_vain(self) -> tuple[Problem, ...]:
        """What fails again and again, while others get through."""
        total = self._queue.in_vain()
        if not total:
            return ()
        exams = exams_in_brackets(self._queue.exams_in_vain(MOST_NAMED_EXAMS + 1))
        return (
            Problem(
                what=f"Deliveries{self._to} that fail again and again, for a day or more, although the server answers:"
                f" {total}{exams}.",
                remedy="`leapfrog deliveries --state waiting` says why. They are tried on; `leapfrog dismiss ID` gives"
                " one up.",
                in_worklist=False,
            ),
        )

    def _on_hold(self) -> tuple[Problem, ...]:
        total = self._queue.on_hold()
        if not total:
            return ()
        exams = exams_in_brackets(self._queue.exams_on_hold(MOST_NAMED_EXAMS + 1))
        found = [
            Problem(
                what=f"Deliveries{self._to} on hold: {total}{exams}. They could not be delivered, and are kept until a"
                " person decides.",
                since=self._queue.on_hold_since() or "",
                remedy="See the reasons with `leapfrog status`; then `leapfrog retry ID` or `leapfrog dismiss ID`.",
                for_staff=self._for_staff(ON_HOLD_FOR_STAFF, ON_HOLD_FOR_STAFF_OF),
            )
        ]
        for told in (OTHER_CONTENT, NOT_COMPARED):
            reason = told_of(self._queue.destination, told)
            since = self._queue.on_hold_since(reason)
            if since is not None:
                what, _, remedy = reason.partition(". ")
                for_staff = self._for_staff(ON_HOLD_FOR_STAFF, ON_HOLD_FOR_STAFF_OF)
                found.append(Problem(what=f"{what}.", since=since, remedy=remedy, for_staff=for_staff))
        return tuple(found)


def failing_since_fact(destination: str) -> str:
    """The name of the fact that says since when nothing can be sent there."""
    return FAILING_SINCE if destination == DISTRICT else f"{FAILING_SINCE}:{destination}"
