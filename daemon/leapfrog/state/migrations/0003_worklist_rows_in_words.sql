-- A study's row now holds its worklist line as finished text, worded like its report, instead of the facts behind it.
ALTER TABLE studies RENAME COLUMN summary TO worklist_row;
UPDATE studies SET worklist_row = as_worklist_row(worklist_row, received_at) WHERE version > 0;
