-- +goose Up
-- One package of a service, as a parts list (an SBOM or a lock file) names it. service_id 0 is nobody's yet; label is then what the list calls it.
CREATE TABLE components (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  service_id INTEGER NOT NULL,
  label TEXT NOT NULL DEFAULT '',
  source_id INTEGER NOT NULL REFERENCES sources(id),
  import_id INTEGER NOT NULL,
  kind TEXT NOT NULL,
  document TEXT NOT NULL,
  line INTEGER NOT NULL DEFAULT 0,
  name TEXT NOT NULL,
  version TEXT NOT NULL DEFAULT '',
  ecosystem TEXT NOT NULL DEFAULT '',
  purl TEXT NOT NULL DEFAULT '',
  licenses TEXT NOT NULL DEFAULT '',
  direct TEXT NOT NULL DEFAULT '',
  dev BOOLEAN NOT NULL DEFAULT FALSE,
  first_seen DATETIME NOT NULL,
  last_seen DATETIME NOT NULL,
  gone_at DATETIME,
  gone_by INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX components_service ON components (workspace_id, service_id, name, id) WHERE gone_at IS NULL;
CREATE INDEX components_source ON components (workspace_id, source_id, id) WHERE gone_at IS NULL;
CREATE INDEX components_import ON components (workspace_id, import_id);
CREATE INDEX components_gone ON components (workspace_id, gone_by) WHERE gone_by > 0;
-- Which service the files are about as a person said; why the import waits for a person; the run that carries it out, and with which choices.
ALTER TABLE imports ADD COLUMN service_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE imports ADD COLUMN held TEXT NOT NULL DEFAULT '';
ALTER TABLE imports ADD COLUMN run_id INTEGER NOT NULL DEFAULT 0;
CREATE INDEX imports_held ON imports (workspace_id, id) WHERE held <> '' AND state = 'preview';
