-- +goose Up
-- seed names what Muster made itself: the row stays when a person deletes it, so that it does not come back.
CREATE TABLE job_schedules (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  seed TEXT NOT NULL DEFAULT '',
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  spec TEXT NOT NULL,
  zone TEXT NOT NULL,
  payload TEXT NOT NULL DEFAULT '',
  catch_up TEXT NOT NULL,
  paused BOOLEAN NOT NULL DEFAULT FALSE,
  next_slot INTEGER NOT NULL DEFAULT 0,
  creator_id INTEGER NOT NULL DEFAULT 0,
  creator_name TEXT NOT NULL DEFAULT '',
  created_at DATETIME NOT NULL,
  updated_at DATETIME NOT NULL,
  deleted_at DATETIME
);
CREATE INDEX job_schedules_due ON job_schedules (next_slot) WHERE deleted_at IS NULL AND NOT paused;
CREATE INDEX job_schedules_list ON job_schedules (workspace_id, id) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX job_schedules_seed ON job_schedules (workspace_id, seed) WHERE seed <> '';

-- slot is the planned time in milliseconds, 0 for a run that a person or a program asked for. fence grows with every claim:
-- who holds an older one can write nothing.
CREATE TABLE job_runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  key TEXT NOT NULL DEFAULT '',
  payload TEXT NOT NULL DEFAULT '',
  schedule_id INTEGER NOT NULL DEFAULT 0,
  slot INTEGER NOT NULL DEFAULT 0,
  parent_id INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL,
  phase INTEGER NOT NULL DEFAULT 0,
  attempt INTEGER NOT NULL DEFAULT 0,
  max_attempts INTEGER NOT NULL,
  run_at INTEGER NOT NULL,
  lease_owner TEXT NOT NULL DEFAULT '',
  heartbeat INTEGER NOT NULL DEFAULT 0,
  fence INTEGER NOT NULL DEFAULT 0,
  cancel_requested BOOLEAN NOT NULL DEFAULT FALSE,
  open_children INTEGER NOT NULL DEFAULT 0,
  progress_done INTEGER NOT NULL DEFAULT 0,
  progress_total INTEGER NOT NULL DEFAULT 0,
  progress_words TEXT NOT NULL DEFAULT '',
  log_lines INTEGER NOT NULL DEFAULT 0,
  result TEXT NOT NULL DEFAULT '',
  result_words TEXT NOT NULL DEFAULT '',
  failure TEXT NOT NULL DEFAULT '',
  late BOOLEAN NOT NULL DEFAULT FALSE,
  due BOOLEAN NOT NULL DEFAULT FALSE,
  settled_by INTEGER NOT NULL DEFAULT 0,
  settler_name TEXT NOT NULL DEFAULT '',
  settled_at DATETIME,
  settled_note TEXT NOT NULL DEFAULT '',
  actor_id INTEGER NOT NULL DEFAULT 0,
  actor_name TEXT NOT NULL DEFAULT '',
  created_at DATETIME NOT NULL,
  started_at DATETIME,
  finished_at DATETIME
);
CREATE UNIQUE INDEX job_runs_slot ON job_runs (schedule_id, slot) WHERE slot > 0;
CREATE UNIQUE INDEX job_runs_key ON job_runs (workspace_id, kind, key) WHERE key <> '' AND state IN ('queued', 'failed', 'running', 'waiting');
CREATE INDEX job_runs_claim ON job_runs (workspace_id, run_at, id) WHERE state IN ('queued', 'failed');
CREATE INDEX job_runs_running ON job_runs (id) WHERE state = 'running';
CREATE INDEX job_runs_list ON job_runs (workspace_id, id) WHERE parent_id = 0;
CREATE INDEX job_runs_state ON job_runs (workspace_id, state, id);
CREATE INDEX job_runs_schedule ON job_runs (workspace_id, schedule_id, id) WHERE schedule_id > 0;
CREATE INDEX job_runs_children ON job_runs (workspace_id, parent_id, id) WHERE parent_id > 0;
CREATE INDEX job_runs_before ON job_runs (workspace_id, kind, name, id);
CREATE INDEX job_runs_due ON job_runs (workspace_id, id) WHERE due;
CREATE INDEX job_runs_ended ON job_runs (finished_at);

CREATE TABLE job_lines (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  run_id INTEGER NOT NULL REFERENCES job_runs(id),
  at DATETIME NOT NULL,
  level TEXT NOT NULL,
  line TEXT NOT NULL
);
CREATE INDEX job_lines_run ON job_lines (workspace_id, run_id, id);
