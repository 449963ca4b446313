"""The watched folders: files that have stopped changing are copied into the spool. Main process.

For the kinds of file that are taken, see `FileKind` in `file_kind.py`.
"""
