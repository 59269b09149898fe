-- Additive: a release that does not know the column goes on as before.
ALTER TABLE media_requests
  ADD COLUMN state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'fulfilled', 'declined'));
