-- The digest of a file's content is XXH3 now; a SHA-256 that is there stays, and is known by its length.
ALTER TABLE instances RENAME COLUMN file_sha256 TO file_digest;
ALTER TABLE deliveries RENAME COLUMN file_sha256 TO file_digest;
ALTER TABLE folder_files RENAME COLUMN content_sha256 TO file_digest;
