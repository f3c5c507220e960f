package inventory

import "time"

// Component is one package of a service, as a parts list names it: an SBOM or a lock file.
type Component struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	ServiceID   int64  // 0 is nobody's yet
	Label       string // what the list calls the thing that is nobody's yet
	SourceID    int64
	ImportID    int64  // that named it first
	Kind        string // sbom or lockfile
	Document    string // the file that names it
	Line        int
	Name        string
	Version     string
	Ecosystem   string
	PURL        string `gorm:"column:purl"`
	Licenses    string // parted by ", "
	Direct      string // "yes", "no", "" is not known
	Dev         bool
	FirstSeen   time.Time
	LastSeen    time.Time
	GoneAt      *time.Time
	GoneBy      int64 // the import whose list no longer named it
}

// Part is a component of a service wherever it is named, for people.
type Part struct {
	Name, Version, Ecosystem string
	PURL                     string `gorm:"column:purl"`
	Licenses                 string
	Direct                   string
	Dev                      bool
	Document                 string
	Line                     int
	Lists                    int // documents that name it
	FirstSeen                time.Time
	LastSeen                 time.Time
}

// PartsList is a document that names components of a service.
type PartsList struct {
	SourceID int64
	Kind     string
	Document string
	Source   string
	ImportID int64 // the newest that named something new
	N        int
	LastSeen time.Time
}
