package topology

import (
	"cmp"
	"math"
	"slices"
)

// Box is something to place on a drawing; Line leads from one to another by their numbers.
type (
	// Box is a node of a drawing.
	Box struct {
		Band  string // what is framed together; "" stands outside of every frame
		First bool   // in the first column whatever leads to it
		X, Y  float64
	}
	// Line is an arrow of a drawing.
	Line struct {
		From, To   int
		Path       string // of an SVG path
		MidX, MidY float64
	}
	// Frame surrounds what shares a band.
	Frame struct{ X, Y, W, H float64 }
)

// The measures of drawings.
const (
	BoxW   = 150.0
	BoxH   = 58.0
	column = 200.0
	row    = 72.0
	gutter = 14.0 // of a long line between boxes
	margin = 16.0
	inset  = 18.0
	titled = 34.0 // above a frame's boxes
	sweeps = 10
)

// layer is one place in a column: a box, or where a long line passes.
type slot struct {
	box     int // -1 for a passing line
	col     int
	band    int
	order   int
	y, size float64
	key     float64
	before  []*slot
	after   []*slot
}

// arranger finds places.
type arranger struct {
	boxes  []Box
	lines  []Line
	rank   []int
	bands  []string
	slots  []*slot
	of     []*slot
	chains [][]*slot // of each line; nil for one that goes back
	grid   [][]*slot // by column
	loose  []int     // boxes without lines, put in rows below the others of their band
	tops   []float64
	downs  []float64
	width  float64
}

// Arrange places boxes in columns along their lines, so that callers stand left of what they call, and draws the lines.
// The same input gives the same drawing.
func Arrange(boxes []Box, lines []Line) (width, height float64, frames map[string]Frame) {
	a := &arranger{boxes: boxes, lines: lines, rank: make([]int, len(boxes)), of: make([]*slot, len(boxes))}
	a.rankAll()
	a.name()
	a.fill()
	a.sort()
	height = a.stack()
	a.draw()
	return a.width, height, a.frames()
}

// rankAll puts every box one column right of the furthest that leads to it, and then closer to what it leads to.
func (a *arranger) rankAll() {
	n := len(a.boxes)
	out, in := make([][]int, n), make([][]int, n)
	back := a.backward()
	for i, l := range a.lines {
		if !back[i] && l.From != l.To {
			out[l.From], in[l.To] = append(out[l.From], l.To), append(in[l.To], l.From)
		}
	}
	degree := make([]int, n)
	var order []int
	for v := range n {
		if degree[v] = len(in[v]); degree[v] == 0 {
			order = append(order, v)
		}
	}
	for i := 0; i < len(order); i++ {
		v := order[i]
		if !a.boxes[v].First && a.rank[v] == 0 && slices.ContainsFunc(a.boxes, func(b Box) bool { return b.First }) {
			a.rank[v] = 1
		}
		for _, w := range out[v] {
			a.rank[w] = max(a.rank[w], a.rank[v]+1)
			if degree[w]--; degree[w] == 0 {
				order = append(order, w)
			}
		}
	}
	for _, v := range slices.Backward(order) {
		if len(out[v]) == 0 || a.boxes[v].First || len(in[v]) > len(out[v]) {
			continue
		}
		near := math.MaxInt
		for _, w := range out[v] {
			near = min(near, a.rank[w])
		}
		a.rank[v] = max(a.rank[v], near-1)
	}
	a.thin(out)
	linked := make([]bool, n)
	for _, l := range a.lines {
		linked[l.From], linked[l.To] = true, true
	}
	for v := range n {
		if !linked[v] {
			a.loose = append(a.loose, v)
		}
	}
}

// thin moves boxes that lead nowhere out of columns that are too full.
func (a *arranger) thin(out [][]int) {
	most := max(7, int(math.Ceil(1.25*math.Sqrt(float64(len(a.boxes))))))
	for c := 0; c < 40; c++ {
		var here, free []int
		for v := range a.boxes {
			if a.rank[v] == c && !a.boxes[v].First {
				here = append(here, v)
				if len(out[v]) == 0 {
					free = append(free, v)
				}
			}
		}
		for i := 0; i < len(free) && len(here)-i > most; i++ {
			a.rank[free[len(free)-1-i]]++
		}
	}
}

// backward finds the lines that close a circle.
func (a *arranger) backward() []bool {
	out := make([][]int, len(a.boxes))
	for i, l := range a.lines {
		out[l.From] = append(out[l.From], i)
	}
	back, state := make([]bool, len(a.lines)), make([]int8, len(a.boxes))
	var visit func(v int)
	visit = func(v int) {
		state[v] = 1
		for _, i := range out[v] {
			switch w := a.lines[i].To; state[w] {
			case 0:
				visit(w)
			case 1:
				back[i] = true
			}
		}
		state[v] = 2
	}
	entered := make([]bool, len(a.boxes))
	for _, l := range a.lines {
		entered[l.To] = true
	}
	for _, wanted := range []bool{false, true} {
		for v := range a.boxes {
			if entered[v] == wanted && state[v] == 0 {
				visit(v)
			}
		}
	}
	return back
}

// name numbers the bands: what stands outside of every frame first.
func (a *arranger) name() {
	for _, b := range a.boxes {
		if !slices.Contains(a.bands, b.Band) {
			a.bands = append(a.bands, b.Band)
		}
	}
	slices.Sort(a.bands)
}

func (a *arranger) add(box, col, band int) *slot {
	s := &slot{box: box, col: col, band: band, size: row}
	if box < 0 {
		s.size = gutter
	}
	for len(a.grid) <= col {
		a.grid = append(a.grid, nil)
	}
	s.order = len(a.grid[col])
	a.grid[col] = append(a.grid[col], s)
	a.slots = append(a.slots, s)
	return s
}

// fill makes the slots: one for each box and one for each column that a line passes.
func (a *arranger) fill() {
	for v, b := range a.boxes {
		band := slices.Index(a.bands, b.Band)
		if slices.Contains(a.loose, v) {
			a.of[v] = &slot{box: v, band: band, size: row}
			continue
		}
		a.of[v] = a.add(v, a.rank[v], band)
		if b.First {
			a.of[v].size = 0 // it finds its place beside what it leads to
		}
	}
	a.chains = make([][]*slot, len(a.lines))
	for i, l := range a.lines {
		from, to := a.of[l.From], a.of[l.To]
		if from.col >= to.col {
			continue
		}
		chain := []*slot{from}
		for c := from.col + 1; c < to.col; c++ {
			band := to.band
			if from.band != 0 {
				band = from.band
			}
			chain = append(chain, a.add(-1, c, band))
		}
		a.chains[i] = append(chain, to)
		for k := 1; k < len(a.chains[i]); k++ {
			p, q := a.chains[i][k-1], a.chains[i][k]
			p.after, q.before = append(p.after, q), append(q.before, p)
		}
	}
}

// sort orders every column so that lines cross little: each slot stands at the middle of what it is joined to.
func (a *arranger) sort() {
	best, least := a.orders(), math.MaxInt
	for k := range sweeps {
		for c := range a.grid {
			if i := c; k%2 == 0 {
				a.sortColumn(i, func(s *slot) []*slot { return s.before })
			} else {
				a.sortColumn(len(a.grid)-1-i, func(s *slot) []*slot { return s.after })
			}
		}
		if n := a.crossings(); n < least {
			best, least = a.orders(), n
		}
	}
	for i, s := range a.slots {
		s.order = best[i]
	}
	for _, list := range a.grid {
		slices.SortFunc(list, func(x, y *slot) int { return x.order - y.order })
	}
}

func (a *arranger) orders() []int {
	list := make([]int, len(a.slots))
	for i, s := range a.slots {
		list[i] = s.order
	}
	return list
}

func (a *arranger) sortColumn(c int, joined func(*slot) []*slot) {
	for _, s := range a.grid[c] {
		s.key = float64(s.order)
		if list := joined(s); len(list) > 0 {
			sum := 0.0
			for _, o := range list {
				sum += float64(o.order) / float64(max(1, len(a.grid[o.col])-1))
			}
			s.key = sum / float64(len(list)) * float64(max(1, len(a.grid[c])-1))
		}
	}
	slices.SortStableFunc(a.grid[c], func(x, y *slot) int { return cmp.Or(x.band-y.band, cmp.Compare(x.key, y.key)) })
	for i, s := range a.grid[c] {
		s.order = i
	}
}

func (a *arranger) crossings() int {
	n := 0
	for _, list := range a.grid {
		var ends [][2]int
		for _, s := range list {
			for _, t := range s.after {
				ends = append(ends, [2]int{s.order, t.order})
			}
		}
		for i := range ends {
			for j := range i {
				if (ends[i][0]-ends[j][0])*(ends[i][1]-ends[j][1]) < 0 {
					n++
				}
			}
		}
	}
	return n
}

// stack gives every slot its height: band below band, in each as near as it goes to what it is joined to.
func (a *arranger) stack() float64 {
	columns := max(len(a.grid), min(6, len(a.boxes)))
	a.width = 2*margin + inset + float64(columns-1)*column + BoxW + inset
	y := margin
	a.tops, a.downs = make([]float64, len(a.bands)), make([]float64, len(a.bands))
	for b, name := range a.bands {
		top := y
		if name != "" {
			top += titled
		}
		tallest := 0.0
		for _, list := range a.grid {
			sum := 0.0
			for _, s := range list {
				if s.band == b {
					sum += s.size
				}
			}
			tallest = max(tallest, sum)
		}
		a.settleBand(b, top, tallest)
		down := a.below(b, top+tallest, columns)
		a.tops[b], a.downs[b] = y, down
		y = down + margin
		if name != "" {
			a.downs[b] += 6
			y += 6
		}
	}
	for v := range a.boxes {
		s := a.of[v]
		if a.boxes[v].First {
			s.y = beside(s)
		}
		a.boxes[v].X, a.boxes[v].Y = margin+inset+float64(s.col)*column, s.y+(row-BoxH)/2
	}
	return y
}

// beside is the middle of what a slot leads to.
func beside(s *slot) float64 {
	if len(s.after) == 0 {
		return margin
	}
	sum := 0.0
	for _, o := range s.after {
		sum += o.y + o.size/2
	}
	s.size = row
	return sum/float64(len(s.after)) - row/2
}

// below puts the boxes of a band that nothing is joined to in rows, beside the first column where that is taken.
func (a *arranger) below(band int, y float64, columns int) float64 {
	i, start := 0, 0
	if slices.ContainsFunc(a.boxes, func(b Box) bool { return b.First }) {
		start, columns = 1, max(1, columns-1)
	}
	for _, v := range a.loose {
		if s := a.of[v]; s.band == band {
			s.col, s.y = start+i%columns, y+float64(i/columns)*row
			i++
		}
	}
	return y + math.Ceil(float64(i)/float64(columns))*row
}

func (a *arranger) settleBand(band int, top, tallest float64) {
	var columns [][]*slot
	for _, list := range a.grid {
		var mine []*slot
		sum := 0.0
		for _, s := range list {
			if s.band == band {
				mine, sum = append(mine, s), sum+s.size
			}
		}
		y := top + (tallest-sum)/2
		for _, s := range mine {
			s.y = y
			y += s.size
		}
		columns = append(columns, mine)
	}
	for k := range 8 {
		for i := range columns {
			c := i
			joined := func(s *slot) []*slot { return s.before }
			if k%2 == 1 {
				c, joined = len(columns)-1-i, func(s *slot) []*slot { return s.after }
			}
			relax(columns[c], joined, top, top+tallest)
		}
	}
}

// relax moves the slots of one column towards what they are joined to, without changing their order.
func relax(list []*slot, joined func(*slot) []*slot, top, down float64) {
	for _, s := range list {
		s.key = s.y + s.size/2
		if others := joined(s); len(others) > 0 {
			sum := 0.0
			for _, o := range others {
				sum += o.y + o.size/2
			}
			s.key = sum / float64(len(others))
		}
	}
	y := top
	for _, s := range list { // downwards, then back up from the end
		s.y = max(y, s.key-s.size/2)
		y = s.y + s.size
	}
	limit := down
	for _, s := range slices.Backward(list) {
		s.y = min(s.y, limit-s.size)
		limit = s.y
	}
	y = top
	for _, s := range list {
		s.y = max(s.y, y)
		y = s.y + s.size
	}
}
