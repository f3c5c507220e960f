package model

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Pack stores an inspection as bytes. It holds names and places, never a secret's value: the importers do not keep those.
func Pack(i *Inspection) ([]byte, error) {
	text, err := json.Marshal(i)
	if err != nil {
		return nil, fmt.Errorf("pack inspection: %w", err)
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	// PostgreSQL stores no NUL in text; what a file says with one is shown with the sign for "cannot be shown".
	if _, err := z.Write(bytes.ReplaceAll(text, []byte(`\u0000`), []byte(`\ufffd`))); err != nil {
		return nil, fmt.Errorf("pack inspection: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("pack inspection: %w", err)
	}
	return b.Bytes(), nil
}

// Unpack reads what Pack stored; no bytes are an empty inspection.
func Unpack(data []byte) (*Inspection, error) {
	i := New()
	if len(data) == 0 {
		return i, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("unpack inspection: %w", err)
	}
	if err := json.NewDecoder(io.LimitReader(z, 1<<30)).Decode(i); err != nil {
		return nil, fmt.Errorf("unpack inspection: %w", err)
	}
	return i, nil
}

// BaseName is the workload's own name, without the namespace that a clash put before it.
func (s *Service) BaseName() string { return s.Name[strings.LastIndexByte(s.Name, '/')+1:] }

// Compose is the kind of a Compose file's workloads.
const Compose = "Compose service"
