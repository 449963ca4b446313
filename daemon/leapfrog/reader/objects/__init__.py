"""DICOM objects that we make: how their pixels are described, and how they are written. Reader."""
