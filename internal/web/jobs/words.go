package jobs

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"muster/internal/jobs"
	"muster/internal/web/kit"
	view "muster/views/jobs"
	"muster/views/ui"
)

// word is how a state is named and drawn.
type word struct {
	short, long, icon string
	tone              ui.Tone
	sentence          string
}

var words = map[jobs.State]word{
	jobs.Queued:   {"waiting", "Waiting to start", "clock", ui.Info, "It starts as soon as a worker is free."},
	jobs.Failed:   {"tried again", "Failed, to be tried again", "undo", ui.Warn, "It failed and is tried again by itself."},
	jobs.Running:  {"running", "Running", "zap", ui.Info, "It runs now."},
	jobs.Waiting:  {"in parts", "Running in parts", "layers", ui.Info, "Its parts run; it ends when the last one has."},
	jobs.Dead:     {"gave up", "Gave up", "x", ui.Bad, "It failed too often. Somebody has to look: try it again, or put it away."},
	jobs.Missed:   {"missed", "Missed", "minus", ui.Warn, "Its time passed and nothing was started."},
	jobs.Canceled: {"canceled", "Canceled", "ban", ui.Unk, "It was canceled, or put away."},
	jobs.Done:     {"done", "Done", "check", ui.OK, "It is done."},
}

// wordOf is the word of a run's state; what waits for a person to do it is not done.
func wordOf(r *jobs.Run) word {
	if r.Due {
		return word{"to do", "To do", "bell", ui.Warn, "Waits for somebody to do it and to say so."}
	}
	return words[r.State]
}

// titles are the names of kinds.
func (h *Handlers) titles() map[string]string {
	all := map[string]string{}
	for _, k := range h.jobs.Kinds() {
		all[k.ID] = k.Title
	}
	return all
}

// kindTitle names a kind; one that nobody plans is named after itself.
func kindTitle(titles map[string]string, kind string) string {
	if t := titles[kind]; t != "" {
		return t
	}
	if i := strings.LastIndexByte(kind, '.'); i > 0 && titles[kind[:i]] != "" {
		return titles[kind[:i]] + ", a part"
	}
	text := strings.NewReplacer(".", " ", "_", " ").Replace(kind)
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// row is a run in a list.
func (h *Handlers) row(c echo.Context, r *jobs.Run, titles map[string]string) view.Row {
	w := wordOf(r)
	row := view.Row{Href: kit.In(c, scanPath(r.ID)), Name: r.Name, Kind: kindTitle(titles, r.Kind), State: ui.Word{Text: w.short, Tone: w.tone}, Icon: w.icon, Says: says(r), By: by(r), At: r.CreatedAt, Took: took(r), Late: r.Late}
	if r.State == jobs.Dead {
		row.RetryTo, row.DiscardTo = kit.In(c, scanPath(r.ID)+"/retry"), kit.In(c, scanPath(r.ID)+"/discard")
	}
	return row
}

// says is what there is to say about a run in one line.
func says(r *jobs.Run) string {
	switch r.State {
	case jobs.Done:
		if r.SettledAt != nil {
			return "Done by " + r.SettlerName + ": " + r.SettledNote
		}
		return r.ResultWords
	case jobs.Dead, jobs.Missed, jobs.Failed:
		return r.Failure
	case jobs.Queued, jobs.Running, jobs.Waiting:
		if r.ProgressTotal > 0 {
			return fmt.Sprintf("%d of %d", r.ProgressDone, r.ProgressTotal)
		}
	case jobs.Canceled:
	}
	return ""
}

func by(r *jobs.Run) string {
	if r.ActorName != "" {
		return r.ActorName
	}
	if r.ScheduleID > 0 {
		return "its schedule"
	}
	return ""
}

// took is how long a run took, from its first start.
func took(r *jobs.Run) string {
	if r.StartedAt == nil || r.FinishedAt == nil {
		return ""
	}
	return span(r.FinishedAt.Sub(*r.StartedAt))
}

func span(d time.Duration) string {
	switch {
	case d < time.Second:
		return "less than a second"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return fmt.Sprintf("%d h", int(d.Hours()))
}

// sentence explains a run's state.
func sentence(r *jobs.Run, now time.Time) string {
	switch {
	case r.State == jobs.Done && r.SettledAt != nil:
		return r.SettlerName + " said that it is done: " + r.SettledNote
	case r.State == jobs.Done && r.ResultWords != "":
		return r.ResultWords
	case r.State == jobs.Canceled && r.SettledAt != nil:
		return r.SettlerName + " put it away."
	case r.State == jobs.Failed:
		return fmt.Sprintf("Attempt %d of %d failed; the next one comes %s.", r.Attempt, r.MaxAttempts, ui.Ahead(r.Again(), now))
	case r.State == jobs.Queued && r.Again().After(now.Add(time.Minute)):
		return "It starts " + ui.Ahead(r.Again(), now) + "."
	case r.CancelRequested && r.State.Open():
		return "It was told to stop."
	}
	return words[r.State].sentence
}

// numbers compares what two runs counted, by name.
func numbers(now, before *jobs.Run) []view.Number {
	is, was := now.Numbers(), map[string]float64{}
	if before != nil {
		was = before.Numbers()
	}
	names := maps.Clone(is)
	maps.Copy(names, was)
	var list []view.Number
	for _, name := range slices.Sorted(maps.Keys(names)) {
		n := view.Number{Name: capital(name), Now: figure(is, name), Was: figure(was, name)}
		if _, counted := was[name]; counted {
			n.Diff = signed(is[name] - was[name])
		}
		list = append(list, n)
	}
	const most = 100
	return list[:min(len(list), most)]
}

func capital(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func figure(of map[string]float64, name string) string {
	n, counted := of[name]
	if !counted {
		return "–"
	}
	return strconv.FormatFloat(math.Round(n*100)/100, 'f', -1, 64)
}

func signed(d float64) string {
	text := strconv.FormatFloat(math.Round(math.Abs(d)*100)/100, 'f', -1, 64)
	switch {
	case text == "0":
		return "0"
	case d > 0:
		return "+" + text
	}
	return "−" + text
}

// partWords sums up the children.
func partWords(states map[jobs.State]int64) string {
	var list []string
	for _, s := range jobs.States() {
		if n := states[s]; n > 0 {
			list = append(list, fmt.Sprintf("%d %s", n, words[s].short))
		}
	}
	return strings.Join(list, ", ")
}

// nexts are the next three moments of a schedule, by its own clocks.
func nexts(r jobs.Rhythm, now time.Time) []view.Next {
	var list []view.Next
	for _, at := range r.Coming(now, 3) {
		list = append(list, view.Next{At: at, Text: r.In(at).Format("Mon 2 Jan 2006, 15:04")})
	}
	return list
}
