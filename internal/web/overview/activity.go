package overview

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"muster/internal/activity"
	"muster/internal/inventory"
	"muster/internal/web/kit"
	view "muster/views/overview"
	"muster/views/ui"
)

// kinds are the things that an entry may be about.
var kinds = []string{"", "About anything", "service", "Services", "import", "Imports", "team", "Teams", "member", "People", "environment", "Environments", "scan", "Scans", "schedule", "Schedules", "workspace", "The workspace", "user", "Accounts"}

// did says in words what an action was; the log keeps the action's name.
var did = map[string]string{
	"import.apply": "imported files", "import.undo": "undid an import", "service.create": "added a service", "service.edit": "changed a service", "service.confirm": "confirmed a service's facts",
	"service.retire": "retired a service", "service.restore": "took a service back into use", "service.merge": "merged a service", "service.split": "split a service", "service.import": "changed a service by an import",
	"service.call_add": "added a call", "service.call_remove": "removed a call", "service.endpoint_add": "added an address", "service.endpoint_remove": "removed an address",
	"team.create": "added a team", "team.change": "changed a team", "environment.create": "added an environment", "environment.rename": "renamed an environment",
	"member.add": "joined as a member", "member.change": "changed a membership", "member.invite": "invited somebody", "member.uninvite": "took an invitation back", "member.remove": "removed a member", "member.reset_link": "made a link for a new password",
	"scan.start": "started a scan", "scan.cancel": "canceled a scan", "scan.retry": "tried a scan again", "scan.discard": "put a scan away that gave up", "reminder.done": "did what a reminder asked for",
	"schedule.create": "added a schedule", "schedule.edit": "changed a schedule", "schedule.pause": "paused a schedule", "schedule.resume": "resumed a schedule", "schedule.delete": "deleted a schedule",
	"finding.export": "took a list of findings out", "workspace.change": "changed the workspace", "workspace.create": "made the workspace",
}

func words(action string) string {
	if w, ok := did[action]; ok {
		return w
	}
	return strings.NewReplacer(".", " ", "_", " ").Replace(action)
}

func (h *Handlers) activity(c echo.Context) error {
	q := c.QueryParams()
	f := activity.Filter{Text: q.Get("text"), ObjectKind: q.Get("kind"), ActorID: max(kit.Number64(q.Get("who")), 0), BeforeSeq: kit.Number64(q.Get("before")), Limit: inventory.PageSize + 1}
	if !slices.Contains(kinds, f.ObjectKind) {
		f.ObjectKind = ""
	}
	rows, err := h.log.Search(kit.Ctx(c), kit.Of(c).Actor, f)
	if err != nil {
		return err
	}
	people, err := h.log.People(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return err
	}
	p := view.Activity{Page: kit.Page(c, "activity", "Activity"), Text: f.Text, Clear: kit.In(c, "/activity"), Kinds: kit.Options(f.ObjectKind, kinds...), Intact: activity.Intact(rows)}
	who := []string{"", "By anyone"}
	for _, o := range people {
		who = append(who, strconv.FormatInt(o.ID, 10), o.Name)
	}
	p.People = kit.Options(q.Get("who"), who...)
	address := func(without, before string) string {
		v := url.Values{}
		for _, key := range []string{"text", "kind", "who"} {
			if q.Get(key) != "" && key != without {
				v.Set(key, q.Get(key))
			}
		}
		if before != "" {
			v.Set("before", before)
		}
		return p.Clear + "?" + v.Encode()
	}
	if f.Text != "" {
		p.Chips = append(p.Chips, ui.Chip{Label: "“" + f.Text + "”", Without: address("text", "")})
	}
	for key, options := range map[string][]ui.Option{"kind": p.Kinds, "who": p.People} {
		for i, o := range options {
			if i > 0 && o.Chosen {
				p.Chips = append(p.Chips, ui.Chip{Label: o.Label, Without: address(key, "")})
			}
		}
	}
	slices.SortFunc(p.Chips, func(a, b ui.Chip) int { return strings.Compare(a.Label, b.Label) })
	if len(rows) > inventory.PageSize {
		rows = rows[:inventory.PageSize]
		p.Older = address("", strconv.FormatInt(rows[len(rows)-1].Seq, 10))
	}
	if f.BeforeSeq > 0 {
		p.Newest = address("", "")
	}
	for i := range rows {
		r := &rows[i]
		p.Entries = append(p.Entries, view.Entry{Seq: r.Seq, Who: r.ActorName, What: words(r.Action), Object: r.ObjectName, Details: details(r), From: r.IP, At: r.At})
	}
	return kit.Render(c, http.StatusOK, view.Log(p))
}

// details writes what an entry keeps of before and after, a line for each field.
func details(r *activity.Activity) []string {
	var of struct {
		Changes []string `json:"changes"`
	}
	if r.Action == "service.import" && json.Unmarshal([]byte(r.After), &of) == nil {
		return of.Changes
	}
	return kit.Changes(r.Before, r.After)
}
