"""What staff read of an exam: page, PDF, pictures, and the DICOM objects that carry them on. Reader."""
