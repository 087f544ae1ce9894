package page

import (
	"net/url"
	"unicode/utf8"

	"github.com/patchbay-ci/patchbay/internal/versions/api"
)

// picture is a table with its neighbours: who refers to it stands on the left,
// what it refers to on the right.
type picture struct {
	Width, Height int
	Boxes         []box
	Lines         []line
	More          int // neighbours that found no place
}

type box struct {
	X, Y, W, H int
	Name       string
	Short      string
	URL        string // "" for the table itself and for one that has no page
	Own        bool   // the table itself
	Rows       []string
}

type line struct{ X1, Y1, X2, Y2, Middle int }

const (
	boxWidth   = 210
	boxHeight  = 38
	gap        = 14
	aisle      = 75
	margin     = 8
	mostBoxes  = 10
	rowHeight  = 20
	mostRows   = 6
	shortText  = 24
	arrowSpace = 9
)

// draw is nil for a table without neighbours. Those that are shown are links.
func draw(t *api.TableInfo, base string, shown map[string]bool) *picture {
	var left, right []string
	for _, r := range t.ReferencedBy {
		left = appendNew(left, r.Table, t.Name)
	}
	for _, f := range t.ForeignKeys {
		right = appendNew(right, f.TargetTable, t.Name)
	}
	if len(left)+len(right) == 0 {
		return nil
	}
	p := &picture{Width: 3*boxWidth + 2*aisle + 2*margin}
	link := func(name string) string {
		if !shown[name] {
			return ""
		}
		return base + "/tables/" + url.PathEscape(name)
	}
	for _, side := range []*[]string{&left, &right} {
		if extra := len(*side) - mostBoxes; extra > 0 {
			p.More += extra
			*side = (*side)[:mostBoxes]
		}
	}
	own := p.own(t)
	tallest := max(len(left), len(right), 1)
	p.Height = max(tallest*(boxHeight+gap)-gap, own.H) + 2*margin
	own.Y = (p.Height - own.H) / 2
	p.Boxes = append(p.Boxes, own)
	p.side(left, margin, link, func(b box) line {
		return line{X1: b.X + b.W, Y1: b.Y + b.H/2, X2: own.X - arrowSpace, Y2: own.Y + own.H/2}
	})
	p.side(right, margin+2*(boxWidth+aisle), link, func(b box) line {
		return line{X1: own.X + own.W, Y1: own.Y + own.H/2, X2: b.X - arrowSpace, Y2: b.Y + b.H/2}
	})
	return p
}

func appendNew(all []string, name, self string) []string {
	for _, one := range all {
		if one == name {
			return all
		}
	}
	if name == self {
		return all
	}
	return append(all, name)
}

// own is the box of the table itself, with its first columns.
func (p *picture) own(t *api.TableInfo) box {
	b := box{X: margin + boxWidth + aisle, W: boxWidth, H: boxHeight, Own: true, Name: t.Name, Short: shorten(t.Name)}
	for i, c := range t.Columns {
		if i == mostRows {
			b.Rows = append(b.Rows, "…")
			break
		}
		b.Rows = append(b.Rows, shorten(c.Name))
	}
	b.H += len(b.Rows)*rowHeight + 6*min(1, len(b.Rows))
	return b
}

func (p *picture) side(names []string, x int, link func(string) string, connect func(box) line) {
	top := (p.Height - (len(names)*(boxHeight+gap) - gap)) / 2
	for i, name := range names {
		b := box{X: x, Y: top + i*(boxHeight+gap), W: boxWidth, H: boxHeight, Name: name, Short: shorten(name), URL: link(name)}
		p.Boxes = append(p.Boxes, b)
		l := connect(b)
		l.Middle = (l.X1 + l.X2) / 2
		p.Lines = append(p.Lines, l)
	}
}

func shorten(name string) string {
	if utf8.RuneCountInString(name) <= shortText {
		return name
	}
	return string([]rune(name)[:shortText-1]) + "…"
}

// Middle, TextY and Below place the texts of a box.
func (b box) Middle() int { return b.X + b.W/2 }

// TextY is the line of the name.
func (b box) TextY() int { return b.Y + boxHeight/2 + 5 }

// Below is the rule under the name.
func (b box) Below() int { return b.Y + boxHeight }

// RowX and RowY place a column's name.
func (b box) RowX() int { return b.X + 12 }

// RowY is the line of the i-th column.
func (b box) RowY(i int) int { return b.Y + boxHeight + 18 + i*rowHeight }
