-- The journal: one row per instance, study and delivery, with its state. The steps in migrations/ bring an older one
-- to this schema; the number of the last step is the version (PRAGMA user_version).
-- Rows are ordered by `sequence`, never by time: the clock of a box may be years off and may jump.

CREATE TABLE studies (
    sequence            INTEGER PRIMARY KEY AUTOINCREMENT,
    key                 TEXT NOT NULL UNIQUE,          -- ours; names the report's folder, holds nothing of the patient
    study_instance_uid  TEXT NOT NULL,                 -- '' when the instance has none: then each is its own study
    patient_id          TEXT NOT NULL,
    issuer              TEXT NOT NULL,
    received_at         TEXT NOT NULL,                 -- local ISO time of the first instance, for people
    received_date       TEXT NOT NULL,                 -- YYYY-MM-DD; the report's parent folder
    state               TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'quiet')),
    version             INTEGER NOT NULL DEFAULT 0,    -- of the last committed report; 0 = none yet
    published_version   INTEGER NOT NULL DEFAULT 0,    -- what the folder that staff open shows
    derived_version     INTEGER NOT NULL DEFAULT 0,    -- the last version whose DICOM objects are owed
    changes             INTEGER NOT NULL DEFAULT 0,    -- incremented with every reading
    reported_changes    INTEGER NOT NULL DEFAULT 0,    -- the value that the last committed report covers
    urgent              INTEGER NOT NULL DEFAULT 0,
    finished_day        INTEGER,                       -- first found finished then; of the days in kept_days.py
    worklist_row        TEXT NOT NULL DEFAULT '{}',    -- its line in the worklist, as JSON
    not_made            TEXT NOT NULL DEFAULT '[]',    -- JSON: one sentence per DICOM object the last report lacks
    exam_number         TEXT,                          -- by which people speak of it; NULL until it has one
    settled_changes     INTEGER NOT NULL DEFAULT 0,    -- the value of `changes` for which it was decided what is printed
    settled_result      TEXT NOT NULL DEFAULT '',      -- what the report came to then; 'unknown' before printing existed
    -- What it counts for in `weeks`, by its line in the worklist: nothing if it is a demonstration, an exam of nobody.
    -- The week is that of ISO 8601 in which it was received; NULL where that is no date.
    week                TEXT GENERATED ALWAYS AS (
                            strftime('%Y', received_date, '-3 days', 'weekday 4') || '-W' || substr(
                                '0' || ((strftime('%j', received_date, '-3 days', 'weekday 4') - 1) / 7 + 1), -2)) VIRTUAL,
    is_exam             INTEGER GENERATED ALWAYS AS (
                            coalesce(NOT json_extract(worklist_row, '$.phantom'), 1)) VIRTUAL,
    is_not_assessed     INTEGER GENERATED ALWAYS AS (
                            coalesce(json_extract(worklist_row, '$.kind') = 'not_assessed', 0)) VIRTUAL,
    is_answered         INTEGER GENERATED ALWAYS AS (
                            coalesce(json_extract(worklist_row, '$.radiologist_answered'), 0)) VIRTUAL,
    is_differing        INTEGER GENERATED ALWAYS AS (
                            coalesce(json_extract(worklist_row, '$.answer_differs')
                                AND json_extract(worklist_row, '$.radiologist_answered'), 0)) VIRTUAL
) STRICT;
CREATE UNIQUE INDEX studies_by_identity ON studies (study_instance_uid, patient_id, issuer)
    WHERE study_instance_uid <> '';
CREATE UNIQUE INDEX studies_by_number ON studies (exam_number) WHERE exam_number IS NOT NULL;
CREATE INDEX studies_without_number ON studies (sequence) WHERE exam_number IS NULL;
CREATE INDEX studies_open ON studies (sequence) WHERE state = 'open';
CREATE INDEX studies_finished ON studies (finished_day) WHERE state = 'quiet';
CREATE INDEX studies_unpublished ON studies (urgent, sequence) WHERE published_version < version;
CREATE INDEX studies_not_made ON studies (sequence) WHERE not_made <> '[]';

CREATE TABLE instances (
    sequence            INTEGER PRIMARY KEY AUTOINCREMENT,
    id                  TEXT NOT NULL UNIQUE,          -- ours; names the spool file
    study_key           TEXT NOT NULL REFERENCES studies (key),
    state               TEXT NOT NULL DEFAULT 'received'
                        CHECK (state IN ('received', 'read', 'set_aside', 'forward_only')),
    reason              TEXT NOT NULL DEFAULT '',
    sop_instance_uid    TEXT NOT NULL,                 -- '' when it has none
    sop_class_uid       TEXT NOT NULL,
    source              TEXT NOT NULL,
    received_at         TEXT NOT NULL,
    spool_name          TEXT NOT NULL,
    byte_count          INTEGER NOT NULL,
    picture             TEXT,                          -- JSON: identity and hints of what is not DICOM
    hints               TEXT NOT NULL DEFAULT '{}',
    forward_as          TEXT,                          -- a new UID, because another instance already had its own
    dataset_sha256      TEXT NOT NULL DEFAULT '',
    attempts            INTEGER NOT NULL DEFAULT 0,    -- readers that died while reading it
    engine_failures     INTEGER NOT NULL DEFAULT 0,
    interruptions       INTEGER NOT NULL DEFAULT 0,    -- attempts cut short because the daemon ended
    attempt_number      INTEGER NOT NULL DEFAULT 0,    -- counts every attempt; versions its files
    attempt_open        INTEGER NOT NULL DEFAULT 0,
    reading             TEXT,                          -- JSON of ImageReading
    file_digest         TEXT NOT NULL DEFAULT '',      -- of the spool file's content, as it was acknowledged
    file_problem        TEXT NOT NULL DEFAULT '' CHECK (file_problem IN ('', 'missing', 'damaged')),
    file_problem_since  TEXT,                          -- local ISO time, for people
    same_as             TEXT,                          -- id of the instance whose image this is, in another syntax
    turn                INTEGER NOT NULL DEFAULT 0     -- 0: read as it comes. A cine waits behind films, and so does
                                                       -- what is read again, and what failed: 1 more for each failure
) STRICT;
CREATE INDEX instances_with_file_problem ON instances (sequence) WHERE file_problem <> '';
CREATE INDEX instances_waiting ON instances (turn, sequence) WHERE state = 'received' AND attempt_open = 0;
CREATE INDEX instances_unread ON instances (study_key) WHERE state = 'received';
CREATE INDEX instances_by_state ON instances (state, sequence);
CREATE INDEX instances_by_study ON instances (study_key, sequence);
CREATE INDEX instances_by_uid ON instances (sop_instance_uid) WHERE sop_instance_uid <> '';
CREATE INDEX instances_renamed ON instances (sequence) WHERE forward_as IS NOT NULL;
CREATE INDEX instances_by_accession
    ON instances (json_extract(picture, '$.accession_number'), json_extract(picture, '$.patient_id'))
    WHERE picture IS NOT NULL;
CREATE INDEX instances_in_attempt ON instances (sequence) WHERE attempt_open = 1;

-- The files that the folder watcher has taken: one that stays in its folder is taken only once, even after a restart.
CREATE TABLE folder_files (
    path                TEXT PRIMARY KEY,
    byte_count          INTEGER NOT NULL,
    modified_ns         INTEGER NOT NULL,
    inode               INTEGER NOT NULL,              -- only a hint: after a remount it may be another
    instance_id         TEXT NOT NULL,
    file_digest         TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

CREATE TABLE deliveries (
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

-- The reports of studies that were deleted: their folders may be on another disk, and are deleted after the rows.
CREATE TABLE forgotten_reports (
    key                 TEXT PRIMARY KEY,
    received_date       TEXT NOT NULL
) STRICT, WITHOUT ROWID;

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

-- About which exams a destination is asked whether a radiologist has answered: from when something of them arrived there.
CREATE TABLE answer_questions (
    sequence            INTEGER PRIMARY KEY,
    study_key           TEXT NOT NULL REFERENCES studies (key) ON DELETE CASCADE,
    destination         TEXT NOT NULL,
    asked               INTEGER NOT NULL DEFAULT 0,    -- how often
    asked_at            REAL NOT NULL,                 -- seconds since 1970, by the clock of then
    held                INTEGER,                       -- instances there when all were looked at; NULL before
    over                INTEGER NOT NULL DEFAULT 0,    -- 1: it is not asked about any more
    UNIQUE (study_key, destination)
) STRICT;
CREATE INDEX answer_questions_open ON answer_questions (destination, sequence) WHERE over = 0;

-- Documents that may be a radiologist's answer. Their files are in the folder `answers`, named by the id.
CREATE TABLE answers (
    sequence            INTEGER PRIMARY KEY AUTOINCREMENT,
    id                  TEXT NOT NULL UNIQUE,
    study_key           TEXT NOT NULL REFERENCES studies (key) ON DELETE CASCADE,
    state               TEXT NOT NULL DEFAULT 'listed' CHECK (state IN
                            ('listed', 'fetched', 'shown', 'another_patient', 'unsure_patient', 'no_answer', 'unreadable')),
    sop_class_uid       TEXT NOT NULL,
    sop_instance_uid    TEXT NOT NULL,
    series_instance_uid TEXT NOT NULL,
    received_at         TEXT NOT NULL,                 -- local ISO time, for people
    byte_count          INTEGER NOT NULL DEFAULT 0,
    file_digest         TEXT NOT NULL DEFAULT '',
    attempts            INTEGER NOT NULL DEFAULT 0,    -- to fetch it; once it is here, to examine it
    judgement           TEXT NOT NULL DEFAULT '',      -- what kind of document it is
    content             TEXT NOT NULL DEFAULT '',      -- JSON of Document, of one that is shown
    last_error          TEXT NOT NULL DEFAULT '',
    UNIQUE (study_key, sop_instance_uid)
) STRICT;
CREATE INDEX answers_by_state ON answers (state, sequence);
CREATE INDEX answers_of_others ON answers (sequence) WHERE state IN ('another_patient', 'unsure_patient');

-- Where each of them lies, and in how many looks in a row it was not found there any more.
CREATE TABLE answer_places (
    answer_id           TEXT NOT NULL REFERENCES answers (id) ON DELETE CASCADE,
    destination         TEXT NOT NULL,
    missing             INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (answer_id, destination)
) STRICT, WITHOUT ROWID;

-- Instances that were confirmed by the district and then deleted here, so that storage commitment can still answer.
CREATE TABLE forgotten_instances (
    sequence            INTEGER PRIMARY KEY AUTOINCREMENT,
    sop_instance_uid    TEXT NOT NULL UNIQUE,
    sop_class_uid       TEXT NOT NULL,
    other_content       INTEGER NOT NULL DEFAULT 0     -- 1: something else had this UID as well
) STRICT;

-- What is owed, in other transfer syntaxes, made for the way out.
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
CREATE INDEX encodings_by_state ON encodings (state) WHERE state <> 'as_it_came';
CREATE TRIGGER encoding_of_nothing AFTER DELETE ON deliveries WHEN OLD.sop_instance_uid IS NOT NULL BEGIN
    DELETE FROM encodings WHERE sop_instance_uid = OLD.sop_instance_uid
        AND NOT EXISTS (SELECT 1 FROM deliveries WHERE sop_instance_uid = OLD.sop_instance_uid);
END;

-- Which transfer syntaxes a destination does not take. What it refused is not tried again, until its setting changes or a month has passed.
CREATE TABLE declined_syntaxes (
    destination         TEXT NOT NULL,
    transfer_syntax_uid TEXT NOT NULL,
    setting             TEXT NOT NULL,                 -- what the settings said then of what it takes
    declined_on         TEXT NOT NULL,                 -- YYYY-MM-DD
    PRIMARY KEY (destination, transfer_syntax_uid)
) STRICT, WITHOUT ROWID;

-- What archives have stored, but not promised to keep yet (storage commitment, with this box as the SCU).
CREATE TABLE handed_over (
    delivery_id         TEXT PRIMARY KEY REFERENCES deliveries (id) ON DELETE CASCADE,
    destination         TEXT NOT NULL,
    -- stored, and to be asked about; asked about; promised; not promised, so that it is sent again
    state               TEXT NOT NULL CHECK (state IN ('stored', 'asked', 'kept', 'not_kept')),
    reason              INTEGER NOT NULL DEFAULT 0,    -- the last failure reason (PS3.3 Section C.14.1.1)
    times_not_kept      INTEGER NOT NULL DEFAULT 0,
    handed_over_at      TEXT NOT NULL                  -- local ISO time, for people
) STRICT, WITHOUT ROWID;
CREATE INDEX handed_over_by_state ON handed_over (destination, state);

-- The questions that are open: an archive may answer after days, and an earlier one after a later one.
CREATE TABLE asked_promises (
    transaction_uid     TEXT NOT NULL,
    delivery_id         TEXT NOT NULL REFERENCES handed_over (delivery_id) ON DELETE CASCADE,
    PRIMARY KEY (transaction_uid, delivery_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX asked_promises_by_delivery ON asked_promises (delivery_id);

-- The parts that were written on sticks, each noted before it gets its name there.
CREATE TABLE exported_parts (
    sequence            INTEGER PRIMARY KEY AUTOINCREMENT,
    export_id           TEXT NOT NULL,                 -- of one run of `leapfrog export`
    part                INTEGER NOT NULL,              -- 1, 2, ...
    destination         TEXT NOT NULL,                 -- its name in the settings
    public_key          TEXT NOT NULL,                 -- of the district, to which it is encrypted
    station_key         TEXT NOT NULL,                 -- with which this box signed it, raw, as lower-case hexadecimal
    byte_count          INTEGER NOT NULL,              -- of the encrypted file
    file_sha256         TEXT NOT NULL,                 -- of it, as lower-case hexadecimal
    -- 1: it got its name there; 2: since then, a receipt came, or nothing in it waits any more, or it is gone
    on_stick            INTEGER NOT NULL DEFAULT 0 CHECK (on_stick IN (0, 1, 2)),
    exported_at         TEXT NOT NULL,                 -- local ISO time, for people
    receipt_at          TEXT,                          -- the same, of the last receipt for it; NULL before
    UNIQUE (export_id, part)
) STRICT;
CREATE INDEX exported_parts_by_destination ON exported_parts (destination, sequence);

-- What is in them: only what stands here can be confirmed by a receipt. A delivery that begins anew is taken out.
CREATE TABLE exported (
    delivery_id         TEXT NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
    export_id           TEXT NOT NULL,
    part                INTEGER NOT NULL,
    content_sha256      TEXT NOT NULL,                 -- of the bytes that went, as lower-case hexadecimal
    PRIMARY KEY (delivery_id, export_id),
    FOREIGN KEY (export_id, part) REFERENCES exported_parts (export_id, part)
) STRICT, WITHOUT ROWID;
CREATE INDEX exported_by_part ON exported (export_id, part);

-- What a person had forgotten (`leapfrog forget`): it is never taken up again from a spool, a backup or a stick.
CREATE TABLE forgotten_on_request (
    instance_id         TEXT PRIMARY KEY,              -- ours, and the name of its spool file
    study_key           TEXT NOT NULL,
    sop_instance_uid    TEXT NOT NULL,                 -- '' when it had none
    file_digest         TEXT NOT NULL,
    place               TEXT NOT NULL,                 -- SHA-256 of its path in a watched folder; '' if it had none
    whose               TEXT NOT NULL,                 -- SHA-256 of its UID and the patient's number; '' for no DICOM
    forgotten_at        TEXT NOT NULL                  -- local ISO time, for people
) STRICT, WITHOUT ROWID;
CREATE INDEX forgotten_on_request_by_uid ON forgotten_on_request (sop_instance_uid) WHERE sop_instance_uid <> '';

-- What the exams of each week came to, and how many came on each day: kept by triggers. A deleted exam still counts.
CREATE TABLE weeks (
    week                TEXT PRIMARY KEY,              -- of the calendar, as ISO 8601 writes it: 2026-W48
    exams               INTEGER NOT NULL DEFAULT 0,
    urgent              INTEGER NOT NULL DEFAULT 0,
    not_assessed        INTEGER NOT NULL DEFAULT 0,    -- of which nothing was assessed
    answered            INTEGER NOT NULL DEFAULT 0,    -- by a radiologist
    differing           INTEGER NOT NULL DEFAULT 0     -- whose answer differs from what the box found
) STRICT, WITHOUT ROWID;
CREATE TABLE days (
    day                 TEXT PRIMARY KEY,              -- YYYY-MM-DD
    exams               INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Counts kept by triggers, so that `status` takes the same time with a hundred rows and with a hundred thousand.
CREATE TABLE counts (
    what                TEXT NOT NULL,
    state               TEXT NOT NULL,
    total               INTEGER NOT NULL,
    PRIMARY KEY (what, state)
) STRICT, WITHOUT ROWID;
INSERT INTO counts VALUES
    ('instances', 'received', 0), ('instances', 'read', 0), ('instances', 'set_aside', 0),
    ('instances', 'forward_only', 0), ('deliveries', 'waiting', 0), ('deliveries', 'confirmed', 0),
    ('deliveries', 'refused', 0), ('deliveries', 'superseded', 0), ('deliveries', 'dismissed', 0),
    ('prints', 'waiting', 0), ('prints', 'confirmed', 0), ('prints', 'refused', 0), ('prints', 'superseded', 0),
    ('prints', 'dismissed', 0);

-- How many deliveries there are and how many bytes they have, kept by triggers like the counts above.
CREATE TABLE delivery_totals (
    destination         TEXT NOT NULL,
    kind                TEXT NOT NULL,
    state               TEXT NOT NULL,
    total               INTEGER NOT NULL,
    byte_count          INTEGER NOT NULL,
    PRIMARY KEY (destination, kind, state)
) STRICT, WITHOUT ROWID;

-- What each destination was to get when the box last started, so that one that is new, or gets more, is known. One that
-- the settings have no more stays here until a person gives it up, so that it gets what it missed if it comes back.
CREATE TABLE destinations (
    name                TEXT PRIMARY KEY,
    kinds               TEXT,                          -- a JSON list; NULL: the settings have it no more
    rules               TEXT NOT NULL DEFAULT '',      -- which exams it gets, as JSON; '': every one
    exams_after         INTEGER NOT NULL DEFAULT 0     -- it gets what is of instances with larger sequence numbers
) STRICT, WITHOUT ROWID;

-- Single values that must outlive the rows they came from.
CREATE TABLE facts (
    name                TEXT PRIMARY KEY,
    value               TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER instance_added AFTER INSERT ON instances BEGIN
    UPDATE counts SET total = total + 1 WHERE what = 'instances' AND state = NEW.state;
END;
CREATE TRIGGER instance_removed AFTER DELETE ON instances BEGIN
    UPDATE counts SET total = total - 1 WHERE what = 'instances' AND state = OLD.state;
END;
CREATE TRIGGER instance_moved AFTER UPDATE OF state ON instances WHEN OLD.state <> NEW.state BEGIN
    SELECT RAISE(ABORT, 'an instance cannot change its state this way') WHERE NOT (
        (OLD.state = 'received' AND NEW.state IN ('read', 'set_aside', 'forward_only'))
        OR (OLD.state IN ('set_aside', 'read') AND NEW.state = 'received'));
    UPDATE counts SET total = total - 1 WHERE what = 'instances' AND state = OLD.state;
    UPDATE counts SET total = total + 1 WHERE what = 'instances' AND state = NEW.state;
END;

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

-- Whatever became of a delivery, nobody is asked about it any more.
CREATE TRIGGER promise_not_needed AFTER UPDATE OF state ON deliveries WHEN NEW.state <> 'waiting' BEGIN
    DELETE FROM handed_over WHERE delivery_id = NEW.id;
END;

CREATE TRIGGER delivery_may_be_answered AFTER UPDATE OF state ON deliveries
    WHEN NEW.state = 'confirmed' AND OLD.state <> 'confirmed' AND NEW.destination <> '' BEGIN
    INSERT OR IGNORE INTO answer_questions (study_key, destination, asked_at)
    VALUES (NEW.study_key, NEW.destination, CAST(strftime('%s', 'now') AS REAL));
END;

CREATE TRIGGER late_image_is_not_finished AFTER UPDATE OF state ON studies WHEN NEW.state = 'open' BEGIN
    UPDATE studies SET finished_day = NULL WHERE key = NEW.key;
END;

CREATE TRIGGER report_goes_forward BEFORE UPDATE OF version ON studies WHEN NEW.version < OLD.version BEGIN
    SELECT RAISE(ABORT, 'a report cannot go back to an older version');
END;

-- A study counts for the week in which it was received, as what its last report came to; also after it was deleted.
CREATE TRIGGER exam_counted AFTER INSERT ON studies WHEN NEW.week IS NOT NULL BEGIN
    INSERT INTO weeks (week) VALUES (NEW.week) ON CONFLICT DO NOTHING;
    INSERT INTO days VALUES (NEW.received_date, NEW.is_exam) ON CONFLICT DO UPDATE SET exams = exams + excluded.exams;
    UPDATE weeks SET exams = exams + NEW.is_exam, urgent = urgent + (NEW.is_exam AND NEW.urgent),
        not_assessed = not_assessed + (NEW.is_exam AND NEW.is_not_assessed),
        answered = answered + (NEW.is_exam AND NEW.is_answered),
        differing = differing + (NEW.is_exam AND NEW.is_differing)
    WHERE week = NEW.week;
END;
CREATE TRIGGER exam_counted_anew AFTER UPDATE OF worklist_row, urgent ON studies WHEN NEW.week IS NOT NULL BEGIN
    UPDATE days SET exams = exams + NEW.is_exam - OLD.is_exam WHERE day = NEW.received_date;
    UPDATE weeks SET exams = exams + NEW.is_exam - OLD.is_exam,
        urgent = urgent + (NEW.is_exam AND NEW.urgent) - (OLD.is_exam AND OLD.urgent),
        not_assessed = not_assessed + (NEW.is_exam AND NEW.is_not_assessed) - (OLD.is_exam AND OLD.is_not_assessed),
        answered = answered + (NEW.is_exam AND NEW.is_answered) - (OLD.is_exam AND OLD.is_answered),
        differing = differing + (NEW.is_exam AND NEW.is_differing) - (OLD.is_exam AND OLD.is_differing)
    WHERE week = NEW.week;
END;
