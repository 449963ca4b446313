"""The watched folders: from a file that rests to the spool. Main process."""
