package probe

import (
	"fmt"
	"slices"
	"strings"

	"muster/internal/probe/hello"
)

// judge answers every clause that the facts speak about.
func judge(f *facts) []Check {
	out := []Check{judgePlain(f)}
	if f.inside {
		out = append(out, judgeMutual(f))
	}
	if f.target.scheme == "http" {
		return out
	}
	if f.tls == nil {
		return append(out, withoutTLS(f)...)
	}
	out = append(out, judgeVersions(f), judgeCiphers(f), judgeKeys(f), judgeForward(f))
	out = append(out, judgeCertificate(f)...)
	return out
}

// withoutTLS: an address that only has a port may speak something else on purpose; an https address should not.
func withoutTLS(f *facts) []Check {
	outcome := Unknown
	if f.target.scheme == "" && (f.session.foreign || f.speaksHTTP()) {
		outcome = NotApplicable
	}
	var out []Check
	for _, k := range knownChecks {
		if !k.plain && !k.refutesOnly {
			out = append(out, k.check(outcome, "no TLS", f.noTLS()))
		}
	}
	return out
}

func judgeVersions(f *facts) Check {
	var old, unknown []string
	modern := false
	reason := ""
	for _, v := range hello.Versions {
		p := f.protocol(v)
		switch {
		case p.State == hello.Offered && v < hello.TLS12:
			old = append(old, v.String())
		case p.State == hello.Offered:
			modern = true
		case p.State == hello.Unknown && v < hello.TLS12:
			unknown = append(unknown, v.String())
			reason = p.Reason
		}
	}
	observed := "accepts " + strings.Join(f.tls.Offered, ", ")
	switch {
	case len(old) > 0:
		return checkVersion.check(Fail, observed, strings.Join(old, ", ")+" should be off")
	case len(unknown) > 0 || !modern:
		return checkVersion.check(Unknown, observed, fmt.Sprintf("Whether it accepts %s is not known: %s.", strings.Join(unknown, ", "), reason))
	}
	return checkVersion.check(Pass, observed, "SSLv2, SSLv3, TLS1.0 and TLS1.1 were each refused.")
}

func judgeCiphers(f *facts) Check {
	bad := slices.DeleteFunc(slices.Clone(f.tls.Ciphers), func(c Cipher) bool { return !c.Weak })
	slices.SortStableFunc(bad, func(a, b Cipher) int { return badness(a.Reason) - badness(b.Reason) })
	var weak []string
	for _, c := range bad {
		weak = append(weak, fmt.Sprintf("%s in %s (%s)", c.Name, c.Protocol, c.Reason))
	}
	switch {
	case len(weak) > 0:
		return checkCiphers.check(Fail, fmt.Sprintf("%d of %d suites are weak", len(weak), len(f.tls.Ciphers)), some(weak))
	case !f.all || len(f.tls.Ciphers) == 0:
		return checkCiphers.check(Unknown, fmt.Sprintf("%d suites, none of them weak", len(f.tls.Ciphers)), "The list is not complete: "+f.incomplete()+".")
	}
	return checkCiphers.check(Pass, fmt.Sprintf("%d suites, none of them weak", len(f.tls.Ciphers)), "")
}

// incomplete says why the list of suites ended early.
func (f *facts) incomplete() string {
	for _, v := range hello.Versions {
		if p := f.protocol(v); p.State == hello.Offered && !p.Complete && p.Reason != "" {
			return p.Reason
		}
	}
	return "the time ran out"
}

func judgeKeys(f *facts) Check {
	weak := f.smallGroups()
	if f.leaf != nil && f.leaf.weak != "" {
		weak = append(weak, f.leaf.weak)
	}
	for _, c := range f.more {
		if _, why := keyOf(c); why != "" {
			weak = append(weak, why)
		}
	}
	switch {
	case len(weak) > 0:
		return checkKeys.check(Fail, some(weak), "")
	case f.leaf == nil:
		return checkKeys.check(Unknown, "no certificate", "The certificate could not be read.")
	case f.leaf.report.Key == "unknown":
		return checkKeys.check(Unknown, "a key of an unknown kind", "Its kind is not one that Muster can measure.")
	case !f.all:
		return checkKeys.check(Unknown, f.leaf.report.Key, "Not every suite's key exchange was seen: "+f.incomplete()+".")
	}
	return checkKeys.check(Pass, f.leaf.report.Key+groupsUsed(f), "")
}

func groupsUsed(f *facts) string {
	seen := map[string]bool{}
	text := ""
	for _, c := range f.tls.Ciphers {
		if c.Group != "" && !seen[c.Group] {
			seen[c.Group] = true
			text += ", " + c.Group
		}
	}
	return text
}

func judgeForward(f *facts) Check {
	var without []string
	for _, c := range f.tls.Ciphers {
		if !hello.Describe(c.Name).ForwardSecret {
			without = append(without, c.Name+" in "+c.Protocol)
		}
	}
	switch {
	case len(without) > 0:
		return checkForward.check(Fail, fmt.Sprintf("%d of %d suites do without", len(without), len(f.tls.Ciphers)), some(without))
	case !f.all || len(f.tls.Ciphers) == 0:
		return checkForward.check(Unknown, "every suite that was seen", "The list is not complete: "+f.incomplete()+".")
	}
	return checkForward.check(Pass, "every suite", "")
}

func judgeCertificate(f *facts) []Check {
	if f.leaf == nil {
		var out []Check
		for _, k := range []knownCheck{checkTrusted, checkNames, checkTime, checkExpired} {
			out = append(out, k.check(Unknown, "no certificate", "The certificate could not be read."))
		}
		return out
	}
	out := []Check{f.trusted(), f.namesMatch(), f.enoughTime(), f.notExpired()}
	if f.leaf.weak != "" {
		out = append(out, checkKeyKind.check(Fail, f.leaf.report.Key, ""))
	}
	return out
}

func (f *facts) trusted() Check {
	c := f.leaf.report
	weak := signedWeakly(f.leaf.leaf)
	switch {
	case !c.ChainTrusted:
		return checkTrusted.check(Fail, "not trusted: "+c.Problem, "Issued by "+c.Issuer+".")
	case weak != "":
		return checkTrusted.check(Fail, "signed with "+weak, "Issued by "+c.Issuer+".")
	case f.now.After(f.leaf.end): // trusted in its own time, which is over
		return checkTrusted.check(Pass, "issued by "+c.Issuer, "The chain was sound while the certificate was valid.")
	}
	return checkTrusted.until(f.leaf.end, "issued by "+c.Issuer)
}

func (f *facts) namesMatch() Check {
	c := f.leaf.report
	if c.NameMatches {
		return checkNames.until(c.NotAfter, "it names "+f.target.host)
	}
	return checkNames.check(Fail, fmt.Sprintf("none of its %d names is %s", c.NamesTotal, f.target.host), some(c.Names))
}

func (f *facts) enoughTime() Check {
	c := f.leaf.report
	observed := fmt.Sprintf("%d days left, until %s", c.DaysLeft, c.NotAfter.Format("2006-01-02"))
	if c.DaysLeft == 1 {
		observed = "1 day left, until " + c.NotAfter.Format("2006-01-02")
	}
	switch by := renewBy(f.leaf.leaf); {
	case f.now.Before(c.NotBefore):
		return checkTime.check(Fail, "not valid before "+c.NotBefore.Format("2006-01-02"), "")
	case f.now.After(c.NotAfter):
		return checkTime.check(Fail, "expired on "+c.NotAfter.Format("2006-01-02"), "")
	case !f.now.Before(by):
		return checkTime.check(Fail, observed, "It should have been renewed by "+by.UTC().Format("2006-01-02")+".")
	default:
		return checkTime.until(by, observed)
	}
}

func (f *facts) notExpired() Check {
	c := f.leaf.report
	if f.now.After(c.NotAfter) {
		return checkExpired.check(Fail, "expired on "+c.NotAfter.Format("2006-01-02"), "")
	}
	return checkExpired.until(c.NotAfter, "valid until "+c.NotAfter.Format("2006-01-02"))
}

// judgeMutual speaks only from inside the segment: outside, a gateway may stand in between.
func judgeMutual(f *facts) Check {
	plain := f.plain[f.target.port]
	switch {
	case plain.serves():
		return checkMutual.check(Fail, "answers without TLS: "+plain.words(f.target.port), "")
	case f.session.required:
		return checkMutual.check(Pass, "a TLS client without a certificate was turned away", "")
	case f.session.ok && f.session.requested:
		return checkMutual.check(Fail, "a client certificate is asked for, and a client without one is served", "")
	case f.session.ok:
		return checkMutual.check(Fail, "TLS without a client certificate", "")
	case f.tls != nil:
		return checkMutual.check(Unknown, "TLS", "No whole handshake was possible, so the demand for a client certificate was not seen.")
	}
	return checkMutual.check(Unknown, "no TLS", f.noTLS())
}

func judgePlain(f *facts) Check {
	a := f.plain[f.plainPort]
	words := a.words(f.plainPort)
	switch {
	case a.unknown != "":
		return checkPlain.check(Unknown, words, a.unknown)
	case a.closed, a.redirects():
		if f.target.scheme == "http" && a.closed && !a.refusedByTLS {
			return checkPlain.check(Unknown, words, "Whether it serves plain HTTP when it is up is not known.")
		}
		return checkPlain.check(Pass, words, "")
	case f.tls != nil && f.plainPort == f.target.port && (a.status == 400 || a.status == 421 || a.status == 426 || a.status == 497):
		return checkPlain.check(Pass, words, "The port speaks TLS and refuses requests without it.")
	case a.status >= 500:
		return checkPlain.check(Unknown, words, "A failing server says nothing about what it serves.")
	}
	return checkPlain.check(Fail, words, "")
}

// some joins the first few of a list.
func some(list []string) string {
	if len(list) > 5 {
		return strings.Join(list[:5], "; ") + fmt.Sprintf("; and %d more", len(list)-5)
	}
	return strings.Join(list, "; ")
}
