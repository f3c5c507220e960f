//go:build unix

package imports_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"muster/internal/imports"
	"muster/internal/imports/model"
)

// The limits of reading: so many times the decoding of the same bytes into nothing, and so much memory for a large report.
const (
	maxTimes  = 3.0
	maxMemory = 250 << 20
	largeSize = 100 << 20
)

// rows repeats a row, with numbers in it, between a head and a tail.
func rows(head, row, tail, between string, n int) []byte {
	var b bytes.Buffer
	b.WriteString(head)
	for i := range n {
		if i > 0 {
			b.WriteString(between)
		}
		b.WriteString(strings.ReplaceAll(row, "@", fmt.Sprint(i)))
	}
	b.WriteString(tail)
	return b.Bytes()
}

const long = "An attacker who can reach the parser may send a crafted document that makes it read beyond the end of its buffer, which ends the process or shows what else is in memory. Versions before the fixed one are affected in every configuration."

// grown makes a report of each large format with so many rows.
func grown(n int) map[string][]byte {
	return map[string][]byte{
		"trivy": rows(`{"SchemaVersion":2,"ArtifactName":"shop","Results":[{"Target":"app/go.sum","Class":"lang-pkgs","Type":"gomod","Vulnerabilities":[`,
			`{"VulnerabilityID":"CVE-2024-@","PkgName":"pkg@","PkgIdentifier":{"PURL":"pkg:golang/example.org/pkg@@1.0.0"},"InstalledVersion":"1.0.0","FixedVersion":"1.0.1","Status":"fixed","SeveritySource":"nvd","PrimaryURL":"https://avd.example/CVE-2024-@","Title":"pkg@: out of bounds","Description":"`+long+`","Severity":"HIGH","CweIDs":["CWE-125"],"CVSS":{"nvd":{"V3Vector":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H","V3Score":7.5}},"References":["https://example.org/a@","https://example.org/b@"],"PublishedDate":"2024-01-02T03:04:05Z"}`, `]}]}`, ",", n),
		"sarif": rows(`{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"Linter","rules":[{"id":"R1","shortDescription":{"text":"A rule"},"fullDescription":{"text":"A value from outside reaches the page."},"properties":{"security-severity":"7.1","tags":["external/cwe/cwe-079"]}}]}},"results":[`,
			`{"ruleId":"R1","ruleIndex":0,"level":"error","message":{"text":"The value of parameter @ reaches the page unescaped. `+long+`"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"src/file@.go","uriBaseId":"SRCROOT"},"region":{"startLine":10,"endLine":12,"snippet":{"text":"fmt.Fprint(w, value@)"}}}}],"partialFingerprints":{"primaryLocationLineHash":"abc@:1"}}`, `]}]}`, ",", n),
		"grype": rows(`{"matches":[`,
			`{"vulnerability":{"id":"GHSA-aaaa-bbbb-@","dataSource":"https://github.com/advisories/@","severity":"High","urls":["https://example.org/@"],"description":"`+long+`","cvss":[{"version":"3.1","vector":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H","metrics":{"baseScore":7.5}}],"fix":{"versions":["1.0.1"],"state":"fixed"}},"relatedVulnerabilities":[{"id":"CVE-2024-@","dataSource":"https://nvd.example/@"}],"matchDetails":[{"type":"exact-direct-match","matcher":"go-module-matcher","searchedBy":{"language":"go","package":{"name":"pkg@","version":"1.0.0"}}}],"artifact":{"id":"a@","name":"pkg@","version":"1.0.0","type":"go-module","locations":[{"path":"/app/go.mod"}],"purl":"pkg:golang/example.org/pkg@@1.0.0"}}`, `],"descriptor":{"name":"grype","version":"0.90.0"}}`, ",", n),
		"nuclei": rows("", `{"template-id":"panel-@","info":{"name":"Panel @","severity":"medium","description":"`+long+`","reference":["https://example.org/@"],"classification":{"cve-id":null,"cwe-id":["cwe-200"]}},"matcher-name":"login","type":"http","host":"https://h@.example","matched-at":"https://h@.example/admin","timestamp":"2024-01-02T03:04:05Z"}`, "\n", "\n", n),
		"semgrep": rows(`{"version":"1.50.0","errors":[],"results":[`,
			`{"check_id":"go.lang.rule","path":"src/f@.go","start":{"line":@,"col":1},"end":{"line":@,"col":9},"extra":{"message":"`+long+`","severity":"ERROR","lines":"f(x@)","fingerprint":"fp@","is_ignored":false,"metadata":{"cwe":["CWE-79: XSS"],"confidence":"HIGH","references":["https://example.org/r"]}}}`, `]}`, ",", n),
		"zap": rows(`<?xml version="1.0"?><OWASPZAPReport version="2.15.0"><site name="https://shop.example" host="shop.example" port="443" ssl="true"><alerts>`,
			`<alertitem><pluginid>@</pluginid><alertRef>@-1</alertRef><alert>Alert @</alert><name>Alert @</name><riskcode>2</riskcode><confidence>2</confidence><riskdesc>Medium (Medium)</riskdesc><desc>&lt;p&gt;`+long+`&lt;/p&gt;</desc><instances><instance><uri>https://shop.example/p@</uri><method>GET</method><param>q</param></instance></instances><cweid>693</cweid></alertitem>`, `</alerts></site></OWASPZAPReport>`, "", n),
	}
}

// nothing decodes the same bytes with the standard library and keeps none of them.
func nothing(data []byte) error {
	var none struct{}
	if data[0] == '<' {
		return xml.NewDecoder(bytes.NewReader(data)).Decode(&none)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	for {
		if err := d.Decode(&none); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

// spent is the processor time of the best of three: on a busy machine the clock tells nothing.
func spent(b *testing.B, do func() error) time.Duration {
	best := time.Hour
	for range 3 {
		runtime.GC()
		start := used(b)
		if err := do(); err != nil {
			b.Fatal(err)
		}
		best = min(best, used(b)-start)
	}
	return best
}

func used(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkReports reads reports and decodes the same bytes into nothing, in the same run.
func BenchmarkReports(b *testing.B) {
	for format, data := range grown(10_000) {
		b.Run(format, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			var ours, least time.Duration
			for b.Loop() {
				ours = spent(b, func() error {
					n := 0
					_, err := imports.Inspect([]model.File{{Path: "in", Data: data}}, imports.Options{Finding: func(model.Finding) error { n++; return nil }})
					if err == nil && n < 9_000 {
						return fmt.Errorf("only %d findings", n)
					}
					return err
				})
				least = spent(b, func() error { return nothing(data) })
			}
			times := ours.Seconds() / least.Seconds()
			b.ReportMetric(times, "times")
			b.ReportMetric(times/maxTimes, "of-limit")
			if times > maxTimes {
				b.Errorf("reading took %.1f times as long as decoding into nothing, and the limit is %.0f", times, maxTimes)
			}
		})
	}
}

// BenchmarkLargeReport reads 100 MB; the file itself counts.
func BenchmarkLargeReport(b *testing.B) {
	for _, format := range []string{"trivy", "sarif"} {
		b.Run(format, func(b *testing.B) {
			sample := grown(1000)[format]
			data := grown(1000 * largeSize / len(sample))[format]
			runtime.GC()
			for b.Loop() {
				peak := watch(func() {
					n := 0
					_, err := imports.Inspect([]model.File{{Path: "in", Data: data}}, imports.Options{Finding: func(model.Finding) error { n++; return nil }})
					if err != nil || n < 1000 {
						b.Fatal(err)
					}
					b.ReportMetric(float64(n), "findings")
				})
				b.ReportMetric(float64(peak>>20), "MB")
				b.ReportMetric(float64(peak)/maxMemory, "of-limit")
				if peak > maxMemory {
					b.Errorf("%d MB, and the limit is %d MB", peak>>20, maxMemory>>20)
				}
			}
		})
	}
}

// watch gives the most memory that was in use while do ran.
func watch(do func()) uint64 {
	done, result := make(chan struct{}), make(chan uint64)
	go func() {
		var peak uint64
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
			select {
			case <-done:
				result <- peak
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	do()
	close(done)
	return <-result
}
