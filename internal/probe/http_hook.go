package probe

import "context"

// visitHTTP looks at what the target answers over HTTP.
func visitHTTP(context.Context, *target, *Options) (*HTTP, []Check) { return nil, nil }
