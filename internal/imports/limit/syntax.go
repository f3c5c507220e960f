package limit

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"muster/internal/imports/model"
)

var (
	yamlLine      = regexp.MustCompile(`line (\d+): `)
	unknownAnchor = regexp.MustCompile(`unknown anchor '([^']*)' referenced`)
)

// Syntax turns an error of the YAML parser into the line and the reason. It quotes nothing of the file.
func Syntax(f model.File, err error) (at int, reason string) {
	reason = strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlLine.FindStringSubmatch(reason); m != nil {
		at, _ = strconv.Atoi(m[1]) // digits by the pattern
		reason = strings.Replace(reason, m[0], "", 1)
	}
	if m := unknownAnchor.FindStringSubmatch(reason); m != nil {
		if i := bytes.Index(f.Data, []byte("*"+m[1])); i >= 0 && at == 0 {
			at = line(f.Data, i)
		}
		return at, "it refers to an anchor that it does not define"
	}
	if i := strings.IndexByte(reason, '`'); i > 0 {
		reason = strings.TrimSpace(reason[:i]) // what follows quotes the file
	}
	return at, reason
}
