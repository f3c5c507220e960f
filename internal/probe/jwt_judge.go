package probe

import (
	"fmt"
	"slices"
	"time"
)

// tokenWords are the clauses of IAM-2 that tokens answer, in the catalogue's order, with what is expected and what is to be given.
var tokenWords = []struct{ clause, expected, give string }{
	{"signature", "tokens with another signature or other claims are refused", ""},
	{"issuer", "a token of another issuer is refused", "a token of another issuer"},
	{"audience", "a token for another audience is refused", "a token of the same issuer for another audience"},
	{"expiry", "an expired token is refused", "an expired token of the same issuer"},
	{"no_unsigned", "tokens with the algorithm none are refused", ""},
}

// judgeTokens answers the clauses of IAM-2 that need a token. It does no I/O.
func judgeTokens(s *tokenSight, now time.Time) []Check {
	if s == nil {
		return nil
	}
	var checks []Check
	for _, w := range tokenWords {
		c := Check{Control: "IAM-2", Clause: w.clause, Part: onEndpoint, Expected: w.expected}
		var outcome Outcome
		var observed, detail string
		switch {
		case s.problem != "":
			outcome, observed, detail = Unknown, "not tried", asSentence(s.problem)
		case s.token == nil:
			outcome, observed, detail = Unknown, "not tried", "The given token is accepted, but it is not a signed JWT, so no variant of it can be made."
		case s.token.bare():
			outcome, observed, detail = Fail, "the given token has the algorithm none", "Anybody can make such a token, and it is accepted on "+printable(s.on, 200)+"."
			if w.clause != "signature" && w.clause != "no_unsigned" {
				outcome, observed, detail = Unknown, "not tried", "The given token has the algorithm none, so no other token is compared with it."
			}
		case w.clause == "signature":
			outcome, observed, detail = judgeVariants(s, s.forged)
		case w.clause == "no_unsigned":
			outcome, observed, detail = judgeVariants(s, s.unsigned)
		default:
			outcome, observed, detail = judgeOther(s, w.clause, w.give, now)
		}
		checks = append(checks, with(c, outcome, observed, detail))
	}
	return checks
}

// judgeVariants wants every variant refused; one that is let in is enough to fail.
func judgeVariants(s *tokenSight, answers []*exchange) (Outcome, string, string) {
	where := "Tried on " + printable(s.on, 200) + ", where the valid token is accepted and no token is refused."
	for _, e := range answers {
		if letIn(e) {
			return Fail, fmt.Sprintf("status %d", e.status), where
		}
	}
	for _, e := range answers {
		if outcome, observed, detail := tokenRefusal(e); outcome != Pass {
			return outcome, observed, detail
		}
	}
	if !letIn(s.again) {
		return Unknown, "refused", "The valid token was no longer accepted afterwards, so the refusals may have another reason."
	}
	return Pass, fmt.Sprintf("%d of %d refused, status %d", len(answers), len(answers), answers[0].status), where
}

// tokenRefusal says whether an answer refuses the token. The very same call is accepted with the valid one, so that 400 can only be
// about the token, too.
func tokenRefusal(e *exchange) (Outcome, string, string) {
	switch {
	case !e.answered():
		return Unknown, "no answer", asSentence(e.why())
	case refuses(e) || e.status == 400:
		return Pass, fmt.Sprintf("status %d", e.status), ""
	}
	return Unknown, fmt.Sprintf("status %d", e.status), "This status neither accepts nor refuses the token."
}

// judgeOther judges a token that was given in order to be refused, if it is what it is given for. Nobody but the issuer can sign such
// a token, and one with a broken signature would only show that signatures are verified.
func judgeOther(s *tokenSight, clause, give string, now time.Time) (Outcome, string, string) {
	if end, ok := s.token.expiry(); clause == "expiry" && ok && now.Sub(end) > clockSkew {
		return Fail, "a token that expired on " + end.UTC().Format(time.DateTime) + " is accepted", "Tried on " + printable(s.on, 200) + "."
	}
	other := s.others[clause]
	switch {
	case !other.given:
		return Unknown, "not tried", "Only the issuer can sign such a token; give " + give + " to have it tried. One that is made here fails by its signature and shows nothing else."
	case other.token == nil:
		return Unknown, "not tried", "What was given is not a signed JWT."
	}
	if reason := unfit(clause, s.token, other.token, now); reason != "" {
		return Unknown, "not tried", asSentence(reason)
	}
	if letIn(other.answer) {
		return Fail, fmt.Sprintf("status %d", other.answer.status), "Tried on " + printable(s.on, 200) + "."
	}
	outcome, observed, detail := tokenRefusal(other.answer)
	if outcome == Pass && !letIn(s.again) {
		return Unknown, observed, "The valid token was no longer accepted afterwards, so the refusal may have another reason."
	}
	return outcome, observed, detail
}

// unfit says why a token that was given to be refused would be refused for another reason, or need not be refused at all.
func unfit(clause string, valid, other *jsonToken, now time.Time) string {
	end, ends := other.expiry()
	expired := ends && now.After(end)
	sameIssuer := valid.claim("iss") == other.claim("iss")
	sharesAudience := slices.ContainsFunc(valid.audiences(), func(a string) bool { return slices.Contains(other.audiences(), a) })
	switch clause {
	case "expiry":
		if !ends || now.Sub(end) <= clockSkew {
			return "the token that was given as expired has not expired for a minute yet"
		}
		if !sameIssuer || valid.head["kid"] != other.head["kid"] || len(valid.audiences()) > 0 && !sharesAudience {
			return "the expired token is of another issuer, key or audience than the valid one, which may be why it is refused"
		}
	case "audience":
		if expired || !sameIssuer {
			return "the token for another audience has expired or is of another issuer, which may be why it is refused"
		}
		if sharesAudience {
			return "the token that was given as one for another audience is for the same"
		}
	case "issuer":
		if sameIssuer {
			return "the token that was given as one of another issuer is of the same"
		}
		if expired {
			return "the token of another issuer has expired, which may be why it is refused"
		}
	}
	return ""
}
