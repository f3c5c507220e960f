package imports

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"muster/internal/imports/limit"
	"muster/internal/imports/lockfile"
	"muster/internal/imports/model"
)

// The caps of archives.
const (
	maxEntries  = 1000
	maxUnpacked = 1 << 30
	maxRatio    = 100
	maxFiles    = 20_000 // of a folder
)

// Gathered is what paths or an upload held.
type Gathered struct {
	Files    []model.File
	Explicit map[string]bool // those that were named one by one
	Problems []model.Problem
	total    int64
}

func newGathered() *Gathered { return &Gathered{Explicit: map[string]bool{}} }

// Gather reads files, folders and zip archives from this machine, in the order given. Folders are walked by name.
func Gather(paths []string) (*Gathered, error) {
	g := newGathered()
	for _, name := range paths {
		info, err := os.Stat(name)
		if err != nil {
			return nil, model.Fail(name, 0, "There is no such file or folder, or it may not be read.")
		}
		if info.IsDir() {
			err = g.walk(name)
		} else {
			err = g.explicit(name, info)
		}
		if err != nil {
			return nil, err
		}
	}
	return g, nil
}

func (g *Gathered) explicit(name string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return model.Fail(name, 0, "This is not a file.")
	}
	data, err := readCapped(name, info.Size())
	if err != nil {
		return err
	}
	shown := filepath.ToSlash(name)
	if isZip(data) {
		return g.unzip(shown, data)
	}
	g.Explicit[shown] = true
	if err := g.add(model.File{Path: shown, Data: data}); err != nil {
		return err
	}
	return g.companion(name, data)
}

// companion adds the .env beside a Compose file, which belongs to it.
func (g *Gathered) companion(name string, data []byte) error {
	beside := filepath.Join(filepath.Dir(name), ".env")
	format, _ := Detect(model.File{Data: data})
	info, err := os.Lstat(beside)
	if format != "compose" || err != nil || !info.Mode().IsRegular() || info.Size() > limit.Dotenv || g.has(filepath.ToSlash(beside)) {
		return nil
	}
	env, err := readCapped(beside, info.Size())
	if err != nil {
		return err
	}
	return g.add(model.File{Path: filepath.ToSlash(beside), Data: env})
}

func (g *Gathered) has(name string) bool {
	return slices.ContainsFunc(g.Files, func(f model.File) bool { return path.Clean(f.Path) == path.Clean(name) })
}

func readCapped(name string, size int64) ([]byte, error) {
	if size > limit.Total {
		return nil, tooLarge(name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, model.Fail(name, 0, "It may not be read.")
	}
	defer f.Close()
	into := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead)) // at once: a large report must not be copied while it grows
	_, err = into.ReadFrom(io.LimitReader(f, limit.Total+1))
	if err != nil {
		return nil, model.Fail(name, 0, "It could not be read to its end.")
	}
	data := into.Bytes()
	if len(data) > limit.Total {
		return nil, tooLarge(name)
	}
	return data, nil
}

func tooLarge(name string) error {
	return model.Fail(name, 0, "It is larger than %d MB, the most that one import may hold.", limit.Total>>20)
}

func (g *Gathered) add(f model.File) error {
	g.total += int64(len(f.Data))
	if g.total > limit.Total {
		return model.Fail(f.Path, 0, "With this file the import is larger than %d MB; import in parts.", limit.Total>>20)
	}
	if g.has(f.Path) {
		return nil // named twice
	}
	g.Files = append(g.Files, f)
	return nil
}

// walk reads a folder; links that leave it, version control and installed packages are left out.
func (g *Gathered) walk(root string) error {
	n := 0
	return filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			g.Problems = append(g.Problems, model.Problem{Path: filepath.ToSlash(name), Message: "It may not be read, so it was left out."})
			return nil
		}
		if d.IsDir() {
			if base := d.Name(); name != root && (base == ".git" || base == "node_modules" || base == "vendor") {
				return filepath.SkipDir
			}
			return nil
		}
		if n++; n > maxFiles {
			return model.Fail(filepath.ToSlash(root), 0, "The folder holds more than %d files; name the folder of the manifests.", maxFiles)
		}
		return g.found(name, d)
	})
}

func (g *Gathered) found(name string, d fs.DirEntry) error {
	if !d.Type().IsRegular() || !wanted(name) {
		return nil
	}
	info, err := d.Info()
	if err != nil {
		return nil // gone since the folder was listed
	}
	if info.Size() > limit.Total {
		g.Problems = append(g.Problems, model.Problem{Path: filepath.ToSlash(name), Message: fmt.Sprintf("It is larger than %d MB, so it was left out.", limit.Total>>20)})
		return nil
	}
	if info.Size() > limit.OpenAPI && !largeReport(name) {
		g.Problems = append(g.Problems, model.Problem{Path: filepath.ToSlash(name), Message: "It is larger than 32 MB and no report that Muster reads, so it was left out."})
		return nil
	}
	data, err := readCapped(name, info.Size())
	if err != nil {
		return err
	}
	if isZip(data) {
		return g.unzip(filepath.ToSlash(name), data)
	}
	return g.add(model.File{Path: filepath.ToSlash(name), Data: data})
}

// largeReport looks at the top of a file in a folder, since only reports are this large.
func largeReport(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return true // which reading it will say
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, 256<<10))
	return err != nil || isZip(head) || detectReport(model.File{Path: name, Data: head}) != nil
}

// wanted leaves out what cannot be a manifest, by its ending, when a whole folder or archive is given.
func wanted(name string) bool {
	switch strings.ToLower(path.Ext(filepath.ToSlash(name))) {
	case ".yaml", ".yml", ".json", ".env", ".zip", ".sarif", ".xml", ".csv", ".tsv", ".jsonl", ".ndjson", ".cdx", ".bom", ".vex":
		return true
	}
	return isEnv(filepath.ToSlash(name)) || lockfile.Named(filepath.ToSlash(name))
}

func isZip(data []byte) bool {
	return bytes.HasPrefix(data, []byte("PK\x03\x04")) || bytes.HasPrefix(data, []byte("PK\x05\x06"))
}

// Upload takes one uploaded file, which may be a zip archive.
func (g *Gathered) Upload(name string, data []byte) error {
	name = strings.TrimLeft(path.Clean("/"+strings.ReplaceAll(name, `\`, "/")), "/")
	if name == "" {
		name = "upload"
	}
	if isZip(data) {
		return g.unzip(name, data)
	}
	g.Explicit[name] = true
	return g.add(model.File{Path: name, Data: data})
}

// NewUpload begins an empty upload.
func NewUpload() *Gathered { return newGathered() }

// unzip reads an archive in memory. Sizes in its headers are not believed.
func (g *Gathered) unzip(name string, data []byte) error {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return model.Fail(name, 0, "This zip archive is damaged or cut off.")
	}
	if len(r.File) > maxEntries {
		return model.Fail(name, 0, "The archive holds more than %d entries.", maxEntries)
	}
	slices.SortStableFunc(r.File, func(a, b *zip.File) int { return strings.Compare(a.Name, b.Name) })
	var unpacked int64
	for _, entry := range r.File {
		inner := strings.ReplaceAll(entry.Name, `\`, "/")
		if strings.HasPrefix(inner, "/") || slices.Contains(strings.Split(inner, "/"), "..") || strings.Contains(inner, ":") {
			return model.Fail(name, 0, "The archive names a path outside itself (%s).", printable(entry.Name))
		}
		if entry.FileInfo().IsDir() || !entry.Mode().IsRegular() || strings.HasPrefix(inner, "__MACOSX/") {
			continue
		}
		if !wanted(inner) {
			g.Problems = append(g.Problems, model.Problem{Path: name + "/" + inner, Message: "It is of no format that Muster reads."})
			continue
		}
		content, err := unpack(name, entry, &unpacked)
		if err != nil {
			return err
		}
		if isZip(content) {
			return model.Fail(name+"/"+inner, 0, "There is an archive in the archive; unpack it first.")
		}
		if err := g.add(model.File{Path: name + "/" + inner, Data: content}); err != nil {
			return err
		}
	}
	return nil
}

func unpack(archive string, entry *zip.File, unpacked *int64) ([]byte, error) {
	place := archive + "/" + printable(entry.Name)
	r, err := entry.Open()
	if err != nil {
		return nil, model.Fail(place, 0, "It cannot be unpacked: it is encrypted or packed in an unknown way.")
	}
	defer r.Close()
	most := int64(limit.Total)
	if packed := int64(entry.CompressedSize64); packed*maxRatio < most {
		most = max(packed*maxRatio, 64<<10)
	}
	content, err := io.ReadAll(io.LimitReader(r, most+1))
	if int64(len(content)) > most {
		return nil, model.Fail(place, 0, "It unpacks to far more than it should (more than %d MB, or more than %d times its packed size).", limit.Total>>20, maxRatio)
	}
	if err != nil {
		return nil, model.Fail(place, 0, "It is damaged: it cannot be unpacked to its end.")
	}
	if *unpacked += int64(len(content)); *unpacked > maxUnpacked {
		return nil, model.Fail(archive, 0, "The archive unpacks to more than 1 GB.")
	}
	return content, nil
}

// printable keeps control characters of a hostile name out of messages.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, name[:min(len(name), 200)])
}
