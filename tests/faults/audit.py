"""What became of the films: whether each is where it should be, once, and as it was given."""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from faults.site import STILL_SECONDS, Site
from support.same_object import same_object

NAMED = 3  # so many UIDs are named in a remark


@dataclass(frozen=True)
class Verdict:
    """The UIDs of films that are not as they should be, and what is known of them."""

    lost: frozenset[str] = frozenset()
    doubled: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()
    finished: bool = True  # nothing is left to do
    remarks: tuple[str, ...] = ()

    def __add__(self, later: "Verdict") -> "Verdict":
        """Both together; whether work is left is what the later one says."""
        return Verdict(
            self.lost | later.lost,
            self.doubled | later.doubled,
            self.unread | later.unread,
            later.finished,
            tuple(dict.fromkeys((*self.remarks, *later.remarks))),
        )


@dataclass(frozen=True)
class _Known:
    """What the journal says of an instance."""

    state: str
    reason: str
    forward_as: str | None


class Audit:
    """Looks at a site, once or again and again; what was found right once is not fetched from the district again."""

    def __init__(self, site: Site) -> None:
        """Nothing is looked at yet."""
        self._site = site
        self._right: set[str] = set()
        self._told: set[str] = set()  # what an earlier verdict named

    def verdict(self, still_seconds: float = STILL_SECONDS) -> Verdict:
        """Let the box finish its work, and look at everything that it was given. Names nothing twice."""
        settled = self._site.settle(still_seconds)
        remarks = [] if settled else [f"work was left: {self._site.left_to_do()}"]
        if self._site.read_on_request:
            remarks.append(f"{self._site.read_on_request} read on request, after they were cut short too often")
            self._site.read_on_request = 0
        self._site.note_confirmed()
        acknowledged = self._site.senders.acknowledged
        rows = self._rows()
        lost = self._lost(acknowledged)
        doubled = self._doubled(rows)
        unread = self._unread(acknowledged, rows) - lost
        for word, uids in (("lost", lost), ("doubled", doubled), ("unread", unread)):
            new = sorted(uids - self._told)
            remarks += [f"{word}: {self._told_of(uid, rows)}" for uid in new[:NAMED]]
        found = Verdict(
            frozenset(lost - self._told),
            frozenset(doubled - self._told),
            frozenset(unread - self._told),
            settled,
            tuple(remarks),
        )
        self._told |= lost | doubled | unread
        return found

    def _lost(self, acknowledged: set[str]) -> set[str]:
        """Acknowledged, and not at the district as it was given."""
        wanted = acknowledged - self._right
        held = self._site.orthanc.held()
        missing = {uid for uid in wanted if not held[uid]}
        for uid, content in self._site.orthanc.files(wanted - missing).items():
            if same_object(content, self._site.senders.films[uid].path.read_bytes()):
                self._right.add(uid)
            else:
                missing.add(uid)
        return missing

    def _doubled(self, rows: dict[str, list[_Known]]) -> set[str]:
        """Twice in the journal, under a second UID at the district, or posted again after it was confirmed."""
        films = self._site.senders.films
        twice = {uid for uid, known in rows.items() if uid in films and (len(known) > 1 or known[0].forward_as)}
        posts = self._site.proxy.posts
        again = {uid for uid, before in self._site.posts_when_confirmed.items() if posts[uid] > before}
        return twice | again

    def _unread(self, acknowledged: set[str], rows: dict[str, list[_Known]]) -> set[str]:
        """Acknowledged, and in no report."""
        shown = {image["sop_instance_uid"] for report in self._reports() for image in report["images"]}
        read = {uid for uid, known in rows.items() if all(each.state == "read" for each in known)}
        return acknowledged - (shown & read)

    def _reports(self) -> Iterable[dict[str, list[dict[str, str]]]]:
        try:
            return self._site.kiosk.reports()
        except (OSError, ValueError):
            return []

    def _rows(self) -> dict[str, list[_Known]]:
        """State, reason and second UID of every instance, by its UID."""
        found: dict[str, list[_Known]] = {}
        try:
            rows = self._site.kiosk.rows("SELECT sop_instance_uid, state, reason, forward_as FROM instances")
        except sqlite3.Error:
            return {}
        for uid, state, reason, forward_as in rows:
            found.setdefault(uid, []).append(_Known(state, reason, forward_as))
        return found

    def _told_of(self, uid: str, rows: dict[str, list[_Known]]) -> str:
        """Whose it is, and what the journal says of it."""
        ways = (("stored", self._site.senders.stored), ("dropped", self._site.senders.dropped))
        way = next((word for word, films in ways if uid in films), "made by us")
        states = Counter(f"{known.state} {known.reason}".strip() for known in rows.get(uid, []))
        known = ", ".join(f"{state} x{count}" for state, count in states.items()) or "not in the journal"
        return f"{way} {uid[-6:]} ({known}; posted {self._site.proxy.posts[uid]}x)"
