package npmaudit

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// via is either an advisory or the name of another vulnerable package.
type via struct {
	Source   int      `json:"source"`
	Name     string   `json:"name"`
	Title    string   `json:"title"`
	URL      string   `json:"url"`
	Severity string   `json:"severity"`
	CWE      []string `json:"cwe"`
	CVSS     rating   `json:"cvss"`
	Range    string   `json:"range"`
}

// fix is false, true, or the upgrade that helps.
type fix struct {
	Available bool   `json:"-"`
	Name      string `json:"name"`
	Version   string `json:"version"`
}

// UnmarshalJSONFrom reads either form.
func (v *via) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		return json.UnmarshalDecode(d, &v.Name)
	}
	type plain via
	return json.UnmarshalDecode(d, (*plain)(v), d.Options())
}

// UnmarshalJSONFrom reads each of the three forms.
func (f *fix) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() != '{' {
		token, err := d.ReadToken()
		f.Available = err == nil && token.Kind() == 't'
		return err
	}
	type plain fix
	err := json.UnmarshalDecode(d, (*plain)(f), d.Options())
	f.Available = true
	return err
}
