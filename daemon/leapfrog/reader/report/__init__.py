"""What staff read about an exam: page, PDF, pictures, and the DICOM objects that carry them to the district. Reader."""
