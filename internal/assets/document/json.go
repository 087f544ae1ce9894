package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ParseJSON reads a JSON text with its order and its numbers as they are. Of a
// key that stands twice the last counts, as in Python.
func ParseJSON(text string) (*Value, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	v, err := nextJSON(decoder, 0)
	if err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the value")
	}
	return v, nil
}

func nextJSON(decoder *json.Decoder, depth int) (*Value, error) {
	if depth > deepDocument {
		return nil, fmt.Errorf("nested deeper than %d levels", deepDocument)
	}
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '[' {
			return jsonList(decoder, depth)
		}
		return jsonMap(decoder, depth)
	case json.Number:
		return jsonNumber(t), nil
	case string:
		return Text(t), nil
	case bool:
		return Truth(t), nil
	}
	return Nothing(), nil
}

func jsonList(decoder *json.Decoder, depth int) (*Value, error) {
	list := NewList()
	for decoder.More() {
		v, err := nextJSON(decoder, depth+1)
		if err != nil {
			return nil, err
		}
		list.Items = append(list.Items, v)
	}
	_, err := decoder.Token()
	return list, err
}

func jsonMap(decoder *json.Decoder, depth int) (*Value, error) {
	m := NewMap()
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		v, err := nextJSON(decoder, depth+1)
		if err != nil {
			return nil, err
		}
		m.Set(shared(key.(string)), v)
	}
	_, err := decoder.Token()
	return m, err
}

// jsonNumber keeps integers to the digit; Python has no bound for them.
func jsonNumber(n json.Number) *Value {
	if text := n.String(); !strings.ContainsAny(text, ".eE") {
		return &Value{Kind: Int, Text: text}
	}
	f, err := n.Float64()
	if err != nil {
		return &Value{Kind: Float, Text: n.String()}
	}
	return &Value{Kind: Float, Text: FloatText(f)}
}

// JSON writes the value as Python's json.dumps does, but for non-ASCII text,
// which stays readable.
func (v *Value) JSON() string {
	var b bytes.Buffer
	v.writeJSON(&b)
	return b.String()
}

func (v *Value) writeJSON(b *bytes.Buffer) {
	switch v.Kind {
	case Null:
		b.WriteString("null")
	case String:
		b.Write(jsonText(v.Text))
	case List:
		b.WriteByte('[')
		for i, item := range v.Items {
			if i > 0 {
				b.WriteString(", ")
			}
			item.writeJSON(b)
		}
		b.WriteByte(']')
	case Map:
		b.WriteByte('{')
		for i, f := range v.Fields {
			if i > 0 {
				b.WriteString(", ")
			}
			b.Write(jsonText(f.Key))
			b.WriteString(": ")
			f.Value.writeJSON(b)
		}
		b.WriteByte('}')
	case Float:
		b.WriteString(jsonFloat(v.Text))
	default:
		b.WriteString(v.Text)
	}
}

func jsonFloat(text string) string {
	switch text {
	case ".inf":
		return "Infinity"
	case "-.inf":
		return "-Infinity"
	case ".nan":
		return "NaN"
	}
	return text
}

func jsonText(s string) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		panic(err) // a string: cannot fail
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
