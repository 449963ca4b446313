-- Not originals alone are sent in other transfer syntaxes: what is made is known by the UID under which it is owed.
ALTER TABLE encodings RENAME TO encodings_of_originals;
CREATE TABLE encodings (
    id                  TEXT PRIMARY KEY,              -- ours; names the spool file
    sop_instance_uid    TEXT NOT NULL,                 -- under which the object is owed
    transfer_syntax_uid TEXT NOT NULL,
    state               TEXT NOT NULL DEFAULT 'wanted' CHECK (state IN ('wanted', 'ready', 'as_it_came')),
    attempts            INTEGER NOT NULL DEFAULT 0,    -- to make it, each counted before it begins
    spool_name          TEXT,                          -- NULL as long as it is not made
    byte_count          INTEGER NOT NULL DEFAULT 0,
    file_digest         TEXT NOT NULL DEFAULT '',
    reason              TEXT NOT NULL DEFAULT '',      -- why the original goes as it came
    UNIQUE (sop_instance_uid, transfer_syntax_uid)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO encodings
    SELECT one.id, coalesce((SELECT sop_instance_uid FROM deliveries WHERE instance_id = one.instance_id
            AND kind = 'original' LIMIT 1), instances.forward_as, instances.sop_instance_uid),
        transfer_syntax_uid, one.state, one.attempts, one.spool_name, one.byte_count, one.file_digest, one.reason
    FROM encodings_of_originals AS one JOIN instances ON instances.id = one.instance_id;
DROP TABLE encodings_of_originals;
CREATE INDEX encodings_by_state ON encodings (state) WHERE state <> 'as_it_came';
CREATE TRIGGER encoding_of_nothing AFTER DELETE ON deliveries WHEN OLD.sop_instance_uid IS NOT NULL BEGIN
    DELETE FROM encodings WHERE sop_instance_uid = OLD.sop_instance_uid
        AND NOT EXISTS (SELECT 1 FROM deliveries WHERE sop_instance_uid = OLD.sop_instance_uid);
END;
