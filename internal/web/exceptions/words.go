package exceptions

import (
	"fmt"
	"math"
	"time"

	"muster/internal/exception"
	view "muster/views/exceptions"
	"muster/views/ui"
)

const day = "2 January 2006"

// sign says where an exception stands.
func sign(e *exception.Exception, now time.Time) view.Sign {
	switch {
	case e.State == exception.Requested && !now.Before(e.ExpiresAt):
		return view.Sign{Class: "unk", Icon: "clock", Word: "Never decided"}
	case e.State == exception.Requested:
		return view.Sign{Class: "sta", Icon: "inbox", Word: "Waits for a decision"}
	case e.InForce(now):
		return view.Sign{Class: "exc", Icon: "contrast", Word: "Accepted"}
	case e.State == exception.Declined:
		return view.Sign{Class: "unk", Icon: "ban", Word: "Declined"}
	case e.State == exception.Ended && e.DecidedAt == nil:
		return view.Sign{Class: "unk", Icon: "undo", Word: "Withdrawn"}
	case e.State == exception.Ended:
		return view.Sign{Class: "unk", Icon: "undo", Word: "Ended early"}
	}
	return view.Sign{Class: "unk", Icon: "clock", Word: "Ran out"}
}

// sentence explains the sign.
func sentence(e *exception.Exception, now time.Time) string {
	until := e.ExpiresAt.UTC().Format(day)
	goes := "The reminders go on."
	if e.Subject != exception.OfControl {
		goes = "The findings are open, unless another exception accepts them."
	}
	switch {
	case e.State == exception.Requested && !now.Before(e.ExpiresAt):
		return "Nobody decided before " + until + ", so it can no longer be approved. Ask again if it is still needed."
	case e.State == exception.Requested:
		return "Nothing is accepted yet: somebody who did not ask for it has to decide. If it is approved, it ends on " + until + "."
	case e.InForce(now) && e.Subject != exception.OfControl:
		return "The findings are accepted until " + until + ", and open again from then on. They weigh on the score as they would without it."
	case e.InForce(now):
		return "The reminders about this control are quiet until " + until + ". The state and the score are what they would be without it."
	case e.State == exception.Declined:
		return "Somebody else looked and said no. " + goes
	case e.State == exception.Ended && e.DecidedAt == nil:
		return "The request was taken back before anybody decided. " + goes
	case e.State == exception.Ended:
		return "It was approved and ended before its day. " + goes
	}
	return "It ended by itself on " + until + ". " + goes + " Ask again if it is still needed."
}

// left marks an end that is near: 30, 7 and 1 days before.
func left(e *exception.Exception, now time.Time) ui.Word {
	if !e.InForce(now) {
		return ui.Word{}
	}
	days := int(math.Ceil(e.ExpiresAt.Sub(now).Hours() / 24))
	switch {
	case days <= 1:
		return ui.Word{Text: "Ends within a day", Tone: ui.Bad}
	case days <= 7:
		return ui.Word{Text: fmt.Sprintf("%d days left", days), Tone: ui.Warn}
	case days <= 30:
		return ui.Word{Text: fmt.Sprintf("%d days left", days), Tone: ui.Info}
	}
	return ui.Word{}
}

// events tell what happened, newest first.
func events(e *exception.Exception, now time.Time) []view.Event {
	var list []view.Event
	note := e.DecisionNote
	if e.EndedAt != nil {
		what := "The exception was ended early"
		if e.DecidedAt == nil {
			what = "The request was withdrawn"
		}
		list = append(list, view.Event{Icon: "undo", What: what, Note: note, At: *e.EndedAt})
		note = "" // the note of the end took the place of the decision's
	} else if e.State == exception.Approved && !now.Before(e.ExpiresAt) {
		list = append(list, view.Event{Icon: "clock", What: "The exception ran out", At: e.ExpiresAt})
	}
	if e.DecidedAt != nil {
		v := view.Event{Icon: "check", Who: e.DeciderName, What: "approved it", Note: note, At: *e.DecidedAt}
		if e.State == exception.Declined {
			v.Icon, v.What = "ban", "declined it"
		}
		list = append(list, v)
	}
	return append(list, view.Event{Icon: "contrast", Who: e.RequesterName, What: "asked for it", At: e.RequestedAt})
}
