// Package static holds the files that browsers load, embedded and named by their content so that they can be cached for ever.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"path"
	"sync"
)

//go:embed app.css app.js icons.svg logo.svg vendor
var files embed.FS

// Asset is one file, ready to be served.
type Asset struct {
	Data, Gzip []byte // Gzip is nil where packing gains nothing
	Type       string
	Hash       string
}

var assets = sync.OnceValue(load)

func load() map[string]Asset {
	all := map[string]Asset{}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		a := Asset{Data: data, Hash: hex.EncodeToString(sum[:4]), Type: contentType(name)}
		if path.Ext(name) != ".woff2" {
			a.Gzip = pack(data)
		}
		all[name] = a
		return nil
	})
	if err != nil {
		panic(fmt.Sprintf("embedded files: %v", err)) // they are part of the program
	}
	return all
}

func contentType(name string) string {
	switch path.Ext(name) {
	case ".woff2":
		return "font/woff2"
	case ".js":
		return "text/javascript; charset=utf-8"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "text/plain; charset=utf-8"
}

func pack(data []byte) []byte {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil
	}
	if _, err := z.Write(data); err != nil || z.Close() != nil {
		return nil
	}
	return b.Bytes()
}

// Get finds a file by its name.
func Get(name string) (Asset, bool) {
	a, ok := assets()[name]
	return a, ok
}

// Path is the address of a file; it changes with the content.
func Path(name string) string { return "/static/" + name + "?v=" + assets()[name].Hash }
