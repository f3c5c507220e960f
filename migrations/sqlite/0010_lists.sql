-- +goose Up
-- Why a service is not affected, in a word of VEX; empty in every other state.
ALTER TABLE findings ADD COLUMN justification TEXT NOT NULL DEFAULT '';
CREATE INDEX findings_todo_newest ON findings (workspace_id, id DESC) WHERE state IN ('open','confirmed','in_progress','re_review');

-- A list that somebody keeps: the address of the findings list under a name. user_id 0 is everybody's.
CREATE TABLE finding_views (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  user_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  address TEXT NOT NULL,
  made_by INTEGER NOT NULL,
  created_at DATETIME NOT NULL
);
CREATE UNIQUE INDEX finding_views_name ON finding_views (workspace_id, user_id, name);

-- How debt moves, kept in the transaction that changes a finding. service_id -1 is the whole workspace. what is opened,
-- reopened, closed or fixed, with the Monday of the week, or open, with the day since which it waits; days is how long
-- it took to fix.
CREATE TABLE finding_debt (
  workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
  service_id INTEGER NOT NULL,
  what TEXT NOT NULL,
  day TEXT NOT NULL,
  days INTEGER NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (workspace_id, service_id, what, day, days)
) WITHOUT ROWID;
INSERT INTO finding_debt (workspace_id, service_id, what, day, days, n)
  SELECT workspace_id, s, what, day, 0, COUNT(*) FROM (
    SELECT workspace_id, service_id AS s, 'open' AS what, substr(COALESCE(reopened_at, opened_at), 1, 10) AS day FROM findings WHERE retracted_at IS NULL AND state IN ('open','confirmed','in_progress','re_review')
    UNION ALL SELECT workspace_id, -1, 'open', substr(COALESCE(reopened_at, opened_at), 1, 10) FROM findings WHERE retracted_at IS NULL AND state IN ('open','confirmed','in_progress','re_review')
    UNION ALL SELECT workspace_id, service_id, 'opened', date(substr(opened_at, 1, 10), 'weekday 0', '-6 days') FROM findings WHERE retracted_at IS NULL
    UNION ALL SELECT workspace_id, -1, 'opened', date(substr(opened_at, 1, 10), 'weekday 0', '-6 days') FROM findings WHERE retracted_at IS NULL
    UNION ALL SELECT workspace_id, service_id, 'closed', date(substr(COALESCE(closed_at, fixed_at, updated_at), 1, 10), 'weekday 0', '-6 days') FROM findings WHERE retracted_at IS NULL AND state NOT IN ('open','confirmed','in_progress','re_review')
    UNION ALL SELECT workspace_id, -1, 'closed', date(substr(COALESCE(closed_at, fixed_at, updated_at), 1, 10), 'weekday 0', '-6 days') FROM findings WHERE retracted_at IS NULL AND state NOT IN ('open','confirmed','in_progress','re_review')
  ) AS moves GROUP BY workspace_id, s, what, day;
