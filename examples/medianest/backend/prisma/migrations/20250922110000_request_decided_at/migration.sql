-- Additive: a release that does not know the column goes on as before, and what it writes stays readable.
ALTER TABLE media_requests ADD COLUMN decided_at TIMESTAMPTZ;
