CREATE TABLE media (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  title TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('film', 'series', 'album', 'book')),
  year INTEGER NOT NULL CHECK (year BETWEEN 1800 AND 2100)
);

CREATE TABLE media_requests (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  title TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('film', 'series', 'album', 'book')),
  year INTEGER NOT NULL,
  sealed_note TEXT NOT NULL DEFAULT '',
  requested_by TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE UNIQUE INDEX media_requests_once ON media_requests (requested_by, kind, year, lower(title));
