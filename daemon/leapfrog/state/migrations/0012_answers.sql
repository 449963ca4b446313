-- What radiologists at the district answer: asked about, fetched and shown.

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

CREATE TRIGGER delivery_may_be_answered AFTER UPDATE OF state ON deliveries
    WHEN NEW.state = 'confirmed' AND OLD.state <> 'confirmed' AND NEW.destination <> '' BEGIN
    INSERT OR IGNORE INTO answer_questions (study_key, destination, asked_at)
    VALUES (NEW.study_key, NEW.destination, CAST(strftime('%s', 'now') AS REAL));
END;

-- What arrived before this step may be answered as well.
INSERT INTO answer_questions (study_key, destination, asked_at)
    SELECT study_key, destination, 0 FROM deliveries WHERE state = 'confirmed' AND destination <> ''
    GROUP BY study_key, destination ORDER BY min(sequence);
