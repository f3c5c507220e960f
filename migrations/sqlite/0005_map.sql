-- +goose Up
-- Tries of calls from inside a network: what the map draws as closed or unknown, found out. Nothing is overwritten; of one
-- pair and address the newest counts.
CREATE TABLE arc_tests (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  environment_id INTEGER NOT NULL,
  from_id INTEGER NOT NULL,
  to_id INTEGER NOT NULL,
  address TEXT NOT NULL DEFAULT '',
  connected BOOLEAN NOT NULL,
  answer TEXT NOT NULL DEFAULT '',
  observed TEXT NOT NULL DEFAULT '',
  seen_from TEXT NOT NULL DEFAULT '',
  expected TEXT NOT NULL DEFAULT '',
  actor_id INTEGER NOT NULL DEFAULT 0,
  actor_name TEXT NOT NULL DEFAULT '',
  at DATETIME NOT NULL,
  created_at DATETIME NOT NULL
);
CREATE INDEX arc_tests_pair ON arc_tests (workspace_id, environment_id, from_id, to_id, at);
CREATE INDEX evidence_said ON evidence (workspace_id, control, kind) WHERE superseded_at IS NULL AND retracted_at IS NULL;
