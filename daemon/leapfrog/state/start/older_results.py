"""Results of earlier versions that the spool gave back to a journal which had lost them: only the newest stays owed."""

import json
from collections import defaultdict
from collections.abc import Collection

from leapfrog.spool_file.record import Production, read_record
from leapfrog.state.journal import Journal, now_text
from leapfrog.state.sent_results import RESULT_KINDS
from leapfrog.state.spool import Spool


def supersede_older_results(journal: Journal, spool: Spool, study_keys: Collection[str]) -> int:
    """Give up what is owed of other versions than the newest of these studies, by what the files say of themselves.
    Whether they were sent is not known: they count as perhaps sent. Returns how many were given up.
    """
    rows = journal.rows(
        "SELECT id, study_key, state, spool_name FROM deliveries WHERE spool_name IS NOT NULL"
        " AND study_key IN (SELECT value FROM json_each(?)) AND kind IN (SELECT value FROM json_each(?))",
        (json.dumps(list(study_keys)), json.dumps(RESULT_KINDS)),
    )
    versions: defaultdict[str, dict[str, int]] = defaultdict(dict)  # of each study: the version of each delivery
    for row in rows:
        versions[row["study_key"]][row["id"]] = version_of(spool, row["spool_name"])
    newest = {key: max(of_study.values()) for key, of_study in versions.items()}
    older = [
        row["id"]
        for row in rows
        if row["state"] in ("waiting", "refused") and versions[row["study_key"]][row["id"]] < newest[row["study_key"]]
    ]
    return journal.change(
        "UPDATE deliveries SET state = 'superseded', last_error = '', ended_at = ?"
        " WHERE id IN (SELECT value FROM json_each(?)) AND state IN ('waiting', 'refused')",
        now_text(),
        json.dumps(older),
    )


def version_of(spool: Spool, name: str) -> int:
    """The version of the report that an object belongs to, as its spool file says; 0 where that does not tell."""
    try:
        record = read_record(spool.path(name))
    except OSError:
        return 0
    return (record.version or 0) if isinstance(record, Production) else 0
