-- +goose Up
-- An exception accepts a control (subject control), chosen findings (findings), or all that a rule names (rule). service_id
-- is 0 for every service, and -1 where exception_items names several.
ALTER TABLE exceptions ADD COLUMN subject TEXT NOT NULL DEFAULT 'control';
ALTER TABLE exceptions ADD COLUMN match_by TEXT NOT NULL DEFAULT '';
ALTER TABLE exceptions ADD COLUMN match_value TEXT NOT NULL DEFAULT '';
ALTER TABLE exceptions ADD COLUMN severity TEXT NOT NULL DEFAULT '';
ALTER TABLE exceptions ADD COLUMN title TEXT NOT NULL DEFAULT '';
ALTER TABLE exceptions ADD COLUMN owner_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE exceptions ADD COLUMN owner_name TEXT NOT NULL DEFAULT '';
CREATE INDEX exceptions_subject ON exceptions (workspace_id, subject, expires_at);

-- The findings and the services that an exception names.
CREATE TABLE exception_items (
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  exception_id INTEGER NOT NULL REFERENCES exceptions(id),
  kind TEXT NOT NULL,
  item_id INTEGER NOT NULL,
  PRIMARY KEY (workspace_id, exception_id, kind, item_id)
) WITHOUT ROWID;
CREATE INDEX exception_items_item ON exception_items (workspace_id, kind, item_id);

-- Which exception accepts a finding, and until when: a state of accepted means nothing after that moment.
ALTER TABLE findings ADD COLUMN exception_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE findings ADD COLUMN accepted_until DATETIME;
CREATE INDEX findings_accepted ON findings (workspace_id, accepted_until) WHERE state = 'accepted';
CREATE INDEX findings_exception ON findings (workspace_id, exception_id, priority DESC, id DESC) WHERE exception_id > 0;
CREATE INDEX findings_rule ON findings (workspace_id, rule) WHERE rule <> '' AND vulnerability = '';
CREATE INDEX findings_package ON findings (workspace_id, package) WHERE package <> '';

-- Files that people attach to a finding.
CREATE TABLE finding_files (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  finding_id INTEGER NOT NULL REFERENCES findings(id),
  name TEXT NOT NULL,
  media_type TEXT NOT NULL,
  size INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  data BLOB NOT NULL,
  actor_id INTEGER NOT NULL,
  actor_name TEXT NOT NULL,
  created_at DATETIME NOT NULL
);
CREATE INDEX finding_files_finding ON finding_files (workspace_id, finding_id, id);

-- The file that a line of history attached.
ALTER TABLE finding_events ADD COLUMN file_id INTEGER NOT NULL DEFAULT 0;

-- Who wants to see what becomes of a finding.
CREATE TABLE finding_watchers (
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  user_id INTEGER NOT NULL,
  finding_id INTEGER NOT NULL REFERENCES findings(id),
  user_name TEXT NOT NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (workspace_id, user_id, finding_id)
) WITHOUT ROWID;
CREATE INDEX finding_watchers_finding ON finding_watchers (workspace_id, finding_id);

-- What of a row a rule looks at: its label, image, repository or path. label holds the word or the pattern.
ALTER TABLE finding_rules ADD COLUMN match_by TEXT NOT NULL DEFAULT 'label';
