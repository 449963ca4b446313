"""`leapfrog export DIR --exam EXAM`: a patient's own copy of an exam, a medium with a DICOMDIR that viewers read.

The command opens no image: a child without rights does (`reader/patient_copy/`).
"""
