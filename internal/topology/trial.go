package topology

import (
	"math/bits"
	"slices"
)

// trial computes what is lost when edges are cut, looking only at what a cut can touch.
type trial struct {
	a       *Atlas
	closers [2]*closer
	dropped []bool
	marks   []int32 // which vertices are touched in this round
	round   int32
	queue   []int32
	touched []int32
	still   []int32 // which vertices still reach the end of a cut edge
	stillAt int32
}

func newTrial(a *Atlas) *trial {
	g := a.graph
	t := &trial{a: a, dropped: make([]bool, len(g.edges)), marks: make([]int32, g.vertices), still: make([]int32, g.vertices)}
	for i, base := range []*closure{a.proven, a.maybe} {
		t.closers[i] = newCloser(g, i == 1)
		t.closers[i].base, t.closers[i].dropped, t.closers[i].within = base, t.dropped, t.marks
	}
	return t
}

func (t *trial) closer(possible bool) *closer {
	if possible {
		return t.closers[1]
	}
	return t.closers[0]
}

// cut drops edges, finds the vertices whose reach may shrink, and closes them anew.
func (t *trial) cut(drop []int32, possible bool) *closer {
	c := t.closer(possible)
	for _, v := range t.touched {
		t.closers[0].index[v], t.closers[1].index[v] = 0, 0
	}
	t.touched = t.touched[:0]
	t.round++
	c.epoch = t.round
	for _, e := range drop {
		t.dropped[e] = true
	}
	t.findHurt(drop, c)
	for i := 0; i < len(t.touched); i++ { // everything that led to a hurt end
		v := t.touched[i]
		for _, e := range c.g.back[c.g.firstBack[v]:c.g.firstBack[v+1]] {
			if from := c.g.edges[e].from; t.marks[from] != t.round && (possible || c.g.edges[e].mark&unproven == 0) {
				t.marks[from] = t.round
				t.touched = append(t.touched, from)
			}
		}
	}
	c.count, c.next, c.sets, c.size, c.seen = 0, 0, c.sets[:0], c.size[:0], c.seen[:0]
	c.reuse()
	for _, v := range t.touched {
		if c.index[v] == 0 {
			c.visit(v)
		}
	}
	for _, e := range drop {
		t.dropped[e] = false
	}
	return c
}

// findHurt marks the beginnings of cut edges that no longer reach their ends in another way. Where every one still does,
// nothing changes at all. With many ends looking is not worth its time: all beginnings count as hurt.
func (t *trial) findHurt(drop []int32, c *closer) {
	g := c.g
	head := g.edges[drop[0]].to
	single := !slices.ContainsFunc(drop, func(e int32) bool { return g.edges[e].to != head })
	single = single && slices.ContainsFunc(g.back[g.firstBack[head]:g.firstBack[head+1]], c.leads) // else nothing leads there any more
	if single {
		t.climb(head, c)
	}
	for _, e := range drop {
		x := &g.edges[e]
		if (!single || t.still[x.from] != t.stillAt) && t.marks[x.from] != t.round && (c.possible || x.mark&unproven == 0) {
			t.marks[x.from] = t.round
			t.touched = append(t.touched, x.from)
		}
	}
}

// climb marks what still reaches a vertex.
func (t *trial) climb(head int32, c *closer) {
	g := c.g
	t.stillAt++
	t.still[head] = t.stillAt
	t.queue = append(t.queue[:0], head)
	for i := 0; i < len(t.queue); i++ {
		v := t.queue[i]
		for _, e := range g.back[g.firstBack[v]:g.firstBack[v+1]] {
			if from := g.edges[e].from; t.still[from] != t.stillAt && c.leads(e) {
				t.still[from] = t.stillAt
				t.queue = append(t.queue, from)
			}
		}
	}
}

// reuse keeps one block of memory for the sets of all rounds.
func (c *closer) reuse() {
	if c.block == nil {
		c.block = make([]uint64, max(c.g.words*64, min(c.g.words*c.g.vertices, 1<<21)))
	}
	c.arena = c.block
	clear(c.block[:min(len(c.block), c.used)])
	c.used = 0
}

// gain counts the pairs that a candidate takes out of reach.
func (t *trial) gain(x *candidate, possible bool) int {
	c := t.cut(x.drop, possible)
	lost := 0
	for _, v := range t.touched {
		if int(v) < c.g.nodes {
			lost += int(c.base.size[c.base.comp[v]] - c.size[c.comp[v]])
		}
	}
	return lost
}

// sensitive counts the lost pairs, proven or possible, that lead to sensitive data.
func (t *trial) sensitive(x *candidate) int {
	g := t.a.graph
	mask := make([]uint64, g.words)
	for _, n := range t.a.real {
		if t.a.classes[n]&sensitiveBits != 0 {
			mask[n/64] |= 1 << (n % 64)
		}
	}
	lost := make([][]uint64, g.nodes)
	for _, possible := range []bool{false, true} {
		c := t.cut(x.drop, possible)
		for _, v := range t.touched {
			if int(v) >= g.nodes {
				continue
			}
			base, now := c.base.set(int(v)), c.sets[c.comp[v]]
			if lost[v] == nil {
				lost[v] = make([]uint64, g.words)
			}
			for w := range base {
				lost[v][w] |= base[w] &^ now[w] & mask[w]
			}
		}
	}
	n := 0
	for _, set := range lost {
		for _, w := range set {
			n += bits.OnesCount64(w)
		}
	}
	return n
}
