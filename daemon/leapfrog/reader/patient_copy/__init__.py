"""The DICOM files of a patient's own copy: each object as viewers read it, and the DICOMDIR that lists them."""
