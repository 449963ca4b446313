-- Which DICOM objects of a study's last report could not be made, and why; shown by `status`.
ALTER TABLE studies ADD COLUMN not_made TEXT NOT NULL DEFAULT '[]';
CREATE INDEX studies_not_made ON studies (sequence) WHERE not_made <> '[]';
