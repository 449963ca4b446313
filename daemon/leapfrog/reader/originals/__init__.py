"""Makes a DICOM object to pass on from an original that cannot be passed on unchanged. Reader."""
