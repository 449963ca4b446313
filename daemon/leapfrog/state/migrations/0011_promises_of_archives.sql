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

-- Whatever became of a delivery, nobody is asked about it any more.
CREATE TRIGGER promise_not_needed AFTER UPDATE OF state ON deliveries WHEN NEW.state <> 'waiting' BEGIN
    DELETE FROM handed_over WHERE delivery_id = NEW.id;
END;
