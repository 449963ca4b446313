-- The digest of each spool file as it was acknowledged, and what was found to be wrong with the file since.
ALTER TABLE instances ADD COLUMN file_sha256 TEXT NOT NULL DEFAULT '';
ALTER TABLE instances ADD COLUMN file_problem TEXT NOT NULL DEFAULT '' CHECK (file_problem IN ('', 'missing', 'damaged'));
ALTER TABLE instances ADD COLUMN file_problem_since TEXT;
CREATE INDEX instances_with_file_problem ON instances (sequence) WHERE file_problem <> '';
ALTER TABLE deliveries ADD COLUMN file_sha256 TEXT NOT NULL DEFAULT '';

-- A delivery that fails again and again never stands before one that was not tried yet.
ALTER TABLE deliveries ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN due_at REAL NOT NULL DEFAULT 0;
DROP INDEX deliveries_waiting;
CREATE INDEX deliveries_fresh ON deliveries (urgent DESC, sequence)
    WHERE state = 'waiting' AND failures = 0 AND spool_name IS NOT NULL;
CREATE INDEX deliveries_to_retry ON deliveries (urgent, due_at)
    WHERE state = 'waiting' AND failures > 0 AND spool_name IS NOT NULL;

-- What a taken file contained: after a remount, inodes may be new.
ALTER TABLE folder_files ADD COLUMN content_sha256 TEXT NOT NULL DEFAULT '';

-- Any single value may be kept.
ALTER TABLE facts RENAME TO old_facts;
CREATE TABLE facts (
    name                TEXT PRIMARY KEY,
    value               TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO facts SELECT name, value FROM old_facts;
DROP TABLE old_facts;

-- How old a study is was a difference of two times of the clock; now days are counted (kept_days.py), from today.
ALTER TABLE studies RENAME COLUMN finished_epoch TO finished_day;
UPDATE studies SET finished_day = NULL;
CREATE TABLE forgotten_reports (
    key                 TEXT PRIMARY KEY,
    received_date       TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What has no UID of its own is renamed as it is sent; no reader makes a copy. One that waits for a copy that no reader
-- will ever make can go.
ALTER TABLE instances ADD COLUMN same_as TEXT;
ALTER TABLE deliveries ADD COLUMN renamed INTEGER NOT NULL DEFAULT 0;
UPDATE deliveries SET renamed = 1 WHERE kind = 'original' AND spool_name IS NULL AND EXISTS
    (SELECT 1 FROM instances WHERE id = instance_id AND forward_as IS NOT NULL);
UPDATE deliveries SET (spool_name, byte_count) = (SELECT spool_name, byte_count FROM instances WHERE id = instance_id)
    WHERE renamed = 1 AND (SELECT state FROM instances WHERE id = instance_id) <> 'received';

-- An object is owed once. Of what an older Leapfrog may have owed twice, the row that came furthest stays; other content
-- under the same UID, which was never what the district kept, is owed under a UID of its own.
CREATE TEMP TABLE ranks (state TEXT PRIMARY KEY, rank INTEGER NOT NULL);
INSERT INTO ranks VALUES ('confirmed', 0), ('waiting', 1), ('refused', 2), ('dismissed', 3);
CREATE TEMP TABLE surplus AS SELECT id, instance_id, other_content, state FROM (
    SELECT id, instance_id, state, row_number() OVER uid AS place,
        instance_id IS NOT first_value(instance_id) OVER uid AS other_content
    FROM deliveries JOIN ranks USING (state)
    WINDOW uid AS (PARTITION BY sop_instance_uid ORDER BY rank, sequence)) WHERE place > 1;
DELETE FROM deliveries WHERE id IN (SELECT id FROM surplus);
UPDATE instances SET forward_as = minted_uid() WHERE forward_as IS NULL AND id IN
    (SELECT instance_id FROM surplus WHERE other_content AND state <> 'dismissed');
DROP TABLE surplus;
DROP TABLE ranks;
CREATE UNIQUE INDEX deliveries_once ON deliveries (sop_instance_uid);

-- Films are read before cines, and what is read again, or failed, goes behind what waits. An old instance counts as a
-- film.
ALTER TABLE instances ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
DROP INDEX instances_waiting;
CREATE INDEX instances_waiting ON instances (turn, sequence) WHERE state = 'received' AND attempt_open = 0;
CREATE INDEX instances_unread ON instances (study_key) WHERE state = 'received';

-- What is published next: urgent reports, then the newest.
DROP INDEX studies_unpublished;
CREATE INDEX studies_unpublished ON studies (urgent, sequence) WHERE published_version < version;

-- Their spool files lack a record; they get one in the background.
INSERT INTO facts SELECT 'older_files', min(sequence) || ' ' || max(sequence) FROM instances HAVING count(*) > 0;
