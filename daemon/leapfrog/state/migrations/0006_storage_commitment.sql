-- What modalities asked to be told by storage commitment, until they were told (PS3.4 Annex J).
CREATE TABLE commitments (
    sequence            INTEGER PRIMARY KEY AUTOINCREMENT,
    id                  TEXT NOT NULL UNIQUE,
    ae_title            TEXT NOT NULL,                 -- the modality's, as it calls itself
    address             TEXT NOT NULL,                 -- from which it asked
    transaction_uid     TEXT NOT NULL,
    named               TEXT NOT NULL,                 -- JSON: [SOP Class UID, SOP Instance UID] of each reference
    named_count         INTEGER NOT NULL,
    state               TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'given_up')),
    requested_at        TEXT NOT NULL,                 -- local ISO time, for people
    failures            INTEGER NOT NULL DEFAULT 0,    -- in a row, to tell it
    waited_seconds      REAL NOT NULL DEFAULT 0,       -- while the box ran
    last_error          TEXT NOT NULL DEFAULT '',
    UNIQUE (ae_title, transaction_uid)
) STRICT;
CREATE INDEX commitments_by_state ON commitments (state, sequence);

-- Instances that were confirmed by the district and then deleted here, so that storage commitment can still answer.
CREATE TABLE forgotten_instances (
    sequence            INTEGER PRIMARY KEY AUTOINCREMENT,
    sop_instance_uid    TEXT NOT NULL UNIQUE,
    sop_class_uid       TEXT NOT NULL,
    other_content       INTEGER NOT NULL DEFAULT 0     -- 1: something else had this UID as well
) STRICT;
