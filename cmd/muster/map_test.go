package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMapKeepsItsContract imports the worked example and reads the map with the names of the contract alone.
func TestMapKeepsItsContract(t *testing.T) {
	data := t.TempDir()
	files := filepath.Join("..", "..", "internal", "topology", "testdata", "worked.yaml")
	for _, args := range [][]string{{"workspace", "create", "Shop"}, {"import", files, "--workspace", "shop", "--namespaces-complete"}} {
		if code, _, errors := muster(t, data, "", args...); code != exitDone {
			t.Fatalf("%v: %d %s", args, code, errors)
		}
	}
	code, out, errors := muster(t, data, "", "map", "--json", "--workspace", "shop")
	if code != exitDone || errors != "" {
		t.Fatalf("%d %s", code, errors)
	}
	var d map[string]any
	if err := json.Unmarshal([]byte(out), &d); err != nil {
		t.Fatal(err)
	}
	services, arcs, chokes := d["services"].([]any), d["arcs"].([]any), d["choke_points"].([]any)
	if len(services) != 6 || len(arcs) < 30 || len(chokes) == 0 || d["exact"] != true || d["candidates_tried"].(float64) < 1 {
		t.Fatalf("%d services, %d arcs, %d choke points, %v", len(services), len(arcs), len(chokes), d["exact"])
	}
	has := func(row any, names ...string) {
		for _, n := range names {
			if _, known := row.(map[string]any)[n]; !known {
				t.Errorf("%s is missing in %v", n, row)
			}
		}
	}
	has(services[0], "name", "tier", "exposure", "data_classes", "proven", "possible")
	for _, reach := range []string{"proven", "possible"} {
		has(services[0].(map[string]any)[reach], "count", "services", "data_classes")
	}
	has(arcs[0], "from", "to", "state", "network", "mesh", "application", "basis", "policy")
	has(chokes[0], "change", "target", "gain_proven", "gain_possible", "sensitive", "known_callers_lost")
	code, out, _ = muster(t, data, "", "map", "--workspace", "shop")
	if code != exitDone || !strings.Contains(out, "IF THIS FALLS") || !strings.Contains(out, "WHAT SHRINKS IT MOST") {
		t.Errorf("%d %s", code, out)
	}
	if code, _, errors = muster(t, data, "", "map", "--workspace", "shop", "--environment", "moon"); code != exitUnusable || !strings.Contains(errors, "moon") {
		t.Errorf("%d %s", code, errors)
	}
	empty := filepath.Join(data, "empty")
	if err := os.Mkdir(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	muster(t, empty, "", "workspace", "create", "Shop")
	if code, out, _ = muster(t, empty, "", "map", "--workspace", "shop"); code != exitDone || !strings.Contains(out, "no services") {
		t.Errorf("%d %s", code, out)
	}
}
