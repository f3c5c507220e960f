package imports

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"golang.org/x/text/encoding/charmap"

	"muster/internal/imports/cyclonedx"
	"muster/internal/imports/generic"
	"muster/internal/imports/gitlab"
	"muster/internal/imports/gitleaks"
	"muster/internal/imports/govulncheck"
	"muster/internal/imports/grype"
	"muster/internal/imports/limit"
	"muster/internal/imports/lockfile"
	"muster/internal/imports/model"
	"muster/internal/imports/muster"
	"muster/internal/imports/nmap"
	"muster/internal/imports/npmaudit"
	"muster/internal/imports/nuclei"
	"muster/internal/imports/openvex"
	"muster/internal/imports/osvscanner"
	"muster/internal/imports/prowler"
	"muster/internal/imports/report"
	"muster/internal/imports/sarif"
	"muster/internal/imports/semgrep"
	"muster/internal/imports/spdx"
	"muster/internal/imports/trivy"
	"muster/internal/imports/zap"
)

// reports are the formats of scanner reports, in the order in which they are tried.
var reports = slices.Concat([]*report.Format{
	muster.Format, sarif.Format, cyclonedx.Format, trivy.Format, grype.Format, osvscanner.Format, npmaudit.FormatSeven, npmaudit.Format, govulncheck.Format,
	gitleaks.Format, semgrep.Format, zap.Format, nuclei.Format, nmap.Format, prowler.Format, prowler.FormatTwo, gitlab.SAST, openvex.Format, spdx.Format, generic.Format,
}, lockfile.Formats)

// Reports lists the formats of scanner reports, for the documentation.
func Reports() []*report.Format { return reports }

func reportFormat(id string) *report.Format {
	for _, f := range reports {
		if f.ID == id {
			return f
		}
	}
	return nil
}

// detectReport finds the format of a report by its first bytes, and by all of them where those do not tell.
func detectReport(file model.File) *report.Format {
	data := file.Data
	if i := bytes.IndexFunc(data, func(r rune) bool { return r > ' ' }); i < 0 {
		return nil
	}
	h := report.NewHead(file, false)
	for range 2 {
		for _, f := range reports {
			if f.Sniff(h) {
				return f
			}
		}
		if !limit.JSON(data) || h.Whole() {
			return nil
		}
		h = report.NewHead(file, true)
	}
	return nil
}

// readReport reads a file as the format that it is, or that a person says it is. Of what a person says it is the content
// must show it too, before nothing may be found in it.
func readReport(file model.File, f *report.Format, named bool, each func(model.Finding) error) (*model.Inspection, error) {
	sniffed := !named || f.Sniff(report.NewHead(file, false))
	if !sniffed {
		if other := detectReport(file); other != nil && other != f {
			return nil, model.Fail(file.Path, 0, "This is not a %s report (%s) but a %s report (%s).", f.Name, f.ID, other.Name, other.ID)
		} else if other == f {
			sniffed = true
		}
	}
	r, err := report.Stream(f, file, each)
	if err != nil {
		return nil, err
	}
	if !sniffed && r.Empty() && !bare(file.Data, f) {
		return nil, r.Wrong()
	}
	return r.Inspection(), nil
}

// bare reports whether a file is what the tool of a format writes when it found nothing: null, an empty list or no line.
func bare(data []byte, f *report.Format) bool {
	text := string(bytes.Join(bytes.Fields(data[:min(len(data), 1<<10)]), nil))
	return text == "null" && f.Null || text == "[]" && f.Array || text == "" && f.Lines
}

// detectBare tells the format of a file that holds only null or [], by its name: gitleaks-report.json, trivy/main.json.
func detectBare(f model.File) *report.Format {
	var found *report.Format
	name := strings.ToLower(path.Base(path.Dir(f.Path)) + "/" + path.Base(f.Path))
	for _, c := range reports {
		if len(f.Data) > 0 && bare(f.Data, c) && strings.Contains(name, c.ID) && (found == nil || len(c.ID) > len(found.ID)) {
			found = c
		}
	}
	return found
}

// decoded gives the text of an XML file that says itself that it is in a Western encoding.
func decoded(f model.File) (model.File, bool) {
	head := bytes.ToLower(f.Data[:min(len(f.Data), 200)])
	if !bytes.HasPrefix(head, []byte("<?xml")) {
		return f, false
	}
	declaration, _, _ := bytes.Cut(head, []byte("?>"))
	if !bytes.Contains(declaration, []byte("iso-8859-1")) && !bytes.Contains(declaration, []byte("windows-1252")) && !bytes.Contains(declaration, []byte("latin1")) {
		return f, false
	}
	data, err := charmap.Windows1252.NewDecoder().Bytes(f.Data) // which holds all of ISO 8859-1
	return model.File{Path: f.Path, Data: data}, err == nil
}
