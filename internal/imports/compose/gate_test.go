package compose_test

import (
	"fmt"
	"testing"
)

func TestNetworksOfServices(t *testing.T) {
	t.Parallel()
	found := read(t, "c.yml", `services:
  web: {image: x, networks: [front, back]}
  api: {image: x, networks: {back: {aliases: [inside]}}, secrets: [key, {source: cert}]}
  db: {image: x}
  side: {image: x, network_mode: "service:api"}
  lone: {image: x, network_mode: none}
  edge: {image: x, network_mode: host}
networks: {front: {}, back: {}}
secrets: {key: {file: k}, cert: {file: c}}
`)
	for name, want := range map[string]string{"web": "[back front]", "api": "[back]", "db": "[default]", "side": "[back]", "lone": "[]", "edge": "[back default front host]"} {
		if got := fmt.Sprint(find(t, found, name).Gates.Networks); got != want {
			t.Errorf("%s is in %s, want %s", name, got, want)
		}
	}
	if got := fmt.Sprint(find(t, found, "api").Gates.Secrets); got != "[cert key]" {
		t.Errorf("secrets %s", got)
	}
}
