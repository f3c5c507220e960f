package inventory

import (
	"testing"

	"muster/internal/imports/model"
)

func mesh(workload, member, mode string) []Fact {
	facts := []Fact{{Workload: workload, Key: model.FactImage, Value: "x:1"}}
	if member != "" {
		facts = append(facts, Fact{Workload: workload, Key: model.FactMesh, Value: member})
	}
	if mode != "" {
		facts = append(facts, Fact{Workload: workload, Key: model.FactMTLS, Value: mode})
	}
	return facts
}

func TestWordsOfAService(t *testing.T) {
	t.Parallel()
	strict := mesh("a", "yes", "strict")
	policy := append(mesh("a", "yes", "strict"), Fact{Workload: "a", Key: model.FactAuthorization})
	gate := func(tls string) []Endpoint { return []Endpoint{{Scope: "all", Via: "gateway", TLS: tls}} }
	for name, c := range map[string]struct {
		known                      Known
		authentication, encryption string
	}{
		"nothing known is unknown":                       {Known{}, AuthUnknown, EncryptionUnknown},
		"strict and a member is mutual TLS":              {Known{Facts: strict}, AuthMTLS, EncryptionMTLS},
		"strict without membership proves nothing":       {Known{Facts: mesh("a", "", "strict")}, AuthUnknown, EncryptionUnknown},
		"one workload outside the mesh breaks the proof": {Known{Facts: append(mesh("b", "no", ""), strict...)}, AuthUnknown, EncryptionUnknown},
		"the weakest workload decides":                   {Known{Facts: append(mesh("b", "yes", "permissive"), strict...)}, AuthUnknown, EncryptionPermissive},
		"a plain gateway shows beside strict":            {Known{Facts: strict, Endpoints: gate("no")}, AuthMTLS, EncryptionPlainEdge},
		"a plain way in is plain text":                   {Known{Endpoints: gate("no")}, AuthUnknown, EncryptionNone},
		"TLS on the way in says nothing of inside":       {Known{Endpoints: gate("yes")}, AuthUnknown, EncryptionTLS},
		"an unknown way in stays unknown":                {Known{Endpoints: gate("unknown")}, AuthUnknown, EncryptionUnknown},
		"disabled is plain text":                         {Known{Facts: mesh("a", "yes", "disable")}, AuthUnknown, EncryptionNone},
		"named callers only":                             {Known{Facts: policy, CallsIn: []Dependency{{Authorization: "policy"}}}, AuthNamed, EncryptionMTLS},
		"one caller that nothing names":                  {Known{Facts: policy, CallsIn: []Dependency{{Authorization: "policy"}, {Authorization: "default_allow"}}}, AuthMTLS, EncryptionMTLS},
		"a policy that no known caller meets":            {Known{Facts: policy}, AuthMTLS, EncryptionMTLS},
		"a token wins":                                   {Known{Facts: strict, CallsIn: []Dependency{{Authentication: "jwt"}}}, AuthToken, EncryptionMTLS},
		"a document proves nothing":                      {Known{Operations: 3}, AuthDocumented, EncryptionUnknown},
		"a document with open operations":                {Known{Operations: 3, Open: 1}, AuthPartly, EncryptionUnknown},
		"a document that asks for nothing":               {Known{Operations: 3, Open: 3}, AuthNone, EncryptionUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := DeriveAuthentication(c.known); got != c.authentication {
				t.Errorf("authentication %s, want %s", got, c.authentication)
			}
			if got := DeriveEncryption(c.known); got != c.encryption {
				t.Errorf("encryption %s, want %s", got, c.encryption)
			}
			if AuthenticationPhrase(c.authentication).Text == "" || EncryptionPhrase(c.encryption).Text == "" {
				t.Error("a word has no sentence")
			}
		})
	}
}

func TestLowestTier(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		exposure Exposure
		classes  []string
		want     int
	}{
		{Public, []string{"payment"}, 1}, {Public, []string{"health"}, 1}, {Public, nil, 2}, {Internal, []string{"personal"}, 2},
		{Internal, []string{"payment"}, 3}, {ExposureUnknown, nil, 3}, {Partner, []string{"personal", "payment"}, 2},
	} {
		if got, _ := LowestTier(c.exposure, c.classes); got != c.want {
			t.Errorf("%s %v: %d, want %d", c.exposure, c.classes, got, c.want)
		}
	}
}
