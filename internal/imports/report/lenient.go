package report

import (
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// lenient decodes what tools really write: numbers as texts, one value where a list belongs, null, false or "" where an
// object belongs. So the importers' structs can look like the format's description.
var lenient json.Options

func init() { // not at its declaration: shaped decodes with it
	lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true), json.WithUnmarshalers(json.UnmarshalFromFunc(anyway)))
}

var rawValue = reflect.TypeFor[jsontext.Value]()

// anyway reads the next value into v where its JSON type is not that of v, and leaves the rest to the decoder.
func anyway(d *jsontext.Decoder, v any) error {
	kind := d.PeekKind()
	switch p := v.(type) {
	case *string:
		return intoText(d, kind, p)
	case *int:
		return intoInt(d, kind, p)
	case *bool:
		return intoBool(d, kind, p)
	case *float64:
		return intoFloat(d, kind, p)
	case **float64:
		return maybeFloat(d, kind, p)
	case *[]string:
		return intoTexts(d, kind, p)
	}
	return shaped(d, kind, v)
}

func intoText(d *jsontext.Decoder, kind jsontext.Kind, p *string) error {
	switch kind {
	case '"', 'n':
		return json.SkipFunc
	case '0', 't', 'f':
		token, err := d.ReadToken()
		*p = token.String()
		return err
	case '[':
		var list []string
		if err := intoTexts(d, kind, &list); err != nil {
			return err
		}
		*p = strings.Join(list, ", ")
		return nil
	}
	return d.SkipValue()
}

func intoInt(d *jsontext.Decoder, kind jsontext.Kind, p *int) error {
	if kind != '0' && kind != '"' {
		return d.SkipValue()
	}
	token, err := d.ReadToken()
	if err != nil {
		return err
	}
	*p = Int(token.String())
	if n, err := strconv.ParseFloat(token.String(), 64); err == nil && math.Abs(n) < 1<<52 {
		*p = int(n)
	}
	return nil
}

func intoBool(d *jsontext.Decoder, kind jsontext.Kind, p *bool) error {
	switch kind {
	case 't', 'f':
		return json.SkipFunc
	case '"', '0':
		token, err := d.ReadToken()
		*p = Truth(token.String())
		return err
	}
	return d.SkipValue()
}

// Truth reads the words by which tools say yes.
func Truth(s string) bool {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true", "yes", "y", "1", "t":
		return true
	}
	return false
}

func intoFloat(d *jsontext.Decoder, kind jsontext.Kind, p *float64) error {
	if kind == '0' {
		return json.SkipFunc
	}
	if kind != '"' {
		return d.SkipValue()
	}
	token, err := d.ReadToken()
	if n := Float(token.String(), -math.MaxFloat64, math.MaxFloat64); n != nil && err == nil {
		*p = *n
	}
	return err
}

// maybeFloat leaves a number that may be absent nil where "N/A" or the like stands for it.
func maybeFloat(d *jsontext.Decoder, kind jsontext.Kind, p **float64) error {
	if kind == '0' || kind == 'n' {
		return json.SkipFunc
	}
	if kind != '"' {
		return d.SkipValue()
	}
	token, err := d.ReadToken()
	if err == nil {
		*p = Float(token.String(), -math.MaxFloat64, math.MaxFloat64)
	}
	return err
}

// intoTexts reads a list of texts; one text is a list of one, and elements that are no text are left out.
func intoTexts(d *jsontext.Decoder, kind jsontext.Kind, p *[]string) error {
	*p = nil
	if kind != '[' {
		var one string
		err := intoText(d, kind, &one)
		if err == json.SkipFunc {
			var token jsontext.Token
			if token, err = d.ReadToken(); err == nil && kind == '"' {
				one = token.String()
			}
		}
		if one != "" {
			*p = []string{one}
		}
		return err
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		var list []string
		switch k := d.PeekKind(); k {
		case '{', '[', 'n':
			if err := d.SkipValue(); err != nil {
				return err
			}
		default:
			if err := intoTexts(d, k, &list); err != nil {
				return err
			}
		}
		*p = append(*p, list...)
	}
	_, err := d.ReadToken()
	return err
}

// shaped passes over what has another shape than v: a text where an object belongs.
func shaped(d *jsontext.Decoder, kind jsontext.Kind, v any) error {
	if _, own := v.(json.UnmarshalerFrom); own {
		return json.SkipFunc
	}
	t := reflect.TypeOf(v).Elem()
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		if kind != '{' && kind != 'n' {
			return d.SkipValue()
		}
	case reflect.Slice:
		if t == rawValue || kind == '[' || kind == 'n' {
			return json.SkipFunc
		}
		if kind != '{' || t.Elem().Kind() != reflect.Struct {
			return d.SkipValue()
		}
		one := reflect.New(t.Elem())
		if err := json.UnmarshalDecode(d, one.Interface(), lenient); err != nil {
			return err
		}
		reflect.ValueOf(v).Elem().Set(reflect.Append(reflect.MakeSlice(t, 0, 1), one.Elem()))
		return nil
	}
	return json.SkipFunc
}
