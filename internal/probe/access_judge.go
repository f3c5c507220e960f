package probe

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// accessVerdict sums up who gets in without credentials.
type accessVerdict struct {
	anonymous string // yes, no, unknown
	tried     int
}

// judgeAccess answers IAM-1 for each operation. It does no I/O.
func judgeAccess(s *accessSight, o *Options) ([]Check, accessVerdict) {
	v := accessVerdict{anonymous: "unknown"}
	blocked := publicRefused(s)
	var checks []Check
	in, public, refused, open := 0, 0, 0, 0
	for i := range s.answers {
		a := &s.answers[i]
		c := Check{Control: "IAM-1", Clause: "refuses_anonymous", Part: operationPart(&a.op), Expected: "a refusal: 401, 403, or a redirect to sign in"}
		if a.journey != nil {
			v.tried++
		}
		var outcome Outcome
		var observed, detail string
		if s.declared {
			outcome, observed, detail = judgeOperation(a, s, blocked)
		} else {
			outcome, observed, detail = judgeItself(a, s, o)
		}
		checks = append(checks, with(c, outcome, observed, detail))
		switch {
		case outcome == Fail:
			in++
		case outcome == Pass:
			refused++
		case outcome == NotApplicable && letIn(a.end()):
			public++
		case outcome == Unknown && a.journey != nil:
			open++
		}
	}
	switch {
	case in > 0, public > 0 && refused == 0 && open == 0:
		v.anonymous = "yes"
	case refused > 0 && open == 0:
		v.anonymous = "no"
	}
	return checks, v
}

func operationPart(op *Operation) string {
	return onOperation + printable(op.Method, 20) + " " + printable(op.Path, 500)
}

func letIn(e *exchange) bool { return e.answered() && e.status >= 200 && e.status <= 299 }

// publicRefused says whether an operation that is documented as public answers 403: then something in front refuses the prober as
// such, and a 403 elsewhere says nothing about missing credentials.
func publicRefused(s *accessSight) bool {
	for i := range s.answers {
		if a := &s.answers[i]; a.op.Security == "none" && a.end().answered() && a.end().status == 403 {
			return true
		}
	}
	return false
}

// judgeOperation judges an operation of a document.
func judgeOperation(a *opAnswer, s *accessSight, blocked bool) (outcome Outcome, observed, detail string) {
	end := a.end()
	switch {
	case a.skipped != "" && a.aside:
		return NotApplicable, "not called", asSentence(a.skipped)
	case a.op.Security == "none" || a.op.Security == "optional":
		observed = "not called"
		if end.answered() {
			observed = fmt.Sprintf("status %d", end.status)
		} else if end != nil {
			observed = "no answer"
		}
		return NotApplicable, observed, "Its document says that it may be called without credentials."
	case a.skipped != "":
		return Unknown, "not called", asSentence(a.skipped)
	}
	outcome, observed, detail = judgeAnswer(a, s.anyPath)
	if outcome == Pass && end.answered() && end.status == 403 && blocked {
		return Unknown, observed, "An operation that is documented as public is refused just so, so the refusal is not about missing credentials."
	}
	if outcome == Fail && a.op.Security == "" {
		detail = "Its document says nothing about credentials; if it is meant to be public, say so there with \"security: []\"."
	}
	return outcome, observed, detail
}

// judgeItself judges an endpoint of which no operation is known by its own address.
func judgeItself(a *opAnswer, s *accessSight, o *Options) (outcome Outcome, observed, detail string) {
	outcome, observed, detail = judgeAnswer(a, s.anyPath)
	switch {
	case outcome == Pass && s.anyPath.answered() && s.anyPath.status == 404 && a.end().answered() && a.end().status == 403:
		return Unknown, observed, "A path that cannot exist gets 404, so strangers are not kept out; this may be a directory that is not listed. Name the operations to have them tried."
	case outcome != Fail:
		return outcome, observed, detail
	case o.PublicWeb:
		return NotApplicable, observed, "It is a public web endpoint, whose pages are meant for strangers; name its operations to have them tried."
	case healthPath.MatchString(a.url.Path):
		return Unknown, observed, "The address looks like a health check, which may be meant for everybody; name the operations to have them tried."
	}
	return outcome, observed, "No operation of this endpoint is known, so its own address was called."
}

// judgeAnswer says whether an answer to a caller without credentials is a refusal.
func judgeAnswer(a *opAnswer, anyPath *exchange) (outcome Outcome, observed, detail string) {
	end := a.end()
	if !end.answered() {
		if end != nil && end.demanded {
			return Pass, "the handshake demands a client certificate", "A caller without a certificate gets no connection."
		}
		return Unknown, "no answer", asSentence(end.why())
	}
	observed = fmt.Sprintf("status %d", end.status)
	switch status := end.status; {
	case status == 403 && end.header.Get("Cf-Mitigated") != "":
		return Unknown, observed, "A protection in front refuses the prober as a robot, so the operation was not reached."
	case status == 403 && a.op.Method != "GET" && a.op.Method != "HEAD" && csrfName.Match(end.body):
		return Unknown, observed, "The call was taken for a forged one, which is asked before or without asking who is calling."
	case status == 401 || status == 403:
		return Pass, observed, ""
	case status >= 300 && status <= 399 && leadsToSignIn(end):
		return Pass, observed + " to " + printable(leadsTo(end).Redacted(), 200), "The redirect leads to a place where one signs in."
	case status >= 300 && status <= 399:
		return Unknown, observed + " to " + printable(end.header.Get("Location"), 200), "The redirect does not say that credentials are missing."
	case letIn(end):
		return judgeLetIn(a, anyPath, observed)
	}
	return Unknown, observed, whyUnclear(a)
}

// judgeLetIn judges an answer of success.
func judgeLetIn(a *opAnswer, anyPath *exchange, observed string) (Outcome, string, string) {
	end := a.end()
	if kind := mediaType(end); kind != "" {
		observed += ", " + printable(kind, 60)
	}
	if isHTML(end) && end.method == "GET" {
		if !end.whole && end.problem != "" {
			return Unknown, observed, "The page could not be read: " + end.problem + "."
		}
		if kind := pageKind(end, anyPath); kind != "" {
			return Unknown, observed, "A page was given, but " + kind + "."
		}
	}
	detail := ""
	if a.madeUp {
		detail = "It was called with a name that cannot exist, and answered nevertheless."
	}
	return Fail, observed, detail
}

// whyUnclear says why a status proves neither that strangers get in nor that they do not.
func whyUnclear(a *opAnswer) string {
	switch status := a.end().status; {
	case status == 404 && a.madeUp:
		return "It was called with a made-up name, so 404 may come before or after the question who is calling; an example in the document would help."
	case status == 404 || status == 410:
		return "Nothing is at this path, so nothing was refused."
	case status == 400 || status == 415 || status == 422:
		return "The call itself was refused as badly formed, which may mean that nobody asked who is calling."
	case status == 405 || status == 501:
		return "The server does not know this method here."
	case status == 429:
		return "The limit of requests was reached before the operation answered."
	case status >= 500:
		return "The server failed, which is no refusal."
	}
	return "This status neither lets the caller in nor asks for credentials."
}

// asSentence makes a sentence of a reason.
func asSentence(reason string) string {
	first, size := utf8.DecodeRuneInString(reason)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(reason[size:], ".") + "."
}
