package document

import (
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// What PyYAML 6 makes of a plain scalar: its resolver's expressions, see
// https://github.com/yaml/pyyaml/blob/main/lib/yaml/resolver.py.
var (
	plainBool  = regexp.MustCompile(`^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$`)
	plainNull  = regexp.MustCompile(`^(?:~|null|Null|NULL|)$`)
	plainInt   = regexp.MustCompile(`^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)
	plainFloat = regexp.MustCompile(`^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
)

// resolve gives a plain scalar its kind. A date stays the text it is: JSON,
// which all of it once was, has no dates.
func resolve(text string) *Value {
	switch {
	case plainNull.MatchString(text):
		return Nothing()
	case plainBool.MatchString(text):
		switch strings.ToLower(text) {
		case "yes", "true", "on":
			return Truth(true)
		}
		return Truth(false)
	case plainInt.MatchString(text):
		if n, ok := integer(text); ok {
			return &Value{Kind: Int, Text: n}
		}
	case plainFloat.MatchString(text):
		if f, ok := float(text); ok {
			return &Value{Kind: Float, Text: FloatText(f)}
		}
	}
	return Text(text)
}

func integer(text string) (string, bool) {
	text = strings.ReplaceAll(text, "_", "")
	sign, digits := "", strings.TrimPrefix(text, "+")
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	n, ok := new(big.Int), false
	switch {
	case strings.Contains(digits, ":"):
		n, ok = sexagesimal(digits)
	case strings.HasPrefix(digits, "0b"):
		n, ok = n.SetString(digits[2:], 2)
	case strings.HasPrefix(digits, "0x"):
		n, ok = n.SetString(digits[2:], 16)
	case len(digits) > 1 && digits[0] == '0':
		n, ok = n.SetString(digits[1:], 8)
	default:
		n, ok = n.SetString(digits, 10)
	}
	if !ok {
		return "", false
	}
	if sign == "-" {
		n.Neg(n)
	}
	return n.String(), true
}

func sexagesimal(digits string) (*big.Int, bool) {
	n := new(big.Int)
	for part := range strings.SplitSeq(digits, ":") {
		d, ok := new(big.Int).SetString(part, 10)
		if !ok {
			return nil, false
		}
		n.Add(n.Mul(n, big.NewInt(60)), d)
	}
	return n, true
}

func float(text string) (float64, bool) {
	text = strings.ToLower(strings.ReplaceAll(text, "_", ""))
	switch strings.TrimLeft(text, "+-") {
	case ".inf":
		if strings.HasPrefix(text, "-") {
			return math.Inf(-1), true
		}
		return math.Inf(1), true
	case ".nan":
		return math.NaN(), true
	}
	if strings.Contains(text, ":") {
		return sexagesimalFloat(text)
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil
}

func sexagesimalFloat(text string) (float64, bool) {
	sign := 1.0
	if strings.HasPrefix(text, "-") {
		sign = -1
	}
	sum := 0.0
	for part := range strings.SplitSeq(strings.TrimLeft(text, "+-"), ":") {
		f, err := strconv.ParseFloat(part, 64)
		if err != nil {
			return 0, false
		}
		sum = sum*60 + f
	}
	return sign * sum, true
}

// FloatText is the canonical text of a float: Python's shortest form, always
// with a dot, because PyYAML takes 1e-07 for a string.
func FloatText(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return ".inf"
	case math.IsInf(f, -1):
		return "-.inf"
	case math.IsNaN(f):
		return ".nan"
	}
	text := strconv.FormatFloat(f, 'e', -1, 64)
	mantissa, exponent, _ := strings.Cut(text, "e")
	if n, err := strconv.Atoi(exponent); err == nil && (n < -4 || n >= 16) {
		if !strings.Contains(mantissa, ".") {
			mantissa += ".0"
		}
		return mantissa + "e" + exponent
	}
	text = strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}
