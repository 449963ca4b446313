-- Originals in other transfer syntaxes, and which of these a destination does not take.
CREATE TABLE encodings (
    id                  TEXT PRIMARY KEY,              -- ours; names the spool file
    instance_id         TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
    transfer_syntax_uid TEXT NOT NULL,
    state               TEXT NOT NULL DEFAULT 'wanted' CHECK (state IN ('wanted', 'ready', 'as_it_came')),
    attempts            INTEGER NOT NULL DEFAULT 0,    -- to make it, each counted before it begins
    spool_name          TEXT,                          -- NULL as long as it is not made
    byte_count          INTEGER NOT NULL DEFAULT 0,
    file_digest         TEXT NOT NULL DEFAULT '',
    reason              TEXT NOT NULL DEFAULT '',      -- why the original goes as it came
    UNIQUE (instance_id, transfer_syntax_uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX encodings_by_state ON encodings (state) WHERE state <> 'as_it_came';

-- What a destination refused is not tried again, until its setting changes or a month has passed.
CREATE TABLE declined_syntaxes (
    destination         TEXT NOT NULL,
    transfer_syntax_uid TEXT NOT NULL,
    setting             TEXT NOT NULL,                 -- what the settings said then of what it takes
    declined_on         TEXT NOT NULL,                 -- YYYY-MM-DD
    PRIMARY KEY (destination, transfer_syntax_uid)
) STRICT, WITHOUT ROWID;
