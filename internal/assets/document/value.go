// Package document holds the values that Superset's assets are made of, as
// YAML and JSON text that Python and Go understand alike. A scalar keeps the
// kind that Python gives it and one canonical text: no value changes its
// meaning on its way between the two, and equal values have equal text.
package document

import (
	"slices"
	"strconv"
)

// Kind is what Python makes of a value.
type Kind uint8

// The kinds of a value.
const (
	Null Kind = iota
	Bool
	Int
	Float
	String
	List
	Map
)

// Value is one value. Those who read it do not change it; whoever rewrites
// copies first.
type Value struct {
	Kind   Kind
	Text   string   // of a scalar: "true", "12", "1.0e-07", the string itself
	Items  []*Value // of a list
	Fields []Field  // of a map, in order; keys are unique
}

// Field is one entry of a map.
type Field struct {
	Key   string
	Value *Value
}

// Text makes a string.
func Text(s string) *Value { return &Value{Kind: String, Text: s} }

// Number makes an integer.
func Number(n int) *Value { return &Value{Kind: Int, Text: strconv.Itoa(n)} }

// Truth makes a boolean.
func Truth(b bool) *Value { return &Value{Kind: Bool, Text: strconv.FormatBool(b)} }

// Nothing makes a null.
func Nothing() *Value { return &Value{} }

// NewMap makes a map of fields in this order.
func NewMap(fields ...Field) *Value { return &Value{Kind: Map, Fields: fields} }

// NewList makes a list.
func NewList(items ...*Value) *Value { return &Value{Kind: List, Items: items} }

// Texts makes a list of strings.
func Texts(all ...string) *Value {
	list := NewList()
	for _, s := range all {
		list.Items = append(list.Items, Text(s))
	}
	return list
}

// Get is the value of a key; nil when there is none, or v is no map. A chain
// of keys goes down: v.Get("scope", "excluded").
func (v *Value) Get(keys ...string) *Value {
	for _, key := range keys {
		if v == nil || v.Kind != Map {
			return nil
		}
		at := v.index(key)
		if at < 0 {
			return nil
		}
		v = v.Fields[at].Value
	}
	return v
}

func (v *Value) index(key string) int {
	return slices.IndexFunc(v.Fields, func(f Field) bool { return f.Key == key })
}

// Set puts a value under a key, in its place or at the end. Setting nil
// removes the key.
func (v *Value) Set(key string, value *Value) {
	at := v.index(key)
	switch {
	case value == nil && at >= 0:
		v.Fields = slices.Delete(v.Fields, at, at+1)
	case value == nil:
	case at >= 0:
		v.Fields[at].Value = value
	default:
		v.Fields = append(v.Fields, Field{key, value})
	}
}

// Delete removes keys.
func (v *Value) Delete(keys ...string) {
	if v == nil || v.Kind != Map {
		return
	}
	v.Fields = slices.DeleteFunc(v.Fields, func(f Field) bool { return slices.Contains(keys, f.Key) })
}

// Str is the text of a string, "" for anything else.
func (v *Value) Str() string {
	if v == nil || v.Kind != String {
		return ""
	}
	return v.Text
}

// Int is the number of an integer, or of a string that is one, as the keys of
// JSON objects are.
func (v *Value) Int() (int, bool) {
	if v == nil || v.Kind != Int && v.Kind != String {
		return 0, false
	}
	n, err := strconv.Atoi(v.Text)
	return n, err == nil
}

// True says that it is the boolean true.
func (v *Value) True() bool { return v != nil && v.Kind == Bool && v.Text == "true" }

// IsMap says that it is a map.
func (v *Value) IsMap() bool { return v != nil && v.Kind == Map }

// Empty says that there is nothing in it: absent, null, "", [] or {}.
func (v *Value) Empty() bool {
	if v == nil {
		return true
	}
	switch v.Kind {
	case Null:
		return true
	case String:
		return v.Text == ""
	case List:
		return len(v.Items) == 0
	case Map:
		return len(v.Fields) == 0
	}
	return false
}

// Each gives the items of a list; of anything else none.
func (v *Value) Each() []*Value {
	if v == nil || v.Kind != List {
		return nil
	}
	return v.Items
}

// Copy is a deep copy.
func (v *Value) Copy() *Value {
	if v == nil {
		return nil
	}
	c := &Value{Kind: v.Kind, Text: v.Text}
	if len(v.Items) > 0 {
		c.Items = make([]*Value, len(v.Items))
		for i, item := range v.Items {
			c.Items[i] = item.Copy()
		}
	}
	if len(v.Fields) > 0 {
		c.Fields = make([]Field, len(v.Fields))
		for i, f := range v.Fields {
			c.Fields[i] = Field{f.Key, f.Value.Copy()}
		}
	}
	return c
}

// Equal says that Python would call both equal: the order of a map does not
// count, 1 and 1.0 are the same number.
func Equal(a, b *Value) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.Kind != b.Kind {
		return numeric(a) && numeric(b) && sameNumber(a.Text, b.Text)
	}
	switch a.Kind {
	case List:
		return slices.EqualFunc(a.Items, b.Items, Equal)
	case Map:
		return sameFields(a, b)
	}
	return a.Text == b.Text
}

func numeric(v *Value) bool { return v.Kind == Int || v.Kind == Float }

func sameNumber(a, b string) bool {
	x, err := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return err == nil && err2 == nil && x == y
}

func sameFields(a, b *Value) bool {
	if len(a.Fields) != len(b.Fields) {
		return false
	}
	for i, f := range a.Fields {
		other := b.Fields[i].Value // mostly in the same order
		if b.Fields[i].Key != f.Key {
			other = b.Get(f.Key)
		}
		if other == nil || !Equal(f.Value, other) {
			return false
		}
	}
	return true
}
