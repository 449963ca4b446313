-- The digest of each spool file as it was acknowledged, and what was found to be wrong with the file since.
ALTER TABLE instances ADD COLUMN file_sha256 TEXT NOT NULL DEFAULT '';
ALTER TABLE instances ADD COLUMN file_problem TEXT NOT NULL DEFAULT '' CHECK (file_problem IN ('', 'missing', 'damaged'));
ALTER TABLE instances ADD COLUMN file_problem_since TEXT;
CREATE INDEX instances_with_file_problem ON instances (sequence) WHERE file_problem <> '';
ALTER TABLE deliveries ADD COLUMN file_sha256 TEXT NOT NULL DEFAULT '';

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
