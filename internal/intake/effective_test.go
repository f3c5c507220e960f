package intake

import (
	"testing"

	"muster/internal/imports/model"
)

func TestASourceIsNamedAfterWhoseFilesItHolds(t *testing.T) {
	t.Parallel()
	for want, files := range map[string][]string{
		"files":    nil,
		"shop":     {"shop/deploy/web.yaml", "shop/deploy/db.yaml"},
		"web":      {"deploy/web.yaml"},
		"bank":     {"bank.zip/k8s/web.yaml"},
		"payments": {"/home/ama/code/payments/k8s/web.yaml", "/home/ama/code/payments/mesh/web.yaml"},
		"code":     {"/home/ama/code/pay/web.yaml", "/home/ama/code/shop/web.yaml"},
		"compose":  {"/compose.yaml"},
		"site":     {"/tmp/site.yml"},
	} {
		var i model.Inspection
		for _, f := range files {
			i.Inputs = append(i.Inputs, model.Input{Path: f})
		}
		if got := suggestName(&i); got != want {
			t.Errorf("%v: %q, want %q", files, got, want)
		}
	}
}
