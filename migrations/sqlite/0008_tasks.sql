-- +goose Up
-- Work for a person that closes what it covers. Numbers, dates and the worst severity are kept from its items, so that no list adds them up.
CREATE TABLE tasks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  title TEXT NOT NULL,
  note TEXT NOT NULL DEFAULT '',
  fix TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL,
  state_layer TEXT NOT NULL,
  since DATETIME NOT NULL,
  blocked TEXT NOT NULL DEFAULT '',
  blocked_at DATETIME,
  assignee_id INTEGER NOT NULL DEFAULT 0,
  assignee_name TEXT NOT NULL DEFAULT '',
  team_id INTEGER NOT NULL DEFAULT 0,
  by_owner BOOLEAN NOT NULL DEFAULT FALSE,
  due_at DATETIME,
  planned_at DATETIME,
  sort_at DATETIME NOT NULL,
  severity TEXT NOT NULL DEFAULT '',
  priority INTEGER NOT NULL DEFAULT 0,
  items INTEGER NOT NULL DEFAULT 0,
  live INTEGER NOT NULL DEFAULT 0,
  services TEXT NOT NULL DEFAULT '',
  created_by INTEGER NOT NULL,
  created_name TEXT NOT NULL,
  created_at DATETIME NOT NULL,
  version INTEGER NOT NULL DEFAULT 1,
  updated_at DATETIME NOT NULL
);
CREATE INDEX tasks_open ON tasks (workspace_id, sort_at, id) WHERE state IN ('todo','doing','fixed');
CREATE INDEX tasks_state ON tasks (workspace_id, state, sort_at, id);
CREATE INDEX tasks_since ON tasks (workspace_id, state, since DESC, id DESC);
CREATE INDEX tasks_assignee ON tasks (workspace_id, assignee_id, sort_at, id) WHERE state IN ('todo','doing','fixed');
CREATE INDEX tasks_team ON tasks (workspace_id, team_id, sort_at, id) WHERE state IN ('todo','doing','fixed');
CREATE INDEX tasks_blocked ON tasks (workspace_id, sort_at, id) WHERE blocked_at IS NOT NULL;

-- What a task covers: a finding, or a control on a service (0 is the workspace itself).
CREATE TABLE task_items (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  task_id INTEGER NOT NULL REFERENCES tasks(id),
  finding_id INTEGER NOT NULL DEFAULT 0,
  service_id INTEGER NOT NULL,
  control TEXT NOT NULL DEFAULT '',
  title TEXT NOT NULL,
  severity TEXT NOT NULL DEFAULT '',
  priority INTEGER NOT NULL DEFAULT 0,
  word TEXT NOT NULL,
  standing TEXT NOT NULL,
  due_at DATETIME,
  team_id INTEGER NOT NULL DEFAULT 0,
  added_at DATETIME NOT NULL
);
CREATE INDEX task_items_task ON task_items (workspace_id, task_id, id);
CREATE INDEX task_items_finding ON task_items (workspace_id, finding_id, task_id) WHERE finding_id > 0;
CREATE INDEX task_items_service ON task_items (workspace_id, service_id, control, task_id);

-- The history of tasks. Rows are only ever added.
CREATE TABLE task_events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  task_id INTEGER NOT NULL REFERENCES tasks(id),
  at DATETIME NOT NULL,
  action TEXT NOT NULL,
  from_state TEXT NOT NULL,
  to_state TEXT NOT NULL,
  layer TEXT NOT NULL,
  actor_id INTEGER NOT NULL,
  actor_name TEXT NOT NULL,
  import_id INTEGER NOT NULL DEFAULT 0,
  words TEXT NOT NULL,
  note TEXT NOT NULL DEFAULT ''
);
CREATE INDEX task_events_task ON task_events (workspace_id, task_id, id);

-- What one change would close, and what of a team is due: without looking at every finding. PostgreSQL takes no longer
-- words into an index.
CREATE INDEX findings_fixes ON findings (workspace_id, purl, package, fix_version, installed, service_id, severity, priority) WHERE state IN ('open','confirmed','in_progress','re_review') AND kind = 'dependency' AND length(purl) + length(package) + length(fix_version) + length(installed) < 500;
CREATE INDEX findings_rules ON findings (workspace_id, service_id, kind, rule, severity, priority) WHERE state IN ('open','confirmed','in_progress','re_review') AND kind IN ('code','configuration','web') AND rule <> '' AND length(rule) < 500;
CREATE INDEX findings_service_due ON findings (workspace_id, service_id, due_at) WHERE state IN ('open','confirmed','in_progress','re_review');
