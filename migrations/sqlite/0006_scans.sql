-- +goose Up
-- The newest visit of each endpoint from each place; what it saw is evidence, and that is kept for ever.
CREATE TABLE probe_visits (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  service_id INTEGER NOT NULL REFERENCES services(id),
  environment_id INTEGER NOT NULL REFERENCES environments(id),
  address TEXT NOT NULL,
  target TEXT NOT NULL DEFAULT '',
  seen_from TEXT NOT NULL,
  run_id INTEGER NOT NULL DEFAULT 0,
  reached BOOLEAN NOT NULL,
  expected BOOLEAN NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  anonymous TEXT NOT NULL DEFAULT 'unknown',
  passed INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  report TEXT NOT NULL DEFAULT '',
  duration_ms INTEGER NOT NULL DEFAULT 0,
  visited_at DATETIME NOT NULL,
  reached_at DATETIME
);
CREATE UNIQUE INDEX probe_visits_place ON probe_visits (workspace_id, service_id, environment_id, address, seen_from);
