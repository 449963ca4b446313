"""The watched folders: from a file that rests to the spool. Main process.

Which kinds of file are taken: `FileKind` in `file_kind.py`.
"""
