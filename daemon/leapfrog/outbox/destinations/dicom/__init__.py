"""The client of a DICOM archive: C-STORE to store an instance, C-FIND to ask whether it is there, storage commitment to
have it say that it keeps it. What speaks DIMSE is a child process (`leapfrog.dimse.store`).
"""
