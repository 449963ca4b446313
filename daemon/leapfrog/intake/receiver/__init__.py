"""The DICOM receiver: from a modality's connection to the spool. Main process."""
