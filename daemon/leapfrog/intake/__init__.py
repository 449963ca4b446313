"""The ways in: the DICOM receiver and the watched folders. Main process."""
