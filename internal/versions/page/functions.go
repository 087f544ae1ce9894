package page

import (
	"fmt"
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/patchbay-ci/patchbay/internal/versions/api"
)

var functions = template.FuncMap{
	"t":        func(l tongue, key string, args ...any) string { return fill(l.text(key), args) },
	"object":   object,
	"hazard":   hazard,
	"reworded": definition,
	"named":    nameOf,
	"told":     told,
	"ago":      ago,
	"utc":      func(t *api.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
	"machine":  func(t *api.Time) string { return t.UTC().Format(time.RFC3339) },
	"text":     func(s *string) string { return deref(s) },
	"escape":   url.PathEscape,
	"sign":     func(action string) string { return map[string]string{"add": "+", "drop": "−", "change": "~"}[action] },
	"badge":    func(result string) string { return map[string]string{api.Success: "✓", api.Failed: "✗"}[result] },
	"dict":     dict,
	"isTrue":   func(b *bool) bool { return b != nil && *b },
	"side":     func(against string) string { return "side." + against },
}

func fill(text string, args []any) string {
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// object is a kind of a change in words; one without a word is shown as the
// difference names it.
func object(l tongue, kind string) string {
	if key := "object." + kind; texts[key] != [2]string{} {
		return l.text(key)
	}
	return kind
}

// hazard says in the page's language what the difference warns of; what has no
// words there stays as it is.
func hazard(l tongue, text string) string {
	parts := strings.Split(text, "; ")
	for i, part := range parts {
		if l == ukrainian && hazards[part] != "" {
			parts[i] = hazards[part]
		}
	}
	return strings.Join(parts, "; ")
}

// dict hands several values to a part of a template.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict: %d values", len(pairs))
	}
	all := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: key %v", pairs[i])
		}
		all[key] = pairs[i+1]
	}
	return all, nil
}

// ago is how long ago something was, as people say it.
func ago(l tongue, now time.Time, t *api.Time) string {
	if t == nil {
		return ""
	}
	passed := now.Sub(t.Time)
	switch {
	case passed < time.Minute:
		return l.text("now")
	case passed < time.Hour:
		return spell(l, int(passed.Minutes()), "minute", [3]string{"хвилину", "хвилини", "хвилин"})
	case passed < 24*time.Hour:
		return spell(l, int(passed.Hours()), "hour", [3]string{"годину", "години", "годин"})
	case passed < 60*24*time.Hour:
		return spell(l, int(passed.Hours())/24, "day", [3]string{"день", "дні", "днів"})
	}
	return spell(l, int(passed.Hours())/24/30, "month", [3]string{"місяць", "місяці", "місяців"})
}

func spell(l tongue, n int, one string, forms [3]string) string {
	return counted(l, strconv.Itoa(n), one, forms) + " " + l.text("ago")
}

// counted knows the plural of both languages: Ukrainian has three forms. The
// number is one or more digits.
func counted(l tongue, number, one string, forms [3]string) string {
	n, _ := strconv.Atoi(number)
	if l == ukrainian {
		form := forms[2]
		switch {
		case n%10 == 1 && n%100 != 11:
			form = forms[0]
		case n%10 >= 2 && n%10 <= 4 && (n%100 < 12 || n%100 > 14):
			form = forms[1]
		}
		return number + " " + form
	}
	if n != 1 {
		one += "s"
	}
	return number + " " + one
}

// told is what a fault says to people, by its code; "" when only its details
// say more than the title.
func told(l tongue, code string) string {
	if key := "code." + code; texts[key] != [2]string{} {
		return l.text(key)
	}
	return ""
}
