package kit

import (
	"fmt"
	"io"
	"mime/multipart"
)

// Content reads an uploaded file, at most so many bytes of it, into no more memory than it needs.
func Content(header *multipart.FileHeader, most int64) ([]byte, error) {
	f, err := header.Open()
	if err != nil {
		return nil, fmt.Errorf("open upload: %w", err)
	}
	defer f.Close()
	data := make([]byte, min(header.Size, most))
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("read upload: %w", err)
	}
	return data, nil
}
