-- Sticks carry what no link does, exams are forgotten on request, and a district looks after many boxes.
-- What was written on sticks: only what stands here can be confirmed by a receipt, and each only once.
CREATE TABLE exported (
    delivery_id         TEXT NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
    export_id           TEXT NOT NULL,                 -- of one run of `leapfrog export`
    content_sha256      TEXT NOT NULL,                 -- of the bytes that went, as lower-case hexadecimal
    exported_at         TEXT NOT NULL,                 -- local ISO time, for people
    PRIMARY KEY (delivery_id, export_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX exported_by_export ON exported (export_id);

-- What a person had forgotten (`leapfrog forget`): it is never taken up again from a spool, a backup or a stick.
CREATE TABLE forgotten_on_request (
    instance_id         TEXT PRIMARY KEY,              -- ours, and the name of its spool file
    study_key           TEXT NOT NULL,
    sop_instance_uid    TEXT NOT NULL,                 -- '' when it had none
    file_digest         TEXT NOT NULL,
    place               TEXT NOT NULL,                 -- SHA-256 of its path in a watched folder; '' if it had none
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
