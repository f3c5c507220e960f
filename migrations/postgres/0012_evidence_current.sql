-- +goose Up
-- What a source says of some controls now is found without reading what it said before.
DROP INDEX evidence_current;
CREATE INDEX evidence_current ON evidence (workspace_id, service_id, control, source) WHERE superseded_at IS NULL AND retracted_at IS NULL;
