package imports_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"muster/internal/imports"
	"muster/internal/imports/model"
)

// archive packs names and contents, in the order given.
func archive(t testing.TB, parts ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for i := 0; i+1 < len(parts); i += 2 {
		f, err := w.Create(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(parts[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

const compose = "services: {web: {image: 'x:1'}}\n"

func TestArchives(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 1001 {
		many = append(many, fmt.Sprintf("f%d.yml", i), "")
	}
	for name, c := range map[string]struct {
		data []byte
		says string // of the error; "" is none
		want int    // files
	}{
		"two files and a folder":   {archive(t, "a/", "", "a/compose.yml", compose, "b.yml", compose), "", 2},
		"what is not wanted":       {archive(t, "a.png", "x", "b.yml", compose), "", 1},
		"what a Mac leaves behind": {archive(t, "__MACOSX/b.yml", compose, "b.yml", compose), "", 1},
		"a path to above":          {archive(t, "../../etc/cron.yml", compose), "path outside itself", 0},
		"a path from the root":     {archive(t, "/etc/cron.yml", compose), "path outside itself", 0},
		"a path of Windows":        {archive(t, `..\x.yml`, compose), "path outside itself", 0},
		"a drive":                  {archive(t, `C:\x.yml`, compose), "path outside itself", 0},
		"a bomb":                   {archive(t, "bomb.yml", strings.Repeat("a", 40<<20)), "unpacks to far more", 0},
		"an archive in an archive": {archive(t, "in.zip", string(archive(t, "a.yml", compose))), "archive in the archive", 0},
		"too many entries":         {archive(t, many...), "more than 1000 entries", 0},
		"cut off":                  {archive(t, "a.yml", strings.Repeat(compose, 50))[:60], "damaged or cut off", 0},
		"a name with marks":        {archive(t, "a\x1b[31m/../b.yml", compose), "path outside itself", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := imports.NewUpload()
			err := g.Upload("up.zip", c.data)
			if c.says == "" && (err != nil || len(g.Files) != c.want) {
				t.Errorf("%v, %d files", err, len(g.Files))
			}
			var bad *model.Error
			if c.says != "" && (!errors.As(err, &bad) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\x1b")) {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
}

func TestDamagedEntry(t *testing.T) {
	t.Parallel()
	data := archive(t, "a.yml", strings.Repeat(compose, 50))
	for i := 45; i < 60; i++ {
		data[i] ^= 0x5a
	}
	if err := imports.NewUpload().Upload("up.zip", data); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Error(err)
	}
}

// write makes files in a folder of the test.
func write(t testing.TB, parts ...string) string {
	t.Helper()
	root := t.TempDir()
	for i := 0; i+1 < len(parts); i += 2 {
		name := filepath.Join(root, filepath.FromSlash(parts[i]))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(parts[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestFolders(t *testing.T) {
	t.Parallel()
	root := write(t, "compose.yml", compose, ".env", "A=1\n", "web.env", "B=1\n", ".git/x.yml", compose, "node_modules/m/x.yml", compose, "README.md", "x", "deep/k.yaml", "a: 1\n")
	if err := os.Symlink(filepath.Join(root, "compose.yml"), filepath.Join(root, "link.yml")); err != nil && !errors.Is(err, fs.ErrPermission) {
		t.Fatal(err)
	}
	g, err := imports.Gather([]string{root})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range g.Files {
		name, err := filepath.Rel(root, f.Path)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, filepath.ToSlash(name))
	}
	if got := strings.Join(names, " "); got != ".env compose.yml deep/k.yaml web.env" {
		t.Error(got)
	}
}

func TestFilesNamedOneByOne(t *testing.T) {
	t.Parallel()
	root := write(t, "compose.yml", compose, ".env", "A=1\n")
	one := filepath.Join(root, "compose.yml")
	g, err := imports.Gather([]string{one, one})
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Files) != 2 || !g.Explicit[filepath.ToSlash(one)] { // with the .env beside it, and once
		t.Errorf("%v %v", g.Files, g.Explicit)
	}
	if _, err := imports.Gather([]string{filepath.Join(root, "gone.yml")}); err == nil {
		t.Error("a file that is not there was read")
	}
}

func FuzzUpload(f *testing.F) {
	f.Add("a.zip", archive(f, "a/compose.yml", compose, "k.yaml", "apiVersion: v1\nkind: Pod\n"))
	f.Add("b.zip", archive(f, "../x.yml", compose))
	f.Add("c.yml", []byte(compose))
	f.Add("", []byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		g := imports.NewUpload()
		if g.Upload(name, data) != nil {
			return
		}
		for _, file := range g.Files {
			if slices.Contains(strings.Split(file.Path, "/"), "..") || strings.HasPrefix(file.Path, "/") {
				t.Errorf("the path %q leads outside", file.Path)
			}
		}
	})
}
