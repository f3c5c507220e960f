package control

import (
	"fmt"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/interpreter"

	"muster/internal/fault"
)

// maxCost bounds what one rule may compute; a shipped rule needs under ten.
const maxCost = 10_000

// maxRule is how long a rule may be.
const maxRule = 500

// flags are the yes-or-no facts that rules may ask for. Any of them may be unknown.
var flags = strings.Fields("interface callers callees endpoints exposed tls_endpoint web http_api operations datastore kubernetes container orchestrated repository keys credentials passwords end_users sign_in tokens api_keys recommendations severe_incident public_service")

// Rule is a compiled applicability rule.
type Rule struct{ program cel.Program }

var environment = sync.OnceValues(func() (*cel.Env, error) {
	options := []cel.EnvOption{cel.Variable("exposure", cel.StringType), cel.Variable("tier", cel.IntType), cel.Variable("data", cel.ListType(cel.StringType)), cel.Variable("environments", cel.IntType), cel.ClearMacros()}
	for _, f := range flags {
		options = append(options, cel.Variable(f, cel.BoolType))
	}
	return cel.NewEnv(options...)
})

// CompileRule checks a rule and says where it is wrong. Macros (loops) are not part of the language here.
func CompileRule(text string) (*Rule, error) {
	if len(text) > maxRule {
		return nil, fault.Field("applies", fmt.Sprintf("Keep the rule under %d characters.", maxRule))
	}
	env, err := environment()
	if err != nil {
		return nil, fmt.Errorf("make rule language: %w", err)
	}
	ast, issues := env.Compile(text)
	if issues != nil && issues.Err() != nil {
		first := issues.Errors()[0]
		return nil, fault.Field("applies", fmt.Sprintf("The rule is wrong at line %d, column %d: %s.", first.Location.Line(), max(first.Location.Column()+1, 1), strings.TrimRight(first.Message, ".")))
	}
	if ast.OutputType() != cel.BoolType {
		return nil, fault.Field("applies", fmt.Sprintf("The rule gives a value of type %s; it must be true or false.", ast.OutputType()))
	}
	program, err := env.Program(ast, cel.EvalOptions(cel.OptPartialEval), cel.CostLimit(maxCost))
	if err != nil {
		return nil, fmt.Errorf("prepare rule: %w", err)
	}
	return &Rule{program: program}, nil
}

// Eval answers a rule. What cannot be decided with what is known, or costs too much, is unknown.
func (r *Rule) Eval(k *Known) Truth {
	out, _, err := r.program.Eval(k.vars)
	if err != nil {
		return Unknown
	}
	switch out {
	case types.True:
		return Yes
	case types.False:
		return No
	}
	return Unknown
}

// Known are the facts of a subject as rules see them.
type Known struct{ vars interpreter.PartialActivation }

// Known prepares the facts for rules.
func (f *Facts) Known() (*Known, error) {
	values := map[string]any{}
	var unknown []*interpreter.AttributePattern
	set := func(name string, value any, known bool) {
		if known {
			values[name] = value
		} else {
			unknown = append(unknown, cel.AttributePattern(name))
		}
	}
	set("tier", int64(f.Tier), f.Tier != 0)
	set("exposure", f.Exposure, f.Exposure != "")
	set("data", f.Data, f.Data != nil)
	n, counted := f.Count["environments"]
	set("environments", int64(n), counted)
	for _, name := range flags {
		value, known := f.Is[name]
		set(name, value, known)
	}
	vars, err := cel.PartialVars(values, unknown...)
	if err != nil {
		return nil, fmt.Errorf("prepare facts: %w", err)
	}
	return &Known{vars: vars}, nil
}
