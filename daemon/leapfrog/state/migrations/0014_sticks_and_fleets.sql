-- Sticks carry what no link does, exams are forgotten on request, and a district looks after many boxes.
-- The parts that were written on sticks, each noted before it gets its name there.
CREATE TABLE exported_parts (
    sequence            INTEGER PRIMARY KEY AUTOINCREMENT,
    export_id           TEXT NOT NULL,                 -- of one run of `leapfrog export`
    part                INTEGER NOT NULL,              -- 1, 2, ...
    destination         TEXT NOT NULL,                 -- its name in the settings
    byte_count          INTEGER NOT NULL,              -- of the encrypted file
    file_sha256         TEXT NOT NULL,                 -- of it, as lower-case hexadecimal
    on_stick            INTEGER NOT NULL DEFAULT 0,    -- 1: it got its name
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
    sop_instance_uid    TEXT NOT NULL,                 -- '' when it had none
    file_digest         TEXT NOT NULL,
    forgotten_at        TEXT NOT NULL                  -- local ISO time, for people
) STRICT, WITHOUT ROWID;
CREATE INDEX forgotten_on_request_by_uid ON forgotten_on_request (sop_instance_uid) WHERE sop_instance_uid <> '';

-- What the exams of each week came to. A week whose exams were deleted keeps its numbers.
CREATE TABLE weeks (
    week                TEXT PRIMARY KEY,              -- of the calendar, as ISO 8601 writes it: 2026-W48
    exams               INTEGER NOT NULL DEFAULT 0,
    urgent              INTEGER NOT NULL DEFAULT 0,
    not_assessed        INTEGER NOT NULL DEFAULT 0,    -- of which nothing was assessed
    answered            INTEGER NOT NULL DEFAULT 0,    -- by a radiologist
    differing           INTEGER NOT NULL DEFAULT 0     -- whose answer differs from what the box found
) STRICT, WITHOUT ROWID;
