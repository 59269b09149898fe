INSERT INTO media (id, title, kind, year) VALUES
  ('b3b1c1de-0001-4a00-8000-000000000001', 'A Trip to the Moon', 'film', 1902),
  ('b3b1c1de-0002-4a00-8000-000000000002', 'Metropolis', 'film', 1927),
  ('b3b1c1de-0003-4a00-8000-000000000003', 'Goldberg Variations', 'album', 1955),
  ('b3b1c1de-0004-4a00-8000-000000000004', 'Kind of Blue', 'album', 1959),
  ('b3b1c1de-0005-4a00-8000-000000000005', 'The Time Machine', 'book', 1895),
  ('b3b1c1de-0006-4a00-8000-000000000006', 'Frankenstein', 'book', 1818),
  ('b3b1c1de-0007-4a00-8000-000000000007', 'Fantomas', 'series', 1913)
ON CONFLICT (id) DO NOTHING;
