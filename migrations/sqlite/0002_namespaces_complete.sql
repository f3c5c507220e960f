-- +goose Up
-- Whether a person said that the files of an import hold every network policy of their namespaces:
-- only then is a missing policy known to be missing.
ALTER TABLE imports ADD COLUMN namespaces_complete BOOLEAN NOT NULL DEFAULT FALSE;
