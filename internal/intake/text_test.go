package intake

import "testing"

func TestNULsLeaveAJSONText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"a":"b"}`:                 `{"a":"b"}`,
		`{"a":"x\u0000y\u0000"}`:    `{"a":"x\ufffdy\ufffd"}`,
		`{"a":"the words \\u0000"}`: `{"a":"the words \\u0000"}`,
		`{"a":"\\\u0000"}`:          `{"a":"\\\ufffd"}`,
	} {
		if got := withoutNUL(text); got != want {
			t.Errorf("%s became %s", text, got)
		}
	}
}
