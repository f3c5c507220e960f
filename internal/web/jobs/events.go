package jobs

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"muster/internal/fault"
	"muster/internal/web/kit"
	view "muster/views/jobs"
)

// The rhythm of a stream. The browser comes back by itself when one ended before its run.
const (
	lookEvery  = time.Second
	askEvery   = 5 * time.Second // whether the person may still look
	sayEvery   = 15 * time.Second
	longest    = 10 * time.Minute
	maxStreams = 6 // of one person, in one process
)

// events streams what changes of a run: "change" carries the part of the page, "end" says that the run has ended,
// "gone" that the person may no longer look.
func (h *Handlers) events(c echo.Context) error {
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	v := kit.Of(c)
	if _, err := h.jobs.Look(kit.Ctx(c), v.Actor, id); err != nil {
		return err
	}
	if !h.enter(v.User.ID) {
		return fault.New(fault.TooMany, "You watch %d runs already. Close one of those pages.", maxStreams)
	}
	defer h.leave(v.User.ID)
	header := c.Response().Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("X-Accel-Buffering", "no") // a proxy must not wait for more
	c.Response().WriteHeader(http.StatusOK)
	s := stream{Context: c, control: http.NewResponseController(c.Response().Writer)}
	_ = s.control.SetReadDeadline(time.Time{}) // the server's limit is for requests that end
	h.follow(&s, id, v)
	return nil
}

func (h *Handlers) enter(user int64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.streams[user] >= maxStreams {
		return false
	}
	h.streams[user]++
	return true
}

func (h *Handlers) leave(user int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.streams[user]--; h.streams[user] <= 0 {
		delete(h.streams, user)
	}
}

// stream is an answer that is written bit by bit.
type stream struct {
	echo.Context
	control *http.ResponseController
	last    string
	said    time.Time
}

// send writes one event; false means that nobody listens.
func (s *stream) send(text string) bool {
	if err := s.control.SetWriteDeadline(time.Now().Add(10 * time.Second)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return false
	}
	if _, err := s.Response().Write([]byte(text)); err != nil {
		return false
	}
	s.said = time.Now()
	return s.control.Flush() == nil
}

// event writes data as the lines of one event.
func event(name, data string) string {
	data = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(data)
	return "event: " + name + "\ndata: " + strings.ReplaceAll(data, "\n", "\ndata: ") + "\n\n"
}

// follow looks at the run until it ends, or nobody may or wants to look any more.
func (h *Handlers) follow(s *stream, id int64, v *kit.Visit) {
	if !s.send("retry: 3000\n\n") {
		return
	}
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	begun, asked := time.Now(), time.Now()
	for {
		open, ok := h.tell(s, id, v)
		if !ok || !open {
			return
		}
		select {
		case <-h.stopping:
			return
		case <-kit.Ctx(s.Context).Done():
			return
		case <-look.C:
		}
		if time.Since(asked) >= askEvery {
			asked = time.Now()
			actor, still := h.still(kit.Ctx(s.Context), v)
			if !still {
				s.send(event("gone", ""))
				return
			}
			v.Actor = actor
		}
		if time.Since(begun) >= longest || (time.Since(s.said) >= sayEvery && !s.send(": still here\n\n")) {
			return
		}
	}
}

// tell sends what changed since it was last told.
func (h *Handlers) tell(s *stream, id int64, v *kit.Visit) (open, ok bool) {
	ctx := kit.Ctx(s.Context)
	r, err := h.jobs.Look(ctx, v.Actor, id)
	if err != nil {
		s.send(event("gone", ""))
		return false, false
	}
	mark := fmt.Sprint(r.State, r.Attempt, r.ProgressDone, r.ProgressTotal, r.ProgressWords, r.LogLines, r.OpenChildren, r.CancelRequested)
	if mark != s.last {
		s.last = mark
		text, err := h.fragment(s.Context, id)
		if err != nil || !s.send(event("change", text)) {
			return false, false
		}
	}
	if !r.State.Open() {
		s.send(event("end", string(r.State)))
		return false, true
	}
	return true, true
}

// fragment draws the part of the run's page that changes.
func (h *Handlers) fragment(c echo.Context, id int64) (string, error) {
	v := kit.Of(c)
	v.Now = time.Now().UTC()
	children, lines := asked(c)
	d, err := h.jobs.Get(kit.Ctx(c), v.Actor, id, children, lines)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	err = view.Changes(h.live(c, d, h.titles(), children, lines)).Render(kit.Ctx(c), &b)
	return b.String(), err
}
