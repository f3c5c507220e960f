package topology

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// tangle is a drawing of n boxes in three frames and a number of lines, circles among them.
func tangle(n, lines int) ([]Box, []Line) {
	r := rand.New(rand.NewPCG(7, 7))
	boxes := []Box{{First: true}}
	for i := range n {
		boxes = append(boxes, Box{Band: []string{"", "a", "b"}[i%3]})
	}
	list := []Line{{From: 0, To: 1}, {From: 0, To: 2}}
	for range lines {
		if from, to := 1+r.IntN(n), 1+r.IntN(n); from != to {
			list = append(list, Line{From: from, To: to})
		}
	}
	return boxes, list
}

func TestBoxesNeverOverlapAndStayInTheirFrames(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{1, 0}, {2, 1}, {12, 20}, {70, 150}, {150, 400}} {
		boxes, lines := tangle(size[0], size[1])
		if size[0] == 1 {
			lines = lines[:1]
		}
		width, height, frames := Arrange(boxes, lines)
		for i, b := range boxes {
			if b.X < 0 || b.Y < 0 || b.X+BoxW > width || b.Y+BoxH > height {
				t.Errorf("%v: box %d at %.0f, %.0f is outside of %.0f × %.0f", size, i, b.X, b.Y, width, height)
			}
			for j := range i {
				if o := boxes[j]; b.X < o.X+BoxW && o.X < b.X+BoxW && b.Y < o.Y+BoxH && o.Y < b.Y+BoxH {
					t.Errorf("%v: boxes %d and %d overlap", size, i, j)
				}
			}
			for name, f := range frames {
				inside := b.X >= f.X && b.X+BoxW <= f.X+f.W && b.Y >= f.Y && b.Y+BoxH <= f.Y+f.H
				if touches := b.X < f.X+f.W && f.X < b.X+BoxW && b.Y < f.Y+f.H && f.Y < b.Y+BoxH; inside != (name == b.Band) || touches != inside {
					t.Errorf("%v: box %d of %q lies inside %q: %v, touches it: %v", size, i, b.Band, name, inside, touches)
				}
			}
		}
		for i, l := range lines {
			if l.Path == "" {
				t.Errorf("%v: line %d has no path", size, i)
			}
		}
	}
}

func TestADrawingIsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	boxes, lines := tangle(70, 150)
	Arrange(boxes, lines)
	want := fmt.Sprint(boxes, lines)
	for range 3 {
		boxes, lines = tangle(70, 150)
		Arrange(boxes, lines)
		if fmt.Sprint(boxes, lines) != want {
			t.Fatal("the same input gave another drawing")
		}
	}
}

func BenchmarkArrange70(b *testing.B) {
	for b.Loop() {
		boxes, lines := tangle(70, 150)
		Arrange(boxes, lines)
	}
	if each := b.Elapsed() / time.Duration(b.N); each > 30*time.Millisecond {
		b.Errorf("took %v", each)
	}
}
