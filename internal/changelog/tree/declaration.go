package tree

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

// declaration is that of https://www.w3.org/TR/xml11/#NT-XMLDecl. It is read
// here and not by the parser, which overlooks some that Java understands: the
// engine would read another text then than the one that was checked.
var declaration = regexp.MustCompile(`^<\?xml\s+version\s*=\s*(?:"1\.[01]"|'1\.[01]')` +
	`(?:\s+encoding\s*=\s*(?:"([A-Za-z][\w.-]*)"|'([A-Za-z][\w.-]*)'))?` +
	`(?:\s+standalone\s*=\s*(?:"(?:yes|no)"|'(?:yes|no)'))?\s*\?>`)

// decodeXML gives the text in UTF-8, blanks in place of the declaration.
func decodeXML(text []byte) ([]byte, error) {
	text, wide, err := decodeWide(text)
	if err != nil {
		return nil, err
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if !bytes.HasPrefix(text, []byte("<?xml")) {
		return text, nil
	}
	match := declaration.FindSubmatch(text)
	if match == nil {
		return nil, errors.New("the XML declaration is malformed")
	}
	blank := append(blanked(match[0]), text[len(match[0]):]...)
	return decodeNarrow(blank, string(match[1])+string(match[2]), wide)
}

// decodeWide tells UTF-16 by its mark or its first letters, as Java does, and
// gives the name of what it found.
func decodeWide(text []byte) (decoded []byte, wide string, err error) {
	switch {
	case bytes.HasPrefix(text, []byte("\xfe\xff")), bytes.HasPrefix(text, []byte("\x00<\x00?")):
		decoded, err = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewDecoder().Bytes(text)
		return decoded, "UTF-16BE", err
	case bytes.HasPrefix(text, []byte("\xff\xfe")), bytes.HasPrefix(text, []byte("<\x00?\x00")):
		decoded, err = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder().Bytes(text)
		return decoded, "UTF-16LE", err
	}
	return text, "", nil
}

// decodeNarrow takes encodings whose every byte is a letter and that leave
// ASCII as it is. In others Java may see marks where we see none.
func decodeNarrow(text []byte, label, wide string) ([]byte, error) {
	switch {
	case label == "", strings.EqualFold(label, "UTF-8") && wide == "":
		return text, nil
	case wide != "" && (strings.EqualFold(label, "UTF-16") || strings.EqualFold(label, wide)):
		return text, nil
	}
	encoding, err := htmlindex.Get(label)
	if narrow, is := encoding.(*charmap.Charmap); err == nil && is && wide == "" {
		return narrow.NewDecoder().Bytes(text)
	}
	return nil, fmt.Errorf("the encoding %s cannot be checked: save the file as UTF-8", label)
}

// blanked keeps the ends of lines, so that positions stay.
func blanked(text []byte) []byte {
	return bytes.Map(func(r rune) rune {
		if r == '\n' || r == '\r' {
			return r
		}
		return ' '
	}, text)
}
