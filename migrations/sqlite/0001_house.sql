-- +goose Up
CREATE TABLE workspaces (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  slug TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  mfa_required BOOLEAN NOT NULL DEFAULT FALSE,
  created_at DATETIME NOT NULL
);

CREATE TABLE users (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  email TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  password_hash TEXT NOT NULL DEFAULT '',
  totp_secret TEXT NOT NULL DEFAULT '',
  totp_confirmed_at DATETIME,
  totp_last_step INTEGER NOT NULL DEFAULT 0,
  disabled_at DATETIME,
  last_login_at DATETIME,
  created_at DATETIME NOT NULL
);

CREATE TABLE recovery_codes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id INTEGER NOT NULL REFERENCES users(id),
  code_hash TEXT NOT NULL,
  used_at DATETIME,
  UNIQUE (user_id, code_hash)
);

CREATE TABLE members (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  user_id INTEGER NOT NULL REFERENCES users(id),
  role TEXT NOT NULL,
  expires_at DATETIME,
  created_at DATETIME NOT NULL,
  UNIQUE (workspace_id, user_id)
);
CREATE INDEX members_user ON members (user_id);

CREATE TABLE sessions (
  token_hash TEXT PRIMARY KEY,
  public_id TEXT NOT NULL UNIQUE,
  user_id INTEGER NOT NULL DEFAULT 0,
  data BLOB NOT NULL,
  expires_at DATETIME NOT NULL,
  created_at DATETIME NOT NULL,
  seen_at DATETIME NOT NULL,
  ip TEXT NOT NULL DEFAULT '',
  user_agent TEXT NOT NULL DEFAULT ''
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE links (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  token_hash TEXT NOT NULL UNIQUE,
  email TEXT NOT NULL DEFAULT '',
  role TEXT NOT NULL DEFAULT '',
  for_workspace INTEGER NOT NULL DEFAULT 0,
  for_user INTEGER NOT NULL DEFAULT 0,
  created_by INTEGER NOT NULL DEFAULT 0,
  created_at DATETIME NOT NULL,
  expires_at DATETIME NOT NULL,
  used_at DATETIME
);
CREATE INDEX links_workspace ON links (for_workspace, kind);

CREATE TABLE throttles (
  bucket TEXT PRIMARY KEY,
  failures INTEGER NOT NULL,
  blocked_until DATETIME NOT NULL,
  updated_at DATETIME NOT NULL
);

CREATE TABLE activities (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  chain INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  at DATETIME NOT NULL,
  actor_id INTEGER NOT NULL,
  actor_name TEXT NOT NULL,
  action TEXT NOT NULL,
  object_kind TEXT NOT NULL,
  object_id INTEGER NOT NULL,
  object_name TEXT NOT NULL,
  before TEXT NOT NULL,
  after TEXT NOT NULL,
  ip TEXT NOT NULL,
  request_id TEXT NOT NULL,
  prev_hash TEXT NOT NULL,
  hash TEXT NOT NULL,
  UNIQUE (chain, seq)
);
CREATE INDEX activities_object ON activities (chain, object_kind, object_id, seq);

CREATE TABLE teams (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  slug TEXT NOT NULL,
  name TEXT NOT NULL,
  created_at DATETIME NOT NULL,
  UNIQUE (workspace_id, slug)
);

CREATE TABLE team_members (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  team_id INTEGER NOT NULL REFERENCES teams(id),
  member_id INTEGER NOT NULL REFERENCES members(id),
  UNIQUE (team_id, member_id)
);

CREATE TABLE environments (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  slug TEXT NOT NULL,
  name TEXT NOT NULL,
  production BOOLEAN NOT NULL DEFAULT FALSE,
  position INTEGER NOT NULL DEFAULT 0,
  created_at DATETIME NOT NULL,
  UNIQUE (workspace_id, slug)
);

CREATE TABLE services (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  slug TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  tier INTEGER NOT NULL DEFAULT 2,
  exposure TEXT NOT NULL DEFAULT 'unknown',
  data_classes TEXT NOT NULL DEFAULT '',
  runtime TEXT NOT NULL DEFAULT '',
  language TEXT NOT NULL DEFAULT '',
  repository TEXT NOT NULL DEFAULT '',
  labels TEXT NOT NULL DEFAULT '',
  datastore_kind TEXT NOT NULL DEFAULT '',
  team_id INTEGER REFERENCES teams(id),
  set_by_person TEXT NOT NULL DEFAULT '',
  confirmed_at DATETIME,
  confirmed_by INTEGER NOT NULL DEFAULT 0,
  retired_at DATETIME,
  retire_reason TEXT NOT NULL DEFAULT '',
  merged_into INTEGER NOT NULL DEFAULT 0,
  authentication TEXT NOT NULL DEFAULT 'unknown',
  encryption TEXT NOT NULL DEFAULT 'unknown',
  callers INTEGER NOT NULL DEFAULT 0,
  callees INTEGER NOT NULL DEFAULT 0,
  last_seen_at DATETIME,
  version INTEGER NOT NULL DEFAULT 1,
  created_at DATETIME NOT NULL,
  updated_at DATETIME NOT NULL,
  UNIQUE (workspace_id, slug)
);
CREATE INDEX services_name ON services (workspace_id, kind, name, id);
CREATE INDEX services_tier ON services (workspace_id, kind, tier, id);

CREATE TABLE service_slugs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  slug TEXT NOT NULL,
  service_id INTEGER NOT NULL REFERENCES services(id),
  created_at DATETIME NOT NULL,
  UNIQUE (workspace_id, slug)
);

CREATE TABLE member_services (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  member_id INTEGER NOT NULL REFERENCES members(id),
  service_id INTEGER NOT NULL REFERENCES services(id),
  UNIQUE (member_id, service_id)
);

CREATE TABLE sources (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  environment_id INTEGER NOT NULL REFERENCES environments(id),
  name TEXT NOT NULL,
  created_at DATETIME NOT NULL,
  UNIQUE (workspace_id, environment_id, name)
);

CREATE TABLE imports (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  source_id INTEGER NOT NULL REFERENCES sources(id),
  state TEXT NOT NULL,
  partial BOOLEAN NOT NULL DEFAULT FALSE,
  actor_id INTEGER NOT NULL,
  actor_name TEXT NOT NULL,
  digest TEXT NOT NULL,
  inputs TEXT NOT NULL,
  problems TEXT NOT NULL,
  counts TEXT NOT NULL,
  uploaded BLOB NOT NULL,
  effective BLOB,
  created_at DATETIME NOT NULL,
  applied_at DATETIME,
  undone_at DATETIME
);
CREATE INDEX imports_source ON imports (workspace_id, source_id, id);
CREATE INDEX imports_list ON imports (workspace_id, id);

CREATE TABLE bindings (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  source_id INTEGER NOT NULL REFERENCES sources(id),
  kind TEXT NOT NULL,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  service_id INTEGER NOT NULL REFERENCES services(id),
  set_by_person BOOLEAN NOT NULL DEFAULT FALSE,
  first_seen DATETIME NOT NULL,
  last_seen DATETIME NOT NULL,
  gone_at DATETIME,
  UNIQUE (workspace_id, source_id, kind, namespace, name)
);
CREATE INDEX bindings_service ON bindings (workspace_id, service_id);

CREATE TABLE facts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  service_id INTEGER NOT NULL REFERENCES services(id),
  source_id INTEGER NOT NULL REFERENCES sources(id),
  import_id INTEGER NOT NULL REFERENCES imports(id),
  workload TEXT NOT NULL,
  key TEXT NOT NULL,
  part TEXT NOT NULL,
  value TEXT NOT NULL,
  path TEXT NOT NULL,
  line INTEGER NOT NULL,
  first_seen DATETIME NOT NULL,
  last_seen DATETIME NOT NULL,
  ended_at DATETIME,
  ended_by INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX facts_service ON facts (workspace_id, service_id, ended_at);
CREATE INDEX facts_source ON facts (workspace_id, source_id, ended_at);

CREATE TABLE endpoints (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  service_id INTEGER NOT NULL REFERENCES services(id),
  environment_id INTEGER NOT NULL REFERENCES environments(id),
  source_id INTEGER REFERENCES sources(id),
  address TEXT NOT NULL,
  scope TEXT NOT NULL,
  tls TEXT NOT NULL,
  via TEXT NOT NULL,
  path TEXT NOT NULL DEFAULT '',
  line INTEGER NOT NULL DEFAULT 0,
  first_seen DATETIME NOT NULL,
  last_seen DATETIME NOT NULL,
  gone_at DATETIME
);
CREATE INDEX endpoints_service ON endpoints (workspace_id, service_id, gone_at);
CREATE INDEX endpoints_source ON endpoints (workspace_id, source_id);

CREATE TABLE operations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  service_id INTEGER REFERENCES services(id),
  source_id INTEGER NOT NULL REFERENCES sources(id),
  document TEXT NOT NULL,
  method TEXT NOT NULL,
  route TEXT NOT NULL,
  security TEXT NOT NULL,
  path TEXT NOT NULL,
  line INTEGER NOT NULL,
  first_seen DATETIME NOT NULL,
  last_seen DATETIME NOT NULL,
  gone_at DATETIME
);
CREATE INDEX operations_service ON operations (workspace_id, service_id, gone_at);
CREATE INDEX operations_source ON operations (workspace_id, source_id);

CREATE TABLE dependencies (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  environment_id INTEGER NOT NULL REFERENCES environments(id),
  source_id INTEGER REFERENCES sources(id),
  from_id INTEGER NOT NULL REFERENCES services(id),
  to_id INTEGER NOT NULL REFERENCES services(id),
  kind TEXT NOT NULL,
  basis TEXT NOT NULL,
  protocol TEXT NOT NULL DEFAULT '',
  port INTEGER NOT NULL DEFAULT 0,
  transport TEXT NOT NULL,
  authentication TEXT NOT NULL,
  "authorization" TEXT NOT NULL,
  evidence TEXT NOT NULL,
  first_seen DATETIME NOT NULL,
  last_seen DATETIME NOT NULL,
  gone_at DATETIME
);
CREATE INDEX dependencies_from ON dependencies (workspace_id, from_id, gone_at);
CREATE INDEX dependencies_to ON dependencies (workspace_id, to_id, gone_at);
CREATE INDEX dependencies_source ON dependencies (workspace_id, source_id);

CREATE TABLE unresolved (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  source_id INTEGER NOT NULL REFERENCES sources(id),
  service_id INTEGER NOT NULL REFERENCES services(id),
  host TEXT NOT NULL,
  kind TEXT NOT NULL,
  path TEXT NOT NULL,
  line INTEGER NOT NULL,
  resolved_to INTEGER NOT NULL DEFAULT 0,
  first_seen DATETIME NOT NULL,
  last_seen DATETIME NOT NULL,
  gone_at DATETIME
);
CREATE INDEX unresolved_source ON unresolved (workspace_id, source_id);
CREATE INDEX unresolved_service ON unresolved (workspace_id, service_id, gone_at);
CREATE INDEX unresolved_open ON unresolved (workspace_id, gone_at);

-- +goose StatementBegin
CREATE TRIGGER activities_no_update BEFORE UPDATE ON activities
BEGIN SELECT RAISE(ABORT, 'activity rows are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER activities_no_delete BEFORE DELETE ON activities
BEGIN SELECT RAISE(ABORT, 'activity rows are never deleted'); END;
-- +goose StatementEnd
