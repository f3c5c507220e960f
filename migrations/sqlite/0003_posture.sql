-- +goose Up
-- service_id 0 means the workspace itself: its own controls have a subject too.
CREATE TABLE evidence (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  service_id INTEGER NOT NULL,
  environment_id INTEGER NOT NULL,
  control TEXT NOT NULL,
  clause TEXT NOT NULL,
  part TEXT NOT NULL,
  kind TEXT NOT NULL,
  source TEXT NOT NULL,
  outcome TEXT NOT NULL,
  observed TEXT NOT NULL DEFAULT '',
  expected TEXT NOT NULL DEFAULT '',
  note TEXT NOT NULL DEFAULT '',
  path TEXT NOT NULL DEFAULT '',
  line INTEGER NOT NULL DEFAULT 0,
  artefact_hash TEXT NOT NULL DEFAULT '',
  import_id INTEGER NOT NULL DEFAULT 0,
  retest_of INTEGER NOT NULL DEFAULT 0,
  actor_id INTEGER NOT NULL DEFAULT 0,
  actor_name TEXT NOT NULL DEFAULT '',
  observed_at DATETIME NOT NULL,
  received_at DATETIME NOT NULL,
  good_until DATETIME,
  superseded_at DATETIME,
  retracted_at DATETIME
);
CREATE INDEX evidence_current ON evidence (workspace_id, service_id, source) WHERE superseded_at IS NULL AND retracted_at IS NULL;
CREATE INDEX evidence_cell ON evidence (workspace_id, service_id, control, id);
CREATE INDEX evidence_import ON evidence (workspace_id, import_id);

CREATE TABLE retractions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  import_id INTEGER NOT NULL DEFAULT 0,
  evidence_id INTEGER NOT NULL DEFAULT 0,
  reason TEXT NOT NULL,
  actor_id INTEGER NOT NULL,
  actor_name TEXT NOT NULL,
  created_at DATETIME NOT NULL
);

CREATE TABLE attachments (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  evidence_id INTEGER NOT NULL REFERENCES evidence(id),
  name TEXT NOT NULL,
  media_type TEXT NOT NULL,
  size INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  data BLOB NOT NULL,
  created_at DATETIME NOT NULL
);
CREATE INDEX attachments_evidence ON attachments (workspace_id, evidence_id);

CREATE TABLE register_entries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  control TEXT NOT NULL,
  service_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  fields TEXT NOT NULL,
  due_at DATETIME,
  actor_id INTEGER NOT NULL,
  actor_name TEXT NOT NULL,
  created_at DATETIME NOT NULL,
  replaces INTEGER NOT NULL DEFAULT 0,
  ended_at DATETIME
);
CREATE INDEX register_entries_list ON register_entries (workspace_id, control, ended_at, service_id);

CREATE TABLE exceptions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  control TEXT NOT NULL,
  service_id INTEGER NOT NULL,
  reason TEXT NOT NULL,
  compensating TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL,
  requested_by INTEGER NOT NULL,
  requester_name TEXT NOT NULL,
  requested_at DATETIME NOT NULL,
  decided_by INTEGER NOT NULL DEFAULT 0,
  decider_name TEXT NOT NULL DEFAULT '',
  decided_at DATETIME,
  decision_note TEXT NOT NULL DEFAULT '',
  expires_at DATETIME NOT NULL,
  ended_at DATETIME,
  renews INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX exceptions_list ON exceptions (workspace_id, state, id);
CREATE INDEX exceptions_cell ON exceptions (workspace_id, service_id, control);

CREATE TABLE control_settings (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  control TEXT NOT NULL,
  off BOOLEAN NOT NULL DEFAULT FALSE,
  weight INTEGER,
  age INTEGER,
  definition TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL,
  actor_id INTEGER NOT NULL,
  actor_name TEXT NOT NULL,
  created_at DATETIME NOT NULL
);
CREATE INDEX control_settings_list ON control_settings (workspace_id, control, id);

CREATE TABLE applicability_decisions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  control TEXT NOT NULL,
  service_id INTEGER NOT NULL,
  applies BOOLEAN NOT NULL,
  reason TEXT NOT NULL,
  actor_id INTEGER NOT NULL,
  actor_name TEXT NOT NULL,
  created_at DATETIME NOT NULL
);
CREATE INDEX applicability_decisions_cell ON applicability_decisions (workspace_id, service_id, control, id);

CREATE TABLE catalogue_versions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  version INTEGER NOT NULL,
  created_at DATETIME NOT NULL,
  UNIQUE (workspace_id, version)
);

CREATE TABLE subjects (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  service_id INTEGER NOT NULL,
  environment_id INTEGER NOT NULL,
  facts TEXT NOT NULL,
  since DATETIME NOT NULL,
  until DATETIME
);
CREATE INDEX subjects_current ON subjects (workspace_id, until, service_id, environment_id);
CREATE INDEX subjects_history ON subjects (workspace_id, service_id, environment_id, id);

CREATE TABLE states (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  service_id INTEGER NOT NULL,
  environment_id INTEGER NOT NULL,
  control TEXT NOT NULL,
  state TEXT NOT NULL,
  value REAL NOT NULL,
  contradicted BOOLEAN NOT NULL DEFAULT FALSE,
  known INTEGER NOT NULL DEFAULT 0,
  total INTEGER NOT NULL DEFAULT 0,
  good_until DATETIME,
  excepted_until DATETIME,
  later TEXT NOT NULL DEFAULT '',
  since DATETIME NOT NULL,
  UNIQUE (workspace_id, service_id, environment_id, control)
);
CREATE INDEX states_control ON states (workspace_id, control, environment_id, state);
CREATE INDEX states_ends ON states (workspace_id, environment_id, good_until);

CREATE TABLE scores (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  service_id INTEGER NOT NULL,
  score REAL NOT NULL,
  rated BOOLEAN NOT NULL,
  coverage REAL NOT NULL,
  detail TEXT NOT NULL,
  cells TEXT NOT NULL,
  formula INTEGER NOT NULL,
  computed_at DATETIME NOT NULL,
  UNIQUE (workspace_id, service_id)
);

CREATE TABLE snapshots (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  service_id INTEGER NOT NULL,
  day TEXT NOT NULL,
  score REAL NOT NULL,
  rated BOOLEAN NOT NULL,
  coverage REAL NOT NULL,
  scope_change REAL NOT NULL DEFAULT 0,
  detail TEXT NOT NULL,
  formula INTEGER NOT NULL,
  created_at DATETIME NOT NULL,
  UNIQUE (workspace_id, service_id, day)
);

CREATE TABLE scope_changes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  service_id INTEGER NOT NULL,
  words TEXT NOT NULL,
  reason TEXT NOT NULL,
  difference REAL NOT NULL,
  actor_name TEXT NOT NULL,
  created_at DATETIME NOT NULL
);
CREATE INDEX scope_changes_list ON scope_changes (workspace_id, id);

CREATE TABLE framework_texts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  framework TEXT NOT NULL,
  requirement TEXT NOT NULL,
  words TEXT NOT NULL,
  created_at DATETIME NOT NULL,
  UNIQUE (workspace_id, framework, requirement)
);

CREATE TABLE visits (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  user_id INTEGER NOT NULL,
  seen_at DATETIME NOT NULL,
  before_at DATETIME,
  UNIQUE (workspace_id, user_id)
);

CREATE TABLE sweeps (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  day TEXT NOT NULL,
  created_at DATETIME NOT NULL,
  UNIQUE (workspace_id, day)
);

ALTER TABLE operations ADD COLUMN stated BOOLEAN NOT NULL DEFAULT FALSE;

-- What was observed is never rewritten; only the two marks that say "not the newest" and "taken back" may move.
-- +goose StatementBegin
CREATE TRIGGER evidence_append_only BEFORE UPDATE OF workspace_id, service_id, environment_id, control, clause, part, kind, source, outcome, observed, expected, note, path, line, artefact_hash, import_id, retest_of, actor_id, actor_name, observed_at, received_at, good_until ON evidence
BEGIN SELECT RAISE(ABORT, 'evidence is never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER evidence_no_delete BEFORE DELETE ON evidence
BEGIN SELECT RAISE(ABORT, 'evidence is never deleted'); END;
-- +goose StatementEnd
