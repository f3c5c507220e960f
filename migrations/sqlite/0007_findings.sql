-- +goose Up
-- One weakness on one service, whoever reported it. service_id 0 is nobody's yet; label is then the report's own word.
CREATE TABLE findings (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  service_id INTEGER NOT NULL,
  label TEXT NOT NULL DEFAULT '',
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  title TEXT NOT NULL,
  vulnerability TEXT NOT NULL DEFAULT '',
  aliases TEXT NOT NULL DEFAULT '',
  rule TEXT NOT NULL DEFAULT '',
  cwes TEXT NOT NULL DEFAULT '',
  package TEXT NOT NULL DEFAULT '',
  purl TEXT NOT NULL DEFAULT '',
  installed TEXT NOT NULL DEFAULT '',
  fix_version TEXT NOT NULL DEFAULT '',
  path TEXT NOT NULL DEFAULT '',
  line INTEGER NOT NULL DEFAULT 0,
  endpoint TEXT NOT NULL DEFAULT '',
  resource TEXT NOT NULL DEFAULT '',
  places TEXT NOT NULL DEFAULT '[]',
  description TEXT NOT NULL DEFAULT '',
  remediation TEXT NOT NULL DEFAULT '',
  refs TEXT NOT NULL DEFAULT '[]',
  ratings TEXT NOT NULL DEFAULT '[]',
  severity TEXT NOT NULL,
  reported_severity TEXT NOT NULL,
  assessed_severity TEXT NOT NULL DEFAULT '',
  assessed_by TEXT NOT NULL DEFAULT '',
  exploited BOOLEAN NOT NULL DEFAULT FALSE,
  epss REAL,
  priority INTEGER NOT NULL,
  reasons TEXT NOT NULL DEFAULT '[]',
  live INTEGER NOT NULL DEFAULT 0,
  published_at DATETIME,
  first_seen DATETIME NOT NULL,
  opened_at DATETIME NOT NULL,
  reopened_at DATETIME,
  reopen_count INTEGER NOT NULL DEFAULT 0,
  fixed_at DATETIME,
  closed_at DATETIME,
  duplicate_of INTEGER NOT NULL DEFAULT 0,
  decided_layer TEXT NOT NULL DEFAULT '',
  decided_by INTEGER NOT NULL DEFAULT 0,
  decided_facts TEXT NOT NULL DEFAULT '',
  clock TEXT NOT NULL DEFAULT '[]',
  due_at DATETIME,
  hard_due_at DATETIME,
  due_words TEXT NOT NULL DEFAULT '',
  policy INTEGER NOT NULL DEFAULT 1,
  search TEXT NOT NULL DEFAULT '',
  retracted_at DATETIME,
  version INTEGER NOT NULL DEFAULT 1,
  updated_at DATETIME NOT NULL
);
CREATE INDEX findings_todo ON findings (workspace_id, priority DESC, id DESC) WHERE state IN ('open','confirmed','in_progress','re_review');
CREATE INDEX findings_todo_severity ON findings (workspace_id, severity, priority DESC, id DESC) WHERE state IN ('open','confirmed','in_progress','re_review');
CREATE INDEX findings_todo_kind ON findings (workspace_id, kind, priority DESC, id DESC) WHERE state IN ('open','confirmed','in_progress','re_review');
CREATE INDEX findings_todo_due ON findings (workspace_id, due_at) WHERE state IN ('open','confirmed','in_progress','re_review');
CREATE INDEX findings_exploited ON findings (workspace_id, priority DESC, id DESC) WHERE exploited;
CREATE INDEX findings_service ON findings (workspace_id, service_id, priority DESC, id DESC);
CREATE INDEX findings_state ON findings (workspace_id, state, priority DESC, id DESC);
CREATE INDEX findings_serious ON findings (workspace_id, service_id, hard_due_at) WHERE live > 0 AND (severity IN ('critical','high') OR exploited);
CREATE INDEX findings_vulnerability ON findings (workspace_id, vulnerability) WHERE vulnerability <> '';

-- Words of findings, for search. PostgreSQL has an index over the same column instead.
CREATE VIRTUAL TABLE finding_words USING fts5(search, content='findings', content_rowid='id');

-- What a finding is known by; several where it has aliases. facts are what the key was made of, without the service.
CREATE TABLE finding_keys (
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  key TEXT NOT NULL,
  finding_id INTEGER NOT NULL REFERENCES findings(id),
  facts TEXT NOT NULL,
  PRIMARY KEY (workspace_id, key)
) WITHOUT ROWID;
CREATE INDEX finding_keys_finding ON finding_keys (workspace_id, finding_id);

-- What one tool says of a finding in one scope. scope_service is the service that was chosen for the whole report.
CREATE TABLE finding_sources (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  finding_id INTEGER NOT NULL REFERENCES findings(id),
  tool TEXT NOT NULL,
  source_id INTEGER NOT NULL,
  scope_service INTEGER NOT NULL,
  rule TEXT NOT NULL DEFAULT '',
  severity TEXT NOT NULL,
  severity_from TEXT NOT NULL DEFAULT '',
  tool_word TEXT NOT NULL DEFAULT '',
  status TEXT NOT NULL,
  status_reason TEXT NOT NULL DEFAULT '',
  occurrences INTEGER NOT NULL DEFAULT 1,
  facts TEXT NOT NULL,
  first_seen DATETIME NOT NULL,
  last_seen DATETIME NOT NULL,
  gone_at DATETIME,
  gone_import INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX finding_sources_finding ON finding_sources (workspace_id, finding_id);
CREATE INDEX finding_sources_scope ON finding_sources (workspace_id, source_id, tool, scope_service);

-- The history of findings. Rows are only ever added.
CREATE TABLE finding_events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  finding_id INTEGER NOT NULL REFERENCES findings(id),
  at DATETIME NOT NULL,
  action TEXT NOT NULL,
  from_state TEXT NOT NULL,
  to_state TEXT NOT NULL,
  layer TEXT NOT NULL,
  actor_id INTEGER NOT NULL,
  actor_name TEXT NOT NULL,
  import_id INTEGER NOT NULL,
  words TEXT NOT NULL,
  note TEXT NOT NULL DEFAULT '',
  contradicts INTEGER NOT NULL DEFAULT 0,
  before BLOB
);
CREATE INDEX finding_events_finding ON finding_events (workspace_id, finding_id, id);
CREATE INDEX finding_events_import ON finding_events (workspace_id, import_id, id) WHERE import_id > 0;

-- One reading of one tool's report of one scope.
CREATE TABLE finding_reports (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  import_id INTEGER NOT NULL,
  tool TEXT NOT NULL,
  source_id INTEGER NOT NULL,
  environment_id INTEGER NOT NULL,
  scope_service INTEGER NOT NULL,
  digest TEXT NOT NULL,
  complete BOOLEAN NOT NULL,
  aspects TEXT NOT NULL DEFAULT '',
  services TEXT NOT NULL DEFAULT '',
  seen_at DATETIME NOT NULL,
  row_count INTEGER NOT NULL,
  created INTEGER NOT NULL,
  reopened INTEGER NOT NULL,
  unchanged INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  created_at DATETIME NOT NULL,
  undone_at DATETIME
);
CREATE INDEX finding_reports_scope ON finding_reports (workspace_id, source_id, tool, scope_service, id);
CREATE INDEX finding_reports_import ON finding_reports (workspace_id, import_id);
CREATE INDEX finding_reports_seen ON finding_reports (workspace_id, seen_at);

-- Which service a row belongs to that names none of ours.
CREATE TABLE finding_rules (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  label TEXT NOT NULL,
  service_id INTEGER NOT NULL,
  actor_id INTEGER NOT NULL,
  actor_name TEXT NOT NULL,
  created_at DATETIME NOT NULL,
  ended_at DATETIME
);
CREATE INDEX finding_rules_list ON finding_rules (workspace_id, ended_at, label);

-- Kept in the transaction that changes a finding, so that no page counts them.
CREATE TABLE finding_counts (
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  service_id INTEGER NOT NULL,
  state TEXT NOT NULL,
  severity TEXT NOT NULL,
  kind TEXT NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (workspace_id, service_id, state, severity, kind)
);
