-- The number by which people speak of an exam. The start gives one to each that was there before.
ALTER TABLE studies ADD COLUMN exam_number TEXT;
CREATE UNIQUE INDEX studies_by_number ON studies (exam_number) WHERE exam_number IS NOT NULL;
CREATE INDEX studies_without_number ON studies (sequence) WHERE exam_number IS NULL;
