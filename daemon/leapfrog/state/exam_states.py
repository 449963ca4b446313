"""How far exams are, for the worklist: what of them is still to be read or sent, and what cannot be."""

import json
from collections.abc import Collection
from dataclasses import dataclass

from leapfrog.state.journal import Journal

QUERY = """
    SELECT key,
        EXISTS (SELECT 1 FROM instances WHERE study_key = key AND state = 'received') AS unread,
        EXISTS (SELECT 1 FROM instances WHERE study_key = key AND state = 'set_aside') AS unreadable,
        EXISTS (SELECT 1 FROM instances WHERE study_key = key AND same_as IS NULL AND state <> 'forward_only'
            AND json_extract(reading, '$.outcome') = 'not_assessed') AS unassessed,
        EXISTS (SELECT 1 FROM deliveries WHERE study_key = key AND state = 'waiting') AS unsent,
        EXISTS (SELECT 1 FROM deliveries WHERE study_key = key AND state = 'refused') AS refused,
        EXISTS (SELECT 1 FROM deliveries WHERE study_key = key AND state = 'confirmed') AS confirmed
    FROM studies WHERE key IN (SELECT value FROM json_each(?))
"""


@dataclass(frozen=True, kw_only=True)
class ExamState:
    """Of a study: whether images wait to be read (`unread`), could not be read (`unreadable`), or got no result of a
    model (`unassessed`): one is enough, and what is no image does not count. Whether something of it waits to be sent
    to the district (`unsent`), was refused there, or arrived (`confirmed`).
    """

    unread: bool = False
    unreadable: bool = False
    unassessed: bool = False
    unsent: bool = False
    refused: bool = False
    confirmed: bool = False

    @property
    def sent(self) -> bool:
        """Whether everything of it that is to be sent has arrived."""
        return self.confirmed and not self.unsent and not self.refused and not self.unread


def exam_states(journal: Journal, keys: Collection[str]) -> dict[str, ExamState]:
    """The state of each study of `keys`. The cost grows with what these studies hold, not with the journal."""
    rows = map(dict, journal.rows(QUERY, (json.dumps(list(keys)),)))
    return {row.pop("key"): ExamState(**{name: bool(value) for name, value in row.items()}) for row in rows}
