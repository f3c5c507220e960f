package model

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	quick "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Pack stores an inspection as bytes. It holds names and places, never a secret's value: the importers do not keep those.
func Pack(i *Inspection) ([]byte, error) { return NewPacker().Pack(i) }

// maxUnpacked bounds what is read of bytes that were packed.
const maxUnpacked = 1 << 30

// Unpack reads what Pack stored; no bytes are an empty inspection.
func Unpack(data []byte) (*Inspection, error) {
	i, _, err := Head(data)
	if err != nil {
		return nil, err
	}
	return i, Each(data, func(f *Finding) error {
		i.Findings = append(i.Findings, *f)
		return nil
	})
}

// Head reads all but the findings of what Pack stored, and whether there are any.
func Head(data []byte) (i *Inspection, findings bool, err error) {
	i = New()
	rest := []byte("{")
	members := 0
	err = unpack(data, func(name string, d *jsontext.Decoder) (done bool, err error) {
		members++
		if name != "findings" {
			value, err := d.ReadValue()
			rest = append(append(append(append(rest, '"'), name...), `":`...), value...)
			rest = append(rest, ',')
			return false, err
		}
		if _, err := d.ReadToken(); err != nil {
			return false, err
		}
		findings = d.PeekKind() == '{'
		if members == reflect.TypeFor[Inspection]().NumField() {
			return true, nil // it is the last member, of which there may be much
		}
		for d.PeekKind() == '{' {
			if err := d.SkipValue(); err != nil {
				return false, err
			}
		}
		_, err = d.ReadToken()
		return false, err
	})
	if err != nil {
		return nil, false, err
	}
	rest = append(bytes.TrimSuffix(rest, []byte(",")), '}')
	if err := json.Unmarshal(rest, i); err != nil {
		return nil, false, fmt.Errorf("unpack inspection: %w", err)
	}
	return i, findings, nil
}

// Each gives the findings of what Pack stored, one by one, so that a large report is never held as a whole.
func Each(data []byte, each func(*Finding) error) error {
	return unpack(data, func(name string, d *jsontext.Decoder) (bool, error) {
		if name != "findings" {
			return false, d.SkipValue()
		}
		return true, list(d, each)
	})
}

// list reads a list of findings, up to its end.
func list(d *jsontext.Decoder, each func(*Finding) error) error {
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() == '{' {
		var f Finding
		if err := quick.UnmarshalDecode(d, &f); err != nil {
			return err
		}
		if err := each(&f); err != nil {
			return err
		}
	}
	return nil
}

// unpack calls member for each member of an inspection, until it says that it is done.
func unpack(data []byte, member func(name string, d *jsontext.Decoder) (done bool, err error)) error {
	if len(data) == 0 {
		return nil
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("unpack inspection: %w", err)
	}
	d := jsontext.NewDecoder(io.LimitReader(z, maxUnpacked))
	if _, err := d.ReadToken(); err != nil {
		return fmt.Errorf("unpack inspection: %w", err)
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return fmt.Errorf("unpack inspection: %w", err)
		}
		if done, err := member(name.String(), d); err != nil {
			return fmt.Errorf("unpack inspection: %w", err)
		} else if done {
			return nil
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return fmt.Errorf("unpack inspection: %w", err)
	}
	return nil
}

// Packer packs the findings of an inspection while they are read: what a large report says is never in memory as a whole.
type Packer struct {
	out   chunks
	z     *gzip.Writer
	n     int32
	input string             // the file that is being read
	seen  map[RowKey]int32   // its rows
	again map[int32]int32    // rows that say what an earlier one says
	heads map[int32]*Finding // those earlier ones
}

// NewPacker begins an empty inspection.
func NewPacker() *Packer {
	p := &Packer{again: map[int32]int32{}, heads: map[int32]*Finding{}}
	p.z = gzip.NewWriter(&p.out)
	return p
}

// Add takes one finding. One with the Row of an earlier one of its file is joined with it.
func (p *Packer) Add(f Finding) error {
	if f.Row != (RowKey{}) {
		if p.seen == nil || p.input != f.Input {
			p.input, p.seen = f.Input, map[RowKey]int32{}
		}
		if first, known := p.seen[f.Row]; known {
			p.again[p.n], p.heads[first] = first, nil
		} else {
			p.seen[f.Row] = p.n
		}
	}
	return p.write(&f)
}

func (p *Packer) write(f *Finding) error {
	text, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("pack inspection: %w", err)
	}
	return p.raw(text)
}

func (p *Packer) raw(text []byte) error {
	if p.n++; p.n > 1 {
		text = append([]byte{','}, text...)
	}
	return p.put(p.z, text)
}

func (p *Packer) put(z *gzip.Writer, text []byte) error {
	// PostgreSQL stores no NUL in text; what a file says with one is shown with the sign for "cannot be shown".
	if _, err := z.Write(bytes.ReplaceAll(text, []byte(`\u0000`), []byte(`\ufffd`))); err != nil {
		return fmt.Errorf("pack inspection: %w", err)
	}
	return nil
}

// Pack gives the bytes of the inspection and of all findings that were added. It ends the packer.
func (p *Packer) Pack(i *Inspection) ([]byte, error) {
	for k := range i.Findings {
		if err := p.write(&i.Findings[k]); err != nil {
			return nil, err
		}
	}
	p.seen = nil
	if err := p.join(); err != nil {
		return nil, err
	}
	// The findings come last, so that the rest can be read without them. The parts of a gzip stream may be packed one by one.
	head, err := json.Marshal(struct {
		*Inspection
		Findings *int `json:"findings,omitempty"`
	}{Inspection: i})
	if err != nil {
		return nil, fmt.Errorf("pack inspection: %w", err)
	}
	var out chunks
	first := gzip.NewWriter(&out)
	if err := p.put(first, append(bytes.TrimSuffix(head, []byte("}")), `,"findings":[`...)); err != nil {
		return nil, err
	}
	if err := p.put(p.z, []byte("]}")); err != nil {
		return nil, err
	}
	for _, z := range []*gzip.Writer{first, p.z} {
		if err := z.Close(); err != nil {
			return nil, fmt.Errorf("pack inspection: %w", err)
		}
	}
	all := slices.Concat(append(out.list, p.out.list...)...)
	p.out.list = nil
	return all, nil
}

// join puts rows together that say the same. Only those that do are held in memory.
func (p *Packer) join() error {
	if len(p.again) == 0 {
		return nil
	}
	if err := p.z.Close(); err != nil {
		return fmt.Errorf("pack inspection: %w", err)
	}
	from := p.out
	err := rows(&from, func(n int32, text jsontext.Value) error {
		first, repeats := p.again[n]
		_, repeated := p.heads[n]
		if !repeats && !repeated {
			return nil
		}
		var f Finding
		if err := quick.Unmarshal(text, &f); err != nil {
			return err
		}
		if repeats {
			p.heads[first].Merge(&f)
		} else {
			p.heads[n] = &f
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("pack inspection: %w", err)
	}
	p.out, p.n = chunks{}, 0
	p.z = gzip.NewWriter(&p.out)
	return rows(&from, func(n int32, text jsontext.Value) error {
		if _, repeats := p.again[n]; repeats {
			return nil
		}
		if f := p.heads[n]; f != nil {
			return p.write(f)
		}
		return p.raw(text)
	})
}

// rows reads the findings that were packed so far.
func rows(from *chunks, each func(n int32, text jsontext.Value) error) error {
	z, err := gzip.NewReader(from.reader())
	if err != nil {
		return err
	}
	d := jsontext.NewDecoder(io.MultiReader(strings.NewReader("["), z, strings.NewReader("]")))
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for n := int32(0); d.PeekKind() == '{'; n++ {
		text, err := d.ReadValue()
		if err != nil {
			return err
		}
		if err := each(n, text); err != nil {
			return err
		}
	}
	return nil
}

// chunks are bytes that grow without being copied.
type chunks struct{ list [][]byte }

const chunk = 256 << 10

// Write appends.
func (c *chunks) Write(data []byte) (int, error) {
	all := len(data)
	for len(data) > 0 {
		if len(c.list) == 0 || len(c.list[len(c.list)-1]) == chunk {
			c.list = append(c.list, make([]byte, 0, chunk))
		}
		last := &c.list[len(c.list)-1]
		n := min(len(data), chunk-len(*last))
		*last = append(*last, data[:n]...)
		data = data[n:]
	}
	return all, nil
}

func (c *chunks) reader() io.Reader {
	var all []io.Reader
	for _, some := range c.list {
		all = append(all, bytes.NewReader(some))
	}
	return io.MultiReader(all...)
}

// BaseName is the workload's own name, without the namespace that a clash put before it.
func (s *Service) BaseName() string { return s.Name[strings.LastIndexByte(s.Name, '/')+1:] }

// Compose is the kind of a Compose file's workloads.
const Compose = "Compose service"
