-- Several destinations: a delivery says to which one it is owed. The table of deliveries is made anew, for its kinds; then
-- what hangs on it.
CREATE TABLE new_deliveries (
    sequence            INTEGER PRIMARY KEY AUTOINCREMENT,
    id                  TEXT NOT NULL UNIQUE,
    kind                TEXT NOT NULL
                        CHECK (kind IN ('original', 'report_pdf', 'overlay', 'structured_report', 'segmentation',
                            'preview', 'print')),
    destination         TEXT NOT NULL DEFAULT 'district',  -- its name in the settings; '' of a print
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
    renamed             INTEGER NOT NULL DEFAULT 0,    -- 1: the file holds another UID, and gets this one as it is sent
    -- What is worth most goes first. Of results the newest, of originals the one that has waited for longest.
    rank                INTEGER NOT NULL GENERATED ALWAYS AS (
                            CASE kind WHEN 'structured_report' THEN iif(urgent, 0, 2)
                            WHEN 'report_pdf' THEN iif(urgent, 1, 3) WHEN 'preview' THEN 4 WHEN 'segmentation' THEN 5
                            WHEN 'overlay' THEN 6 WHEN 'original' THEN iif(urgent, 7, 8) ELSE 9 END) VIRTUAL,
    place               INTEGER NOT NULL GENERATED ALWAYS AS (iif(kind = 'original', sequence, -sequence)) VIRTUAL
) STRICT;
INSERT INTO new_deliveries (sequence, id, kind, destination, study_key, instance_id, state, sop_class_uid, sop_instance_uid,
    spool_name, byte_count, urgent, posted, attempts, last_error, created_at, ended_at, file_digest, failures, due_at,
    renamed)
    SELECT sequence, id, kind, iif(kind = 'print', '', 'district'), study_key, instance_id, state, sop_class_uid,
        sop_instance_uid, spool_name, byte_count, urgent, posted, attempts, last_error, created_at, ended_at, file_digest,
        failures, due_at, renamed
    FROM deliveries;
UPDATE sqlite_sequence SET seq = max(seq, (SELECT seq FROM sqlite_sequence WHERE name = 'deliveries'))
    WHERE name = 'new_deliveries';
DROP TABLE deliveries;
ALTER TABLE new_deliveries RENAME TO deliveries;
CREATE INDEX deliveries_fresh ON deliveries (destination, rank, place)
    WHERE state = 'waiting' AND failures = 0 AND spool_name IS NOT NULL;
CREATE INDEX deliveries_to_retry ON deliveries (destination, rank, due_at)
    WHERE state = 'waiting' AND failures > 0 AND spool_name IS NOT NULL;
CREATE INDEX deliveries_by_state ON deliveries (state, sequence);
CREATE INDEX deliveries_owed ON deliveries (destination, state, sequence) WHERE state IN ('waiting', 'refused');
CREATE INDEX deliveries_by_study ON deliveries (study_key);
CREATE INDEX deliveries_by_instance ON deliveries (instance_id);
-- An object is owed to a destination once. Its UID is what it is known by: no two contents are ever sent under one.
CREATE UNIQUE INDEX deliveries_once ON deliveries (sop_instance_uid, destination);
CREATE INDEX deliveries_to_print ON deliveries (urgent DESC, sequence) WHERE state = 'waiting' AND kind = 'print';

-- How many deliveries there are and how many bytes they have, kept by triggers like the counts above.
CREATE TABLE delivery_totals (
    destination         TEXT NOT NULL,
    kind                TEXT NOT NULL,
    state               TEXT NOT NULL,
    total               INTEGER NOT NULL,
    byte_count          INTEGER NOT NULL,
    PRIMARY KEY (destination, kind, state)
) STRICT, WITHOUT ROWID;
INSERT INTO delivery_totals
    SELECT destination, kind, state, count(*), sum(byte_count) FROM deliveries GROUP BY destination, kind, state;

CREATE TRIGGER delivery_added AFTER INSERT ON deliveries BEGIN
    UPDATE counts SET total = total + 1
    WHERE what = iif(NEW.kind = 'print', 'prints', 'deliveries') AND state = NEW.state;
    INSERT INTO delivery_totals VALUES (NEW.destination, NEW.kind, NEW.state, 1, NEW.byte_count)
        ON CONFLICT DO UPDATE SET total = total + excluded.total, byte_count = byte_count + excluded.byte_count;
END;
CREATE TRIGGER delivery_removed AFTER DELETE ON deliveries BEGIN
    UPDATE counts SET total = total - 1
    WHERE what = iif(OLD.kind = 'print', 'prints', 'deliveries') AND state = OLD.state;
    INSERT INTO delivery_totals VALUES (OLD.destination, OLD.kind, OLD.state, -1, -OLD.byte_count)
        ON CONFLICT DO UPDATE SET total = total + excluded.total, byte_count = byte_count + excluded.byte_count;
END;
CREATE TRIGGER delivery_moved AFTER UPDATE OF state ON deliveries WHEN OLD.state <> NEW.state BEGIN
    SELECT RAISE(ABORT, 'a delivery cannot change its state this way') WHERE NOT (
        (OLD.state = 'waiting' AND NEW.state IN ('confirmed', 'refused'))
        OR (OLD.state IN ('waiting', 'refused') AND NEW.state IN ('superseded', 'dismissed'))
        OR (OLD.state = 'refused' AND NEW.state = 'waiting')
        OR (OLD.state = 'superseded' AND NEW.state = 'dismissed'));
    UPDATE counts SET total = total - 1
    WHERE what = iif(NEW.kind = 'print', 'prints', 'deliveries') AND state = OLD.state;
    UPDATE counts SET total = total + 1
    WHERE what = iif(NEW.kind = 'print', 'prints', 'deliveries') AND state = NEW.state;
END;
CREATE TRIGGER delivery_counted AFTER UPDATE OF state, byte_count ON deliveries
    WHEN OLD.state <> NEW.state OR OLD.byte_count <> NEW.byte_count BEGIN
    INSERT INTO delivery_totals VALUES (OLD.destination, OLD.kind, OLD.state, -1, -OLD.byte_count)
        ON CONFLICT DO UPDATE SET total = total + excluded.total, byte_count = byte_count + excluded.byte_count;
    INSERT INTO delivery_totals VALUES (NEW.destination, NEW.kind, NEW.state, 1, NEW.byte_count)
        ON CONFLICT DO UPDATE SET total = total + excluded.total, byte_count = byte_count + excluded.byte_count;
END;

-- What each destination was to get when the box last started, so that one that is new, or gets more, is known. One that
-- the settings have no more stays here as long as something waits for it.
CREATE TABLE destinations (
    name                TEXT PRIMARY KEY,
    kinds               TEXT,                          -- a JSON list; NULL: the settings have it no more
    rules               TEXT NOT NULL DEFAULT '',      -- which exams it gets, as JSON; '': every one
    exams_after         INTEGER NOT NULL DEFAULT 0     -- it gets what is of instances with larger sequence numbers
) STRICT, WITHOUT ROWID;
INSERT INTO destinations (name, kinds) SELECT 'district', value FROM facts WHERE name = 'wanted_kinds' AND value <> '[]';
DELETE FROM facts WHERE name = 'wanted_kinds';
