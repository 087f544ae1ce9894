package tree

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// parseXML walks the elements of an XML changelog as far as it is well formed.
func (f *file) parseXML(text []byte) error {
	text, err := decodeXML(text)
	if err != nil {
		return err
	}
	decoder := xml.NewDecoder(bytes.NewReader(text))
	for {
		line, _ := decoder.InputPos()
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.Directive:
			f.fault(f.name, line, "a document type (<!%s…>) is not allowed", firstWord(string(token)))
			return nil
		case xml.StartElement:
			f.start(token, line)
		case xml.CharData:
			f.mention(f.name, string(token), line)
		}
	}
}

func firstWord(text string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	return word
}

func (f *file) start(token xml.StartElement, line int) {
	e := element{name: token.Name.Local, attributes: map[string]string{}, line: line}
	for _, attribute := range token.Attr {
		if attribute.Name.Local == "schemaLocation" {
			f.noteSchemas(attribute.Value)
			continue
		}
		e.attributes[attribute.Name.Local] = attribute.Value
		f.mention(f.name, attribute.Value, line)
	}
	f.visit(e)
}

// noteSchemas reads xsi:schemaLocation: pairs of a namespace and a URL.
func (r *reader) noteSchemas(value string) {
	fields := strings.Fields(value)
	for i := 1; i < len(fields); i += 2 {
		if !r.schemas[fields[i]] {
			r.schemas[fields[i]] = true
			r.index.Schemas = append(r.index.Schemas, fields[i])
		}
	}
}

func lineOf(err error) int {
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		return syntax.Line
	}
	return yamlLine(err.Error())
}
