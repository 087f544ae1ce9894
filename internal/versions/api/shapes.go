package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// named is what can stand in a ByName.
type named interface{ key() string }

// ByName is a list that is an object in JSON, with the names as keys, in the
// order of the list.
type ByName[T named] []T

// MarshalJSON writes the object; an empty one is {}.
func (b ByName[T]) MarshalJSON() ([]byte, error) {
	out := bytes.NewBufferString("{")
	for i, one := range b {
		if i > 0 {
			out.WriteByte(',')
		}
		err := plain(out, one.key())
		out.WriteByte(':')
		if err := errors.Join(err, plain(out, one)); err != nil {
			return nil, err
		}
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// plain writes JSON in which < and > are themselves, as outside of a ByName.
func plain(out *bytes.Buffer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	out.Truncate(out.Len() - 1) // the line break
	return err
}

// UnmarshalJSON reads the object in its order.
func (b *ByName[T]) UnmarshalJSON(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if _, err := decoder.Token(); err != nil {
		return err
	}
	*b = ByName[T]{}
	for decoder.More() {
		if _, err := decoder.Token(); err != nil {
			return err
		}
		var one T
		if err := decoder.Decode(&one); err != nil {
			return err
		}
		*b = append(*b, one)
	}
	return nil
}

// Schema describes the object.
func (ByName[T]) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: r.Schema(reflect.TypeFor[T](), true, "")}
}

// Optional is a value or null.
type Optional[T any] struct{ Value *T }

// Some is a value.
func Some[T any](value T) Optional[T] { return Optional[T]{&value} }

// MarshalJSON writes the value or null.
func (o Optional[T]) MarshalJSON() ([]byte, error) { return json.Marshal(o.Value) }

// UnmarshalJSON reads it.
func (o *Optional[T]) UnmarshalJSON(text []byte) error { return json.Unmarshal(text, &o.Value) }

// Schema says that it may be null.
func (Optional[T]) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{r.Schema(reflect.TypeFor[T](), true, ""), {Type: "null"}}}
}

// Null is a field that the platform has and never fills.
type Null struct{}

// MarshalJSON writes null.
func (Null) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

// UnmarshalJSON takes null.
func (*Null) UnmarshalJSON([]byte) error { return nil }

// Schema says that it is null.
func (Null) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Type: "null"} }

// Time is a point in time, in UTC, to the millisecond.
type Time struct{ time.Time }

const timeFormat = "2006-01-02T15:04:05.000Z"

// At is a time, null when it is zero.
func At(t time.Time) *Time {
	if t.IsZero() {
		return nil
	}
	return &Time{t}
}

// MarshalJSON writes it as the platform does.
func (t Time) MarshalJSON() ([]byte, error) {
	return []byte(`"` + t.UTC().Format(timeFormat) + `"`), nil
}

// UnmarshalJSON reads it.
func (t *Time) UnmarshalJSON(text []byte) (err error) {
	t.Time, err = time.Parse(`"`+timeFormat+`"`, string(text))
	return err
}

// Schema describes the format. Where it is used as a pointer it may be null.
func (Time) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time", Nullable: true, Examples: []any{"2026-11-25T02:30:00.000Z"}}
}
