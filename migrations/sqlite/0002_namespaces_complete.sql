-- +goose Up
ALTER TABLE imports ADD COLUMN namespaces_complete BOOLEAN NOT NULL DEFAULT FALSE;
