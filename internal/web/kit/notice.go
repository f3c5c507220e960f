package kit

// Notice is one line of what needs a person, from whichever area knows of it.
type Notice struct {
	Text, Note, Href, When string
	Bad                    bool
}
