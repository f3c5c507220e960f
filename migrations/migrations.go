// Package migrations embeds the schema steps, one folder per engine. Steps go forward only and are never edited.
package migrations

import "embed"

// Files holds sqlite/ and postgres/.
//
//go:embed sqlite/*.sql postgres/*.sql
var Files embed.FS
