package probe

import (
	"slices"

	"muster/internal/probe/hello"
)

// grade follows the SSL Labs server rating guide 2009r: a score, capped by what is wrong. T is an untrusted certificate, M a wrong name.
func (f *facts) grade() string {
	switch {
	case len(f.tls.Offered) == 0:
		return ""
	case f.leaf != nil && f.distrusted():
		return "T"
	case f.leaf != nil && !f.leaf.report.NameMatches:
		return "M"
	}
	grade := max(f.scoreGrade(), f.cap()) // the later letter is the worse one
	if (f.leaf == nil || len(f.tls.Ciphers) == 0) && grade != "F" {
		return "" // what was not seen could only make it worse
	}
	return grade
}

func (f *facts) distrusted() bool {
	c := f.leaf.report
	return !c.ChainTrusted || f.now.After(c.NotAfter) || f.now.Before(c.NotBefore) || signedWeakly(f.leaf.leaf) == "SHA-1"
}

// cap is the best grade that the faults allow.
func (f *facts) cap() string {
	cap := "A"
	lower := func(when bool, to string) {
		if when {
			cap = max(cap, to)
		}
	}
	offered := func(v hello.Version) bool { return slices.Contains(f.tls.Offered, v.String()) }
	modern := offered(hello.TLS12) || offered(hello.TLS13)
	key := f.keyScore()
	lower(offered(hello.SSLv2) || !(modern || offered(hello.TLS10) || offered(hello.TLS11)), "F")
	lower(offered(hello.SSLv3) || offered(hello.TLS10) || offered(hello.TLS11), "B")
	lower(!modern, "C")
	lower(key <= 40, "F")
	lower(key <= 80, "B")
	lower(f.leaf != nil && signedWeakly(f.leaf.leaf) == "MD5", "F")
	lower(!f.tls.ForwardSecrecy, "B")
	aead := false
	for _, c := range f.tls.Ciphers {
		t := hello.Describe(c.Name)
		aead = aead || t.AEAD
		late := c.Protocol == hello.TLS11.String() || c.Protocol == hello.TLS12.String()
		lower(t.Bits < 112 || t.Export || t.Anonymous, "F")
		lower(t.RC4, "B")
		lower(late && (t.RC4 || t.Block64), "C")
		lower(c.Protocol == hello.SSLv3.String() && t.CBC, "C") // POODLE
	}
	lower(!aead, "B")
	return cap
}

// keyScore rates the weakest key: of the certificate or of a DH group.
func (f *facts) keyScore() int {
	score := 100
	if f.leaf != nil {
		if bits := rsaBits(f.leaf.leaf); bits > 0 {
			score = ofBits(bits)
		}
	}
	if f.hello == nil {
		return score
	}
	for _, p := range f.hello.Protocols {
		for _, o := range p.Offers {
			if o.DH {
				score = min(score, ofBits(o.Bits))
			}
		}
	}
	return score
}

func ofBits(bits int) int {
	switch {
	case bits < 512:
		return 20
	case bits < 1024:
		return 40
	case bits < 2048:
		return 80
	case bits < 4096:
		return 90
	}
	return 100
}

// scoreGrade is the letter of the weighted score: 30 % protocols, 30 % keys, 40 % ciphers, each the mean of its best and worst.
func (f *facts) scoreGrade() string {
	of := map[string]int{hello.SSLv2.String(): 0, hello.SSLv3.String(): 80, hello.TLS10.String(): 90, hello.TLS11.String(): 95, hello.TLS12.String(): 100, hello.TLS13.String(): 100}
	var protocols, ciphers []int
	for _, v := range f.tls.Offered {
		protocols = append(protocols, of[v])
	}
	for _, c := range f.tls.Ciphers {
		switch bits := hello.Describe(c.Name).Bits; {
		case bits >= 256:
			ciphers = append(ciphers, 100)
		case bits >= 128:
			ciphers = append(ciphers, 80)
		case bits > 0:
			ciphers = append(ciphers, 20)
		default:
			ciphers = append(ciphers, 0)
		}
	}
	score := (30*mean(protocols) + 30*f.keyScore() + 40*mean(ciphers)) / 100
	for _, step := range []struct {
		from   int
		letter string
	}{{80, "A"}, {65, "B"}, {50, "C"}, {35, "D"}, {20, "E"}} {
		if score >= step.from {
			return step.letter
		}
	}
	return "F"
}

func mean(list []int) int {
	if len(list) == 0 {
		return 100
	}
	return (slices.Min(list) + slices.Max(list)) / 2
}
