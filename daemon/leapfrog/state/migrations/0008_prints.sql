-- What is printed is a delivery too. The table of deliveries is made anew, for its states and kinds; then what hangs on it.
ALTER TABLE studies ADD COLUMN settled_changes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE studies ADD COLUMN settled_result TEXT NOT NULL DEFAULT '';
-- Nothing of the time before is printed by itself.
UPDATE studies SET settled_changes = changes, settled_result = 'unknown' WHERE state = 'quiet' OR version > 0;

ALTER TABLE deliveries RENAME TO old_deliveries;
CREATE TABLE deliveries (
    sequence            INTEGER PRIMARY KEY AUTOINCREMENT,
    id                  TEXT NOT NULL UNIQUE,
    kind                TEXT NOT NULL
                        CHECK (kind IN
                            ('original', 'report_pdf', 'overlay', 'structured_report', 'segmentation', 'print')),
    study_key           TEXT NOT NULL REFERENCES studies (key),
    instance_id         TEXT REFERENCES instances (id),
    state               TEXT NOT NULL DEFAULT 'waiting'
                        CHECK (state IN ('waiting', 'confirmed', 'refused', 'superseded', 'dismissed')),
    sop_class_uid       TEXT NOT NULL,
    sop_instance_uid    TEXT,                          -- NULL of a print, whose class is ''
    spool_name          TEXT,                          -- NULL as long as it must not be sent yet
    byte_count          INTEGER NOT NULL DEFAULT 0,
    urgent              INTEGER NOT NULL DEFAULT 0,
    posted              INTEGER NOT NULL DEFAULT 0,    -- 1: sent without a clear answer; ask before sending again
    attempts            INTEGER NOT NULL DEFAULT 0,
    last_error          TEXT NOT NULL DEFAULT '',
    created_at          TEXT NOT NULL,
    ended_at            TEXT,
    file_digest         TEXT NOT NULL DEFAULT '',      -- of the spool file's content, once a reader has written it
    failures            INTEGER NOT NULL DEFAULT 0,    -- in a row, over this very delivery; 0 = in its first turn
    due_at              REAL NOT NULL DEFAULT 0,       -- not before; on the monotonic clock of the process that runs
    renamed             INTEGER NOT NULL DEFAULT 0     -- 1: the file holds another UID, and gets this one as it is sent
) STRICT;
INSERT INTO deliveries (sequence, id, kind, study_key, instance_id, state, sop_class_uid, sop_instance_uid, spool_name,
    byte_count, urgent, posted, attempts, last_error, created_at, ended_at, file_digest, failures, due_at, renamed)
    SELECT sequence, id, kind, study_key, instance_id, state, sop_class_uid, sop_instance_uid, spool_name, byte_count,
        urgent, posted, attempts, last_error, created_at, ended_at, file_digest, failures, due_at, renamed
    FROM old_deliveries;
DROP TABLE old_deliveries;
CREATE INDEX deliveries_fresh ON deliveries (urgent DESC, sequence)
    WHERE state = 'waiting' AND failures = 0 AND spool_name IS NOT NULL;
CREATE INDEX deliveries_to_retry ON deliveries (urgent, due_at)
    WHERE state = 'waiting' AND failures > 0 AND spool_name IS NOT NULL;
CREATE INDEX deliveries_by_state ON deliveries (state, sequence);
CREATE INDEX deliveries_by_study ON deliveries (study_key);
CREATE INDEX deliveries_by_instance ON deliveries (instance_id);
-- An object is owed once. Its UID is what it is known by: no two contents are ever sent under one.
CREATE UNIQUE INDEX deliveries_once ON deliveries (sop_instance_uid);
CREATE INDEX deliveries_to_print ON deliveries (urgent DESC, sequence) WHERE state = 'waiting' AND kind = 'print';

-- What is, or was, printed: a row beside that of its delivery. It is handed over in steps, each of which is noted before
-- it is taken: so it is known after a kill what the print server may have.
CREATE TABLE prints (
    delivery_id         TEXT PRIMARY KEY REFERENCES deliveries (id) ON DELETE CASCADE,
    version             INTEGER NOT NULL,              -- of the report
    result              TEXT NOT NULL,                 -- what it came to: the same for reports with the same result
    printer             TEXT NOT NULL,                 -- the name of a queue, or an address
    copies              INTEGER NOT NULL,
    page_size           TEXT NOT NULL,
    on_request          INTEGER NOT NULL DEFAULT 0,    -- a person asked for it
    sheet_made          INTEGER NOT NULL DEFAULT 0,    -- its file is there
    job_name            TEXT NOT NULL DEFAULT '',      -- noted before a job of that name is made; '' before that
    job_id              INTEGER,                       -- the print server's; NULL until it has told
    handed_at           TEXT                           -- local ISO time; NULL as long as no byte of it was handed over
) STRICT, WITHOUT ROWID;

INSERT INTO counts VALUES
    ('deliveries', 'superseded', 0), ('prints', 'waiting', 0), ('prints', 'confirmed', 0), ('prints', 'refused', 0),
    ('prints', 'superseded', 0), ('prints', 'dismissed', 0);
CREATE TRIGGER delivery_added AFTER INSERT ON deliveries BEGIN
    UPDATE counts SET total = total + 1
    WHERE what = iif(NEW.kind = 'print', 'prints', 'deliveries') AND state = NEW.state;
END;
CREATE TRIGGER delivery_removed AFTER DELETE ON deliveries BEGIN
    UPDATE counts SET total = total - 1
    WHERE what = iif(OLD.kind = 'print', 'prints', 'deliveries') AND state = OLD.state;
END;
CREATE TRIGGER delivery_moved AFTER UPDATE OF state ON deliveries WHEN OLD.state <> NEW.state BEGIN
    SELECT RAISE(ABORT, 'a delivery cannot change its state this way') WHERE NOT (
        (OLD.state = 'waiting' AND NEW.state IN ('confirmed', 'refused'))
        OR (OLD.state IN ('waiting', 'refused') AND NEW.state = 'superseded')
        OR (OLD.state = 'refused' AND NEW.state IN ('waiting', 'dismissed'))
        OR (OLD.state = 'superseded' AND NEW.state = 'dismissed'));
    UPDATE counts SET total = total - 1
    WHERE what = iif(NEW.kind = 'print', 'prints', 'deliveries') AND state = OLD.state;
    UPDATE counts SET total = total + 1
    WHERE what = iif(NEW.kind = 'print', 'prints', 'deliveries') AND state = NEW.state;
END;
