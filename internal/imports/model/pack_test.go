package model_test

import (
	"fmt"
	"slices"
	"testing"

	"muster/internal/imports/model"
)

func TestPackedFindingsComeBack(t *testing.T) {
	t.Parallel()
	i := model.New()
	i.Inputs = append(i.Inputs, model.Input{Path: "a.json", Kind: model.KindReport})
	i.Problems = append(i.Problems, model.Problem{Path: "a.json", Message: "odd \u0000 sign"})
	p := model.NewPacker()
	const n = 3000
	for k := range n {
		f := model.Finding{Title: fmt.Sprintf("Flaw %d", k%2000), Status: model.StatusOpen, Occurrences: 1, Input: "a.json", References: []string{fmt.Sprint("https://example.com/", k)}}
		f.Row[0], f.Row[1], f.Row[15] = byte(k%2000), byte(k%2000>>8), 1
		if err := p.Add(f); err != nil {
			t.Fatal(err)
		}
	}
	other := model.Finding{Title: "In another file", Input: "b.json", Status: model.StatusOpen, Occurrences: 1}
	other.Row[0], other.Row[15] = 7, 1 // which names a row of the first file too
	if err := p.Add(other); err != nil {
		t.Fatal(err)
	}
	i.Findings = append(i.Findings, model.Finding{Title: "Collected"})
	data, err := p.Pack(i)
	if err != nil {
		t.Fatal(err)
	}
	head, told, err := model.Head(data)
	if err != nil || !told || len(head.Findings) != 0 || len(head.Inputs) != 1 || head.Problems[0].Message != "odd \uFFFD sign" {
		t.Fatalf("%+v %v %v", head, told, err)
	}
	all, err := model.Unpack(data)
	if err != nil || len(all.Findings) != 2002 {
		t.Fatalf("%d findings, %v", len(all.Findings), err)
	}
	for k, f := range all.Findings[:2000] {
		want, links := 1, []string{fmt.Sprint("https://example.com/", k)}
		if k < 1000 {
			want, links = 2, append(links, fmt.Sprint("https://example.com/", k+2000))
		}
		if f.Title != fmt.Sprintf("Flaw %d", k) || f.Occurrences != want || !slices.Equal(f.References, links) {
			t.Fatalf("%d: %+v", k, f)
		}
	}
	if all.Findings[2000].Title != "In another file" || all.Findings[2001].Title != "Collected" {
		t.Errorf("%q, %q", all.Findings[2000].Title, all.Findings[2001].Title)
	}
}

func TestNothingIsPackedAsNothing(t *testing.T) {
	t.Parallel()
	data, err := model.Pack(model.New())
	if err != nil {
		t.Fatal(err)
	}
	for _, stored := range [][]byte{data, nil} {
		i, told, err := model.Head(stored)
		if err != nil || told || i.Services == nil {
			t.Errorf("%+v %v %v", i, told, err)
		}
		if err := model.Each(stored, func(*model.Finding) error { return fmt.Errorf("a finding") }); err != nil {
			t.Error(err)
		}
	}
	if _, err := model.Unpack(data[:len(data)/2]); err == nil {
		t.Error("half of it was taken for all")
	}
}
