package document

// Pool keeps one of all equal scalars: of a site's hundred thousand values most
// are ids, numbers and words that stand in many places.
type Pool map[scalarKey]*Value

type scalarKey struct {
	kind Kind
	text string
}

const shortScalar = 64 // bytes; longer ones are seldom equal

// Share puts the pool's scalars in the place of a document's own. The document
// may be read, copied and have its fields set, as before.
func (p Pool) Share(v *Value) *Value {
	if v == nil {
		return nil
	}
	for i, item := range v.Items {
		v.Items[i] = p.Share(item)
	}
	for i, f := range v.Fields {
		v.Fields[i].Value = p.Share(f.Value)
	}
	if v.Kind == List || v.Kind == Map || len(v.Text) > shortScalar {
		return v
	}
	key := scalarKey{v.Kind, v.Text}
	if one, ok := p[key]; ok {
		return one
	}
	p[key] = v
	return v
}
