// Package activity keeps the tamper-evident log of every change in Muster itself, so that nobody can rewrite what happened.
package activity

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Activity is one change. A workspace has a chain of its own; chain 0 is the instance's (sign-ins, users).
type Activity struct {
	ID         int64 `gorm:"primaryKey"`
	Chain      int64
	Seq        int64
	At         time.Time
	ActorID    int64
	ActorName  string
	Action     string // "service.retire"
	ObjectKind string // "service"
	ObjectID   int64
	ObjectName string
	Before     string // JSON, "" when there was nothing
	After      string
	IP         string `gorm:"column:ip"`
	RequestID  string
	PrevHash   string
	Hash       string
}

// Change is what a domain says about what it did.
type Change struct {
	Action string
	Kind   string
	ID     int64
	Name   string
	Before any // nil when there was nothing
	After  any
}

// seal computes the hash over length-prefixed fields, so that no two rows can share a text.
func (a *Activity) seal() string {
	h := sha256.New()
	for _, field := range []string{
		a.PrevHash, fmt.Sprint(a.Chain), fmt.Sprint(a.Seq), a.At.UTC().Format(time.RFC3339Nano), fmt.Sprint(a.ActorID), a.ActorName,
		a.Action, a.ObjectKind, fmt.Sprint(a.ObjectID), a.ObjectName, a.Before, a.After, a.IP, a.RequestID,
	} {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(field)))
		h.Write(length[:])
		h.Write([]byte(field))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func encode(v any) (string, error) {
	if v == nil {
		return "", nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encode activity: %w", err)
	}
	return string(b), nil
}
