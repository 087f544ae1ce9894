package schema

import (
	"cmp"
	"slices"
)

// descriptions are the comments and access lists of all objects.
type descriptions struct {
	comments map[address]string
	grants   map[address][]Grant
}

func (c *catalog) descriptions() descriptions {
	d := descriptions{
		comments: make(map[address]string, len(c.comments)),
		grants:   make(map[address][]Grant, len(c.grants)),
	}
	for _, row := range c.comments {
		d.comments[address{row.Class, row.Object, row.Number}] = row.Text
	}
	for _, row := range c.grants {
		at := address{row.Class, row.Object, row.Number}
		d.grants[at] = append(d.grants[at], row.Grant)
	}
	for _, list := range d.grants {
		slices.SortFunc(list, func(a, b Grant) int { return cmp.Compare(a.Role, b.Role) })
	}
	return d
}

// describe adds an object's comment and grants; its owner came with its row.
func (d descriptions) describe(o *Described, at address) {
	o.Comment = d.comments[at]
	o.Grants = d.grants[at]
}
