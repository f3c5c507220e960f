// Package nmap reads the XML of Nmap: open ports, and what its scripts found at them.
package nmap

import (
	"cmp"
	"fmt"
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// Format is Nmap's XML.
var Format = &report.Format{
	ID: "nmap", Name: "Nmap", Kind: model.KindReport, Versions: "XML since 5 (`-oX`)", Shape: "XML with an nmaprun element",
	Sniff: func(h *report.Head) bool { return h.XML == "nmaprun" },
	Read:  read,
	Becomes: []report.Become{
		{From: "host x port with state open", To: "one network finding of severity info per host and port"},
		{From: "rows of the vulners script", To: "one network finding per host, port and identifier, with the severity of its CVSS score"},
		{From: "tables of the vuln scripts with state VULNERABLE", To: "network findings; LIKELY VULNERABLE is unconfirmed"},
		{From: "the cpe, else service product and version", To: "component"},
		{From: "hostname, else address", To: "host of the endpoint and service"},
	},
	Notes: "Closed and filtered ports are nothing. A bare DOCTYPE, which Nmap writes, is accepted; one that declares entities is refused.",
}

type host struct {
	StartTime string `xml:"starttime,attr"`
	EndTime   string `xml:"endtime,attr"`
	Addresses []struct {
		Addr string `xml:"addr,attr"`
		Type string `xml:"addrtype,attr"`
	} `xml:"address"`
	Names []struct {
		Name string `xml:"name,attr"`
	} `xml:"hostnames>hostname"`
	Ports   []port   `xml:"ports>port"`
	Scripts []script `xml:"hostscript>script"`
}

type port struct {
	Protocol string `xml:"protocol,attr"`
	ID       string `xml:"portid,attr"`
	State    struct {
		State string `xml:"state,attr"`
	} `xml:"state"`
	Service struct {
		Name    string   `xml:"name,attr"`
		Product string   `xml:"product,attr"`
		Version string   `xml:"version,attr"`
		Tunnel  string   `xml:"tunnel,attr"`
		CPE     []string `xml:"cpe"`
	} `xml:"service"`
	Scripts []script `xml:"script"`
}

type script struct {
	ID     string  `xml:"id,attr"`
	Output string  `xml:"output,attr"`
	Tables []table `xml:"table"`
}

type table struct {
	Key    string  `xml:"key,attr"`
	Elems  []elem  `xml:"elem"`
	Tables []table `xml:"table"`
}

type elem struct {
	Key   string `xml:"key,attr"`
	Value string `xml:",chardata"`
}

func (t *table) get(key string) string {
	for _, e := range t.Elems {
		if e.Key == key {
			return strings.TrimSpace(e.Value)
		}
	}
	return ""
}

func read(r *report.Report) error {
	finished := false
	err := r.XML().Walk([]string{"nmaprun"}, func(e *report.Element) error {
		switch e.Path {
		case "nmaprun":
			r.Version = e.Attr("version")
		case "nmaprun/host":
			var h host
			err := e.Row(&h)
			h.add(r)
			return err
		case "nmaprun/runstats/finished":
			finished = true
			if e.Attr("exit") == "error" {
				r.Incomplete("Nmap ended with an error: %s", e.Attr("errormsg"))
			}
		}
		return nil
	})
	if err == nil && !finished {
		r.Incomplete("Nmap did not write that it finished, so hosts may be missing.")
	}
	return err
}

// place is an open port of a host.
type place struct {
	endpoint model.Endpoint
	name     string
	date     string
	software model.Package
}

func (h *host) add(r *report.Report) {
	name := ""
	for _, n := range h.Names {
		name = cmp.Or(name, n.Name)
	}
	for _, a := range h.Addresses {
		if a.Type != "mac" {
			name = cmp.Or(name, a.Addr)
		}
	}
	for i := range h.Ports {
		if p := &h.Ports[i]; p.State.State == "open" {
			at := place{name: name, date: cmp.Or(h.EndTime, h.StartTime), endpoint: model.Endpoint{Protocol: p.Protocol, Host: name, Port: model.Number(report.Int(p.ID))}, software: p.software()}
			at.endpoint.URL = report.Site(at.endpoint)
			p.open(r, &at)
			for j := range p.Scripts {
				p.Scripts[j].add(r, &at)
			}
		}
	}
	for i := range h.Scripts {
		h.Scripts[i].add(r, &place{name: name, date: cmp.Or(h.EndTime, h.StartTime), endpoint: model.Endpoint{Host: name, URL: name}})
	}
}

func (p *port) software() model.Package {
	for _, cpe := range p.Service.CPE {
		if c := fromCPE(cpe); c.Name != "" && strings.HasPrefix(cpe, "cpe:/a:") {
			if c.Version == "" {
				c.Version = p.Service.Version
			}
			return c
		}
	}
	return model.Package{Name: p.Service.Product, Version: p.Service.Version}
}

// fromCPE reads "cpe:/a:openbsd:openssh:7.4".
func fromCPE(cpe string) model.Package {
	parts := strings.Split(strings.TrimPrefix(cpe, "cpe:/"), ":")
	if !strings.HasPrefix(cpe, "cpe:/") || len(parts) < 3 {
		return model.Package{}
	}
	c := model.Package{Name: parts[2]}
	if len(parts) > 3 {
		c.Version = parts[3]
	}
	return c
}

func (p *port) open(r *report.Report, at *place) {
	f := at.finding("open-port", fmt.Sprintf("Open port %s/%s", p.ID, p.Protocol))
	f.Severity, f.ToolSeverity, f.SeveritySource = model.SeverityInfo, "", "default: an open port is a fact, not yet a weakness"
	words := strings.TrimSpace(strings.Join([]string{p.Service.Name, p.Service.Product, p.Service.Version}, " "))
	if words != "" {
		f.Description = "The service there says that it is " + strings.Join(strings.Fields(words), " ") + "."
	}
	r.Add(f)
}

func (p *place) finding(rule, title string) model.Finding {
	return model.Finding{Kind: model.FindingNetwork, RuleID: rule, Title: title, Endpoints: []model.Endpoint{p.endpoint}, Service: p.name, Resource: p.name, Date: report.Time(p.date), Component: p.software}
}

// add reads what a script found: the lists of vulners, and the tables of Nmap's own library for vulnerabilities.
func (s *script) add(r *report.Report, at *place) {
	for i := range s.Tables {
		t := &s.Tables[i]
		if s.ID == "vulners" {
			for j := range t.Tables {
				t.Tables[j].listed(r, at, t.Key)
			}
			continue
		}
		if strings.Contains(t.get("state"), "VULNERABLE") && !strings.Contains(t.get("state"), "NOT VULNERABLE") {
			t.vulnerable(r, at, s.ID)
		}
	}
}

// listed is a row of vulners.
func (t *table) listed(r *report.Report, at *place, cpe string) {
	id := t.get("id")
	if id == "" {
		r.Skip("A row of the vulners script has no id.")
		return
	}
	f := at.finding(id, id+" in "+cpe)
	if c := fromCPE(cpe); c.Name != "" {
		f.Component = c
		f.Title = strings.TrimSpace(id + " in " + c.Name + " " + c.Version)
	}
	if kind := t.get("type"); kind == "cve" || kind == "" || strings.HasPrefix(id, "CVE-") {
		f.VulnerabilityIDs = []string{id}
	}
	f.ToolSeverity = t.get("cvss")
	if score := report.Float(t.get("cvss"), 0, 10); score != nil {
		f.CVSS = report.CVSS("", *score)
		f.Severity, f.SeveritySource = report.ByScore(*score), model.SeverityFromCVSS
	}
	if report.Truth(t.get("is_exploit")) {
		f.Description = "An exploit is public."
	}
	f.References = []string{"https://vulners.com/" + cmp.Or(t.get("type"), "cve") + "/" + id}
	r.Add(f)
}

// vulnerable is a table of Nmap's library.
func (t *table) vulnerable(r *report.Report, at *place, rule string) {
	f := at.finding(rule, cmp.Or(t.get("title"), rule))
	f.Confidence = strings.ToLower(t.get("state"))
	f.Severity, f.SeveritySource = model.SeverityHigh, "default: the script found it vulnerable, and gives no severity"
	for i := range t.Tables {
		part := &t.Tables[i]
		for _, e := range part.Elems {
			switch part.Key {
			case "ids":
				_, id, _ := strings.Cut(e.Value, ":")
				f.VulnerabilityIDs = append(f.VulnerabilityIDs, id)
			case "refs":
				f.References = append(f.References, e.Value)
			case "description":
				f.Description += strings.TrimSpace(e.Value) + "\n"
			}
		}
	}
	r.Add(f)
}
