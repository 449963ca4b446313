-- Sticks carry what no link does, exams are forgotten on request, and a district looks after many boxes.
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

ALTER TABLE studies ADD COLUMN week TEXT GENERATED ALWAYS AS (
    strftime('%Y', received_date, '-3 days', 'weekday 4') || '-W' || substr(
        '0' || ((strftime('%j', received_date, '-3 days', 'weekday 4') - 1) / 7 + 1), -2)) VIRTUAL;
ALTER TABLE studies ADD COLUMN is_exam INTEGER GENERATED ALWAYS AS (
    coalesce(NOT json_extract(worklist_row, '$.phantom'), 1)) VIRTUAL;
ALTER TABLE studies ADD COLUMN is_not_assessed INTEGER GENERATED ALWAYS AS (
    coalesce(json_extract(worklist_row, '$.kind') = 'not_assessed', 0)) VIRTUAL;
ALTER TABLE studies ADD COLUMN is_answered INTEGER GENERATED ALWAYS AS (
    coalesce(json_extract(worklist_row, '$.radiologist_answered'), 0)) VIRTUAL;
ALTER TABLE studies ADD COLUMN is_differing INTEGER GENERATED ALWAYS AS (
    coalesce(json_extract(worklist_row, '$.answer_differs')
        AND json_extract(worklist_row, '$.radiologist_answered'), 0)) VIRTUAL;

-- Lines of the worklist do not say yet whether it was a radiologist who answered.
UPDATE studies SET worklist_row = json_set(worklist_row, '$.radiologist_answered', json('true'))
WHERE EXISTS (SELECT 1 FROM answers WHERE study_key = key AND answers.state = 'shown'
    AND judgement IN ('verified', 'unverified')
    AND EXISTS (SELECT 1 FROM answer_places WHERE answer_id = answers.id AND missing < 2));

INSERT INTO weeks SELECT week, sum(is_exam), sum(is_exam AND urgent), sum(is_exam AND is_not_assessed),
    sum(is_exam AND is_answered), sum(is_exam AND is_differing) FROM studies WHERE week IS NOT NULL GROUP BY week;
INSERT INTO days SELECT received_date, sum(is_exam) FROM studies WHERE week IS NOT NULL GROUP BY received_date;

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
