"""An outbox at work behind a chaos proxy, with a real district server: what was lost, doubled or done in vain."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from leapfrog.outbox.pacing.backoff import Backoff
from leapfrog.outbox.pacing.timeouts import Timeouts
from leapfrog.outbox.pacing.timing import Timing
from leapfrog.state.deliveries import Deliveries
from support.chaos_proxy import LARGEST_FILM_BYTES, ChaosProxy
from support.orthanc import Orthanc
from support.outbox_box import Box
from support.owed import open_state, owe, part10_bytes, secondary_capture

TIMING = Timing(link=Backoff(0.05, 0.4), probe=Backoff(0.05, 0.4), delivery=Backoff(0.1, 1.0), locked_seconds=0.3)
TIMEOUTS = Timeouts(connect_seconds=2.0, send_seconds=1.0, query_seconds=1.0, answer_seconds=1.0)
BACKLOG = 12  # deliveries that wait at a time
RESULTS_SHARE = 0.5  # of what is given: small enough to go together
RESTART_SECONDS = 20.0
DOWN_SECONDS = 30.0
CALM_SECONDS = 120.0
NOTE_SECONDS = 1.0
LONGEST_SECONDS = 3600.0  # for films that are counted
# A delivery takes three requests when all goes well. With a third of them failing it takes about ten.
MOST_REQUESTS_A_FILM = 40


@dataclass
class ChaosResult:
    """What came of it. Names are SOP Instance UIDs."""

    films: int = 0
    requests: int = 0
    restarts: int = 0
    retried_by_hand: int = 0  # refused without a good reason, as by a person who runs `leapfrog retry`
    befallen: Counter[str] = field(default_factory=Counter)
    unconfirmed: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)  # confirmed, but not at the district as they were given
    doubled: list[str] = field(default_factory=list)  # there twice, or sent again after they were confirmed
    fatal: list[str] = field(default_factory=list)  # why the outbox ended by itself
    calm_after_seconds: float = 0.0

    @property
    def is_busy(self) -> bool:
        """Whether requests were made faster than the backoffs allow."""
        return self.requests > MOST_REQUESTS_A_FILM * max(self.films, 1)


class Chaos:
    """One run: give films, let chaos reign, end in calm, and look at every film."""

    def __init__(self, directory: Path, orthanc: Orthanc, seed: int, share: float = 0.35) -> None:
        """`directory` becomes a state directory."""
        journal, spool = open_state(directory)
        self._box = Box(journal, spool, Deliveries(journal))
        self._orthanc = orthanc
        self._proxy = ChaosProxy(orthanc.dicomweb_url, seed, share)
        self._chance = random.Random(seed)
        self._given: dict[str, bytes] = {}
        self._posts_when_confirmed: dict[str, int] = {}
        self._most_films: int | None = None
        self._result = ChaosResult()

    def run(self, *, seconds: float | None = None, films: int | None = None) -> ChaosResult:
        """Go on for so many seconds, or until so many films were given and have arrived in spite of all."""
        began = restarted = down = noted = time.monotonic()
        self._most_films = films
        more = self._until(began, seconds)
        with self._proxy, self._ended_senders():
            self._start()
            while more():
                self._give()
                self._retry_by_hand()
                now = time.monotonic()
                if now - noted > NOTE_SECONDS:
                    noted = now
                    self._note_confirmed()
                if now - restarted > RESTART_SECONDS:
                    restarted = now
                    self._restart()
                if now - down > DOWN_SECONDS:
                    down = now
                    self._proxy.down()
                    time.sleep(0.5)
                    self._proxy.up()
                time.sleep(0.05)
            self._finish()
        return self._result

    @contextmanager
    def _ended_senders(self) -> Iterator[None]:
        """Whatever happens, no sender is left: its thread would keep the process."""
        try:
            yield
        finally:
            for sender in self._box.senders:
                sender.stop()

    def _until(self, began: float, seconds: float | None) -> Callable[[], bool]:
        if seconds is not None:
            return lambda: time.monotonic() - began < seconds
        return lambda: (self._may_give or self._box.count("waiting") > 0) and time.monotonic() - began < LONGEST_SECONDS

    @property
    def _may_give(self) -> bool:
        return self._most_films is None or len(self._given) < self._most_films

    def _start(self) -> None:
        self._box.sender(self._proxy.url, TIMING, TIMEOUTS).start()

    def _restart(self) -> None:
        for sender in self._box.senders:
            sender.stop()
        self._box.senders.clear()
        self._result.restarts += 1
        self._start()

    def _give(self) -> None:
        while self._may_give and self._box.count("waiting") < BACKLOG:
            if self._given and self._chance.random() < RESULTS_SHARE:
                self._give_result()
                continue
            dataset = secondary_capture(self._chance.randrange(1, LARGEST_FILM_BYTES // 1000) * 1000)
            content = part10_bytes(dataset)
            self._given[str(dataset.SOPInstanceUID)] = content
            owe(self._box.journal, self._box.spool, content, dataset.SOPInstanceUID, urgent=self._chance.random() < 0.1)
            self._box.senders[0].wake()

    def _give_result(self) -> None:
        uid = self._box.owe_result(byte_count=self._chance.randrange(1, 6) * 1000)
        [row] = self._box.journal.rows("SELECT spool_name FROM deliveries WHERE sop_instance_uid = ?", (uid,))
        self._given[uid] = self._box.spool.path(row["spool_name"]).read_bytes()

    def _note_confirmed(self) -> None:
        """How often each had been sent when it was seen to be confirmed. Nothing may be sent after that."""
        rows = self._box.journal.rows("SELECT sop_instance_uid FROM deliveries WHERE state = 'confirmed'")
        posts = self._proxy.posts
        for row in rows:
            uid = row["sop_instance_uid"]
            self._posts_when_confirmed.setdefault(uid, posts[uid])

    def _retry_by_hand(self) -> None:
        for delivery in self._box.deliveries.listed("refused", 100):
            self._result.retried_by_hand += self._box.deliveries.retry(delivery.id)
            self._box.senders[0].wake()

    def _finish(self) -> None:
        result = self._result
        self._proxy.share = 0.0
        began = time.monotonic()
        while self._box.count("waiting") + self._box.count("refused") and time.monotonic() - began < CALM_SECONDS:
            self._retry_by_hand()
            time.sleep(0.05)
        result.calm_after_seconds = time.monotonic() - began
        self._note_confirmed()
        for sender in self._box.senders:
            sender.stop()
        self._box.senders.clear()
        result.films = len(self._given)
        result.requests = len(self._proxy.exchanges)
        result.befallen = self._proxy.befallen
        result.fatal = self._box.fatal
        result.unconfirmed = [uid for uid in self._given if uid not in self._posts_when_confirmed]
        posts, held = self._proxy.posts, self._orthanc.held()
        again = [uid for uid, count in self._posts_when_confirmed.items() if posts[uid] > count]
        result.doubled = [*again, *(uid for uid in self._given if held[uid] > 1)]
        result.lost = [uid for uid, content in self._given.items() if self._at_district(uid) != content]
        self._box.journal.close()

    def _at_district(self, uid: str) -> bytes:
        found = requests.post(f"{self._orthanc.url}/tools/lookup", data=uid, timeout=30).json()
        ids = [each["ID"] for each in found if each["Type"] == "Instance"]
        if not ids:
            return b""
        return requests.get(f"{self._orthanc.url}/instances/{ids[0]}/file", timeout=30).content
