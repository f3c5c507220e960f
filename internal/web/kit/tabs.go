package kit

import (
	"github.com/labstack/echo/v4"

	"muster/views/ui"
)

// ServiceTabs are the tabs of a service's pages, in every area that serves one of them.
func ServiceTabs(c echo.Context, slug, current string, counts map[string]string) []ui.Tab {
	base := In(c, "/services/"+slug)
	list := []ui.Tab{{Label: "Posture", Href: base + "/posture"}, {Label: "Findings", Href: base + "/findings"}, {Label: "Facts", Href: base}, {Label: "Calls", Href: base + "?tab=calls"}, {Label: "Endpoints", Href: base + "?tab=endpoints"}, {Label: "Operations", Href: base + "?tab=operations"}, {Label: "Components", Href: base + "/components"}, {Label: "Probes", Href: base + "/probes"}, {Label: "History", Href: base + "?tab=history"}}
	for i, key := range []string{"posture", "findings", "facts", "calls", "endpoints", "operations", "components", "probes", "history"} {
		list[i].Current, list[i].Count = key == current, counts[key]
	}
	return list
}
