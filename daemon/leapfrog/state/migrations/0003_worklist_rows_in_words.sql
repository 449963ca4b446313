-- A study's row keeps its line of the worklist in words, as its report has them, and no longer the facts behind them.
ALTER TABLE studies RENAME COLUMN summary TO worklist_row;
UPDATE studies SET worklist_row = as_worklist_row(worklist_row, received_at) WHERE version > 0;
