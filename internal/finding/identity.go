package finding

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// recipe is the version of the fingerprints below. Another recipe gets another number, so that old keys stay explained.
const recipe = "1"

// fact is what a finding is recognised by: a key, and the words that it was made of without the service.
type fact struct{ key, words string }

// keyFor names a weakness of a service. What is nobody's yet is kept apart by what the report calls the thing.
func keyFor(service int64, label, words string) string {
	owner := "s" + strconv.FormatInt(service, 10)
	if service == 0 {
		owner = "l" + strings.ToLower(strings.TrimSpace(label))
	}
	sum := sha256.Sum256([]byte(recipe + "\x00" + owner + "\x00" + words))
	return hex.EncodeToString(sum[:16])
}

// keysOf lists the keys of a row, the best first. There are several where a weakness goes by several names, or shows at
// several addresses: two findings that share one are the same. No key holds a severity, a wording, a line, an image's
// tag or a package's version.
func keysOf(r *Row) []fact {
	var all []string
	say := func(parts ...string) {
		for i := range parts {
			parts[i] = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(parts[i])), "|", "%7c")
		}
		all = append(all, strings.Join(parts, "|"))
	}
	switch r.Kind {
	case Dependency:
		where := cmp.Or(PackageKey(r.PURL, r.Package), "file:"+cleanPath(r.Path))
		for _, id := range identifiers(r.IDs, r.Rule, r.Title) {
			say("dependency", where, id)
		}
	case License:
		say("license", cmp.Or(PackageKey(r.PURL, r.Package), "file:"+cleanPath(r.Path)), cmp.Or(r.Rule, r.Title))
	case Secret:
		say("secret", cleanPath(r.Path), cmp.Or(r.SecretHash, r.Fingerprint, squeeze(r.Snippet), r.Rule))
	case Configuration:
		say("configuration", checkID(cmp.Or(r.Rule, r.Title)), cmp.Or(r.Resource, cleanPath(r.Path)))
	case Web:
		for _, e := range r.Endpoints {
			say("web", cmp.Or(r.Rule, r.Title), strings.ToUpper(cmp.Or(e.Method, "GET")), PathTemplate(cmp.Or(e.Path, e.URL)), e.Param)
		}
		if len(all) == 0 {
			say("web", cmp.Or(r.Rule, r.Title), "", cmp.Or(r.Resource, r.Path), "")
		}
	case Network:
		for _, e := range r.Endpoints {
			say("network", cmp.Or(r.Rule, r.Title), e.Host, strconv.Itoa(e.Port))
		}
		if len(all) == 0 {
			say("network", cmp.Or(r.Rule, r.Title), r.Resource)
		}
	case Manual:
		say("manual", cmp.Or(r.OwnID, r.Fingerprint, r.Title))
	case Code:
		say("code", cmp.Or(r.Rule, r.Title), cleanPath(r.Path), cmp.Or(squeeze(r.Snippet), r.Fingerprint))
		if s := squeeze(r.Snippet); len(r.CWEs) == 1 && len(s) >= telling {
			say("code", "cwe-"+strconv.Itoa(r.CWEs[0]), cleanPath(r.Path), s)
		}
	default:
		say(string(r.Kind), cmp.Or(r.Rule, r.Title), cleanPath(r.Path), r.Fingerprint)
	}
	facts := make([]fact, 0, len(all))
	said := make(map[string]bool, len(all))
	for _, words := range all { // many addresses may be of one route
		if !said[words] {
			said[words] = true
			facts = append(facts, fact{keyFor(r.ServiceID, r.Label, words), words})
		}
	}
	return facts
}

// telling is how long a piece of code is before it tells one place from another without the rule.
const telling = 12

// identifiers gives the names that make two rows the same weakness. An advisory that bundles several CVEs is no alias
// of any of them, so then only the tool's own name counts.
func identifiers(ids []string, rule, title string) []string {
	var names []string
	cves := 0
	for _, id := range ids {
		if id = advisoryName(id); id != "" && !slices.Contains(names, id) {
			names = append(names, id)
			if strings.HasPrefix(id, "CVE-") {
				cves++
			}
		}
	}
	switch {
	case len(names) == 0:
		return []string{cmp.Or(rule, title)}
	case cves > 1:
		return names[:1]
	}
	slices.SortStableFunc(names, func(a, b string) int { return nameRank(a) - nameRank(b) })
	return names
}

// advisoryName is an identifier as its database spells it, however a tool does: GitHub writes its own in small letters.
func advisoryName(id string) string {
	id = strings.ToUpper(strings.TrimSpace(id))
	if rest, ours := strings.CutPrefix(id, "GHSA-"); ours {
		return "GHSA-" + strings.ToLower(rest)
	}
	return id
}

// Canonical is the name to show: a CVE before a GHSA before any other.
func Canonical(ids []string) string {
	names := identifiers(ids, "", "")
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

func nameRank(id string) int {
	switch {
	case strings.HasPrefix(id, "CVE-"):
		return 0
	case strings.HasPrefix(id, "GHSA-"):
		return 1
	}
	return 2
}

// PackageKey is a package URL without version, qualifiers and subpath; the plain name where there is no URL.
func PackageKey(purl, name string) string {
	purl = strings.TrimSpace(purl)
	if !strings.HasPrefix(purl, "pkg:") {
		if name = strings.TrimSpace(name); name == "" {
			return ""
		}
		return "name:" + strings.ToLower(name)
	}
	purl, _, _ = strings.Cut(purl, "#")
	purl, _, _ = strings.Cut(purl, "?")
	if at := strings.LastIndexByte(purl, '@'); at > strings.LastIndexByte(purl, '/') {
		purl = purl[:at]
	}
	kind, rest, _ := strings.Cut(strings.TrimPrefix(purl, "pkg:"), "/")
	if plain, err := url.PathUnescape(rest); err == nil {
		rest = plain
	}
	kind = strings.ToLower(kind)
	if kind == "pypi" {
		rest = strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(rest))
	}
	return "pkg:" + kind + "/" + strings.Trim(rest, "/")
}

var (
	numbered = regexp.MustCompile(`^([A-Z]+)[-_]?0*([0-9]+)$`)
	opaque   = regexp.MustCompile(`^([0-9]+|[0-9a-fA-F-]{16,}|[A-Za-z0-9_-]{24,})$`)
)

// checkID brings the spellings of one check together: AVD-KSV-0014 and KSV014.
func checkID(id string) string {
	id = strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(id)), "AVD-")
	if m := numbered.FindStringSubmatch(id); m != nil {
		return m[1] + m[2]
	}
	return id
}

// PathTemplate is the path of an address with what names one object taken out: /orders/17 is /orders/{}.
func PathTemplate(address string) string {
	p := address
	if u, err := url.Parse(address); err == nil {
		p = u.Path
	}
	parts := strings.Split(path.Clean("/"+p), "/")
	for i, part := range parts {
		if opaque.MatchString(part) {
			parts[i] = "{}"
		}
	}
	return strings.Join(parts, "/")
}

// cleanPath is a path as repositories write it.
func cleanPath(p string) string {
	p = strings.ReplaceAll(strings.TrimSpace(p), `\`, "/")
	p = strings.TrimPrefix(p, "file://")
	if p == "" {
		return ""
	}
	return strings.TrimPrefix(path.Clean("/"+p), "/")
}

// squeeze leaves out what formatters change.
func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }
