package catalogue_test

import (
	"strings"
	"testing"

	"muster/internal/control/catalogue"
)

func TestEveryMappingLeadsToARequirement(t *testing.T) {
	t.Parallel()
	byID := map[string]*catalogue.Framework{}
	for _, f := range catalogue.Frameworks() {
		byID[f.ID] = f
	}
	mappings, used := 0, map[string]bool{}
	for _, c := range load(t).All() {
		seen := map[string]bool{}
		for _, m := range c.Mappings {
			mappings++
			key := m.Framework + " " + m.Requirement
			if seen[key] || m.Why == "" || !m.Strength.Valid() {
				t.Errorf("%s: the mapping to %s is doubled or incomplete", c.ID, key)
			}
			seen[key], used[key] = true, true
			f := byID[m.Framework]
			if f == nil {
				t.Errorf("%s: there is no framework %s", c.ID, m.Framework)
				continue
			}
			if _, found := f.Requirement(m.Requirement); !found {
				t.Errorf("%s: %s has no requirement %s", c.ID, m.Framework, m.Requirement)
			}
		}
	}
	if mappings != 982 {
		t.Errorf("%d mappings, designed are 982", mappings)
	}
	for _, f := range catalogue.Frameworks() {
		for _, q := range f.Requirements {
			if f.NumbersOnly && !used[f.ID+" "+q.ID] {
				t.Errorf("%s lists %s, which no control refers to", f.ID, q.ID)
			}
		}
	}
}

func TestFrameworksAreComplete(t *testing.T) {
	t.Parallel()
	want := map[string]int{
		"owasp-asvs-5.0.0": 345, "owasp-api-top10-2023": 10, "nist-csf-2.0": 106, "nist-ssdf-800-218": 42, "mvsp-3.0": 25, "ossf-osps-baseline": 65, "cisa-cpg-2.0": 34,
		"uk-cyber-essentials": 5, "nist-800-53-rev5-baselines": 179, "nist-800-204": 8, "iso-27001-2022": 48, "soc2-tsc": 29, "cis-v8": 48, "gdpr": 16, "pci-dss-4.0": 56,
	}
	for _, f := range catalogue.Frameworks() {
		if len(f.Requirements) != want[f.ID] || f.Name == "" || f.Version == "" || f.Publisher == "" || !strings.HasPrefix(f.Address, "https://") {
			t.Errorf("%s has %d requirements, want %d", f.ID, len(f.Requirements), want[f.ID])
		}
		delete(want, f.ID)
		words := map[string]string{}
		for _, q := range f.Requirements {
			if strings.HasPrefix(q.Words, "Verify that") || q.Text != "" {
				t.Errorf("%s %s: the wording must be our own", f.ID, q.ID)
			}
			if before := words[q.Words]; before != "" {
				t.Errorf("%s: %s and %s have the same words", f.ID, before, q.ID)
			}
			words[q.Words] = q.ID
		}
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}

func TestLowBaselineIsMarked(t *testing.T) {
	t.Parallel()
	low := 0
	for _, f := range catalogue.Frameworks() {
		for _, q := range f.Requirements {
			if f.ID == "nist-800-53-rev5-baselines" && q.Level == "low" {
				low++
			}
		}
	}
	if low != 149 {
		t.Errorf("%d controls of the low baseline, want 149", low)
	}
}

func TestTextsOfEveryPublisherAreRead(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, csv, want string }{
		{"ASVS", "chapter_id,chapter_name,section_id,section_name,req_id,req_description,L\nV1,Encoding,V1.1,Architecture,V1.1.1,Decode once.,2\n", "V1.1.1|Decode once.|2||Decode once."},
		{"API Top 10", "id,title,is_vulnerable,prevention,cwe\nAPI1:2023,Objects,Is open.,Close it.,CWE-1\n", "API1:2023|Objects||Objects|Is open.\n\nClose it."},
		{"CSF with headings", "id,depth,assessable,name,description,parent\nGV,1,False,GOVERN,Heading,\nGV.OC-01,3,True,,Mission,gv\n", "GV.OC-01|Mission|||Mission"},
		{"sentences without numbers", "id,depth,assessable,name,description,parent\nD.1,2,False,Firewalls,,d\n,3,True,,Use one.,\n,3,True,,Keep it.,\n", "D.1|Firewalls||Firewalls|Use one.\nKeep it."},
		{"baseline", "control,requirement,group,title,text,maturity,mappings\nAC-01,AC-01.01,Access,MFA,Use it.,maturity-2;maturity-3,x\n", "AC-01.01|MFA|2|MFA|Use it."},
		{"800-53", "id,family,title,statement,low,moderate,high\nAC-1,Access,Policy,Have one.,False,True,True\n", "AC-1|Policy|moderate|Policy|Have one."},
		{"a byte order mark and spaces", "\ufeffID , Text\n 1 , One \n", "1|One|||One"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			found, err := catalogue.ParseFramework([]byte(c.csv))
			if err != nil || len(found) != 1 {
				t.Fatalf("%d requirements, %v", len(found), err)
			}
			q := found[0]
			if have := strings.Join([]string{q.ID, q.Words, q.Level, q.Title, q.Text}, "|"); have != c.want {
				t.Errorf("have %q, want %q", have, c.want)
			}
		})
	}
}

func TestMistakesOfFrameworksAreTold(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, csv, want string }{
		{"nothing", "", "framework.csv:1: the file is empty"},
		{"only a header", "id,text\n", "framework.csv: the file has no requirement"},
		{"no id", "number,text\n1,a\n", "framework.csv:1: the header has no column for the id"},
		{"no wording", "id,words\n1,a\n", "framework.csv:1: the header has no column for the wording"},
		{"an id twice", "id,text\n1,a\n2,b\n1,c\n", `framework.csv:4: the requirement "1" stands in the file twice`},
		{"no words", "id,text\n1,a\n2,\n", `framework.csv:3: the requirement "2" has neither title nor text`},
		{"a long id", "id,text\n" + strings.Repeat("x", 61) + ",a\n", "framework.csv:2: the id"},
		{"a long text", "id,text\n1," + strings.Repeat("x", 33<<10) + "\n", `framework.csv:2: the text of "1" is longer than 32 KiB`},
		{"a long continued text", "id,text\n1,a\n," + strings.Repeat("x", 33<<10) + "\n", `framework.csv:3: the text of "1" is longer than 32 KiB`},
		{"a row of another width", "id,text\n1,a\n2,b,c\n", "framework.csv:3: it is not CSV: wrong number of fields"},
		{"an open quote", "id,text\n1,\"a\n", "it is not CSV"},
		{"bytes that are no text", "id,text\n1,\xff\n", "framework.csv: the file is not UTF-8 text"},
		{"too many rows", "id,text\n" + strings.Repeat("1,a\n", 5001), "framework.csv:5002: the file has more than 5000 rows"},
		{"too many columns", "id,text" + strings.Repeat(",x", 60) + "\n", "framework.csv:1: the file has more than 50 columns"},
		{"a huge file", "id,text\n1," + strings.Repeat("x", 9<<20), "framework.csv: the file is larger than 8 MiB"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			found, err := catalogue.ParseFramework([]byte(c.csv))
			if err == nil || !strings.Contains(err.Error(), c.want) || found != nil {
				t.Errorf("want %q, have %.300v", c.want, err)
			}
		})
	}
}

func TestImportedTextsJoinOurWords(t *testing.T) {
	t.Parallel()
	for _, f := range catalogue.Frameworks() {
		if f.ID != "mvsp-3.0" {
			continue
		}
		with, unknown := f.WithTexts([]catalogue.Requirement{{ID: "1.1", Title: "Reports", Text: "Publish."}, {ID: "9.9", Text: "?"}})
		q, _ := with.Requirement("1.1")
		if q.Text != "Publish." || q.Title != "Reports" || q.Words == "" || len(unknown) != 1 || unknown[0] != "9.9" {
			t.Errorf("have %+v, unknown %v", q, unknown)
		}
		if q, _ := f.Requirement("1.1"); q.Text != "" {
			t.Error("the shipped framework was changed")
		}
		return
	}
	t.Error("the framework is missing")
}

func FuzzParseFramework(f *testing.F) {
	f.Add([]byte("id,text\n1,a\n,b\n"))
	f.Add([]byte("id,depth,assessable,name,description,parent\nGV,1,False,GOVERN,Heading,\nGV.OC-01,3,True,,Mission,gv\n"))
	f.Add([]byte("id,title,statement,low,moderate,high\n\"A\nB\",x,\"y\"\"z\",True,,\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := catalogue.ParseFramework(data)
		if (err == nil) == (len(found) == 0) {
			t.Fatalf("%d requirements and error %v", len(found), err)
		}
		seen := map[string]bool{}
		for _, q := range found {
			if q.ID == "" || q.Words == "" || seen[q.ID] {
				t.Fatalf("accepted %+v", q)
			}
			seen[q.ID] = true
		}
	})
}
