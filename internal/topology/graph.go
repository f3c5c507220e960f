package topology

import "math/bits"

// graph is the compact form of a map: vertices are nodes and hubs, edges lie sorted by their beginning.
type graph struct {
	vertices, nodes int
	first           []int32 // of each vertex, into edges
	edges           []edge
	back            []int32 // edge numbers sorted by their end
	firstBack       []int32
	words           int      // of a set of nodes
	real            []uint64 // what counts as reached
}

func newGraph(vertices, nodes int, real []int, edges []edge) *graph {
	g := &graph{vertices: vertices, nodes: nodes, words: (nodes + 63) / 64, first: make([]int32, vertices+1), firstBack: make([]int32, vertices+1)}
	g.real = make([]uint64, g.words)
	for _, n := range real {
		g.real[n/64] |= 1 << (n % 64)
	}
	for i := range edges {
		g.first[edges[i].from+1]++
		g.firstBack[edges[i].to+1]++
	}
	for v := range vertices {
		g.first[v+1] += g.first[v]
		g.firstBack[v+1] += g.firstBack[v]
	}
	g.edges, g.back = make([]edge, len(edges)), make([]int32, len(edges))
	at := append([]int32(nil), g.first...)
	for _, e := range edges {
		g.edges[at[e.from]] = e
		at[e.from]++
	}
	at = append(at[:0], g.firstBack...)
	for i := range g.edges {
		to := g.edges[i].to
		g.back[at[to]] = int32(i)
		at[to]++
	}
	return g
}

// closure is what each vertex reaches, by strongly connected component: the members of one reach the same.
type closure struct {
	g        *graph
	possible bool
	comp     []int32
	sets     [][]uint64 // nodes reached, the component's own included
	size     []int32    // how many those are
}

// closer finds components and sets; it is kept to spare memory between runs.
type closer struct {
	g        *graph
	possible bool
	dropped  []bool  // edges that a change cuts; nil is none
	within   []int32 // when not nil: only vertices marked with epoch are looked at, the others keep base
	epoch    int32
	base     *closure

	index, low []int32
	onStack    []bool
	comp       []int32
	stack      []int32
	frames     []frame
	count      int32
	next       int32
	arena      []uint64
	block      []uint64 // the memory that rounds of a trial share
	used       int      // words of it that this round took
	sets       [][]uint64
	size       []int32
	seen       []int32 // component that a set was last joined into
	members    []int32
}

type frame struct{ v, edge int32 }

func (g *graph) close(possible bool) *closure {
	c := newCloser(g, possible)
	for v := range g.vertices {
		if c.index[v] == 0 {
			c.visit(int32(v))
		}
	}
	return &closure{g: g, possible: possible, comp: c.comp, sets: c.sets, size: c.size}
}

func newCloser(g *graph, possible bool) *closer {
	return &closer{g: g, possible: possible, index: make([]int32, g.vertices), low: make([]int32, g.vertices), onStack: make([]bool, g.vertices), comp: make([]int32, g.vertices)}
}

// leads reports whether the edge is part of the graph now.
func (c *closer) leads(e int32) bool {
	return (c.possible || c.g.edges[e].mark&unproven == 0) && (c.dropped == nil || !c.dropped[e])
}

func (c *closer) inside(v int32) bool { return c.within == nil || c.within[v] == c.epoch }

// visit is Tarjan's algorithm with its own stack, since a map may be deeper than a goroutine likes.
func (c *closer) visit(root int32) {
	c.frames = append(c.frames[:0], frame{root, c.g.first[root]})
	c.enter(root)
	for len(c.frames) > 0 {
		f := &c.frames[len(c.frames)-1]
		v := f.v
		if f.edge < c.g.first[v+1] {
			e := f.edge
			f.edge++
			if !c.leads(e) {
				continue
			}
			w := c.g.edges[e].to
			switch {
			case !c.inside(w):
			case c.index[w] == 0:
				c.enter(w)
				c.frames = append(c.frames, frame{w, c.g.first[w]})
			case c.onStack[w]:
				c.low[v] = min(c.low[v], c.index[w])
			}
			continue
		}
		c.frames = c.frames[:len(c.frames)-1]
		if len(c.frames) > 0 {
			parent := c.frames[len(c.frames)-1].v
			c.low[parent] = min(c.low[parent], c.low[v])
		}
		if c.low[v] == c.index[v] {
			c.pop(v)
		}
	}
}

func (c *closer) enter(v int32) {
	c.next++
	c.index[v], c.low[v] = c.next, c.next
	c.stack = append(c.stack, v)
	c.onStack[v] = true
}

// pop ends a component. All that it leads to is finished, so its set is theirs together with its own nodes.
func (c *closer) pop(root int32) {
	id := c.count
	c.count++
	c.members = c.members[:0]
	for {
		v := c.stack[len(c.stack)-1]
		c.stack = c.stack[:len(c.stack)-1]
		c.onStack[v] = false
		c.comp[v] = id
		c.members = append(c.members, v)
		if v == root {
			break
		}
	}
	set := c.take()
	for _, v := range c.members {
		if int(v) < c.g.nodes {
			set[v/64] |= (1 << (v % 64)) & c.g.real[v/64]
		}
		for e := c.g.first[v]; e < c.g.first[v+1]; e++ {
			if !c.leads(e) {
				continue
			}
			w := c.g.edges[e].to
			if !c.inside(w) {
				join(set, c.base.sets[c.base.comp[w]])
				continue
			}
			if o := c.comp[w]; o != id && c.seen[o] != id+1 {
				c.seen[o] = id + 1
				join(set, c.sets[o])
			}
		}
	}
	c.sets = append(c.sets, set)
	c.seen = append(c.seen, 0)
	c.size = append(c.size, int32(count(set)))
}

// take gives an empty set.
func (c *closer) take() []uint64 {
	w := c.g.words
	if len(c.arena) < w {
		c.arena = make([]uint64, max(w, min(64*w, 1<<20)))
	}
	c.used += w
	set := c.arena[:w:w]
	c.arena = c.arena[w:]
	return set
}

func join(set, other []uint64) {
	other = other[:len(set)]
	for i := range set {
		set[i] |= other[i]
	}
}

func count(set []uint64) int {
	n := 0
	for _, w := range set {
		n += bits.OnesCount64(w)
	}
	return n
}

// set is what a node reaches, itself included.
func (c *closure) set(node int) []uint64 { return c.sets[c.comp[node]] }

// reached is how many others a node reaches.
func (c *closure) reached(node int) int { return int(c.size[c.comp[node]]) - 1 }

func (c *closure) has(from, to int) bool {
	return from != to && c.set(from)[to/64]&(1<<(to%64)) != 0
}

// ancestors counts for each node how many others reach it: the closure of the graph turned round.
func (c *closure) ancestors() []int32 {
	g := c.g
	turned := make([]edge, 0, len(g.edges))
	for _, e := range g.edges {
		if c.possible || e.mark&unproven == 0 {
			turned = append(turned, edge{e.to, e.from, 0, -1})
		}
	}
	r := &graph{}
	*r = *newGraph(g.vertices, g.nodes, nil, turned)
	r.real = g.real
	back := r.close(true)
	list := make([]int32, g.vertices)
	for v := range g.vertices {
		list[v] = back.size[back.comp[v]]
		if v < g.nodes {
			list[v]--
		}
	}
	return list
}
