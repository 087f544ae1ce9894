package page

import (
	"net/http"

	"golang.org/x/text/language"
)

var languages = language.NewMatcher([]language.Tag{language.English, language.Ukrainian})

const cookie = "lang"

// languageOf is what the visitor has chosen, else what the browser asks for.
// A choice (?lang=uk) is kept in a cookie that holds nothing else.
func languageOf(w http.ResponseWriter, r *http.Request) tongue {
	if chosen := known(r.URL.Query().Get("lang")); chosen != "" {
		http.SetCookie(w, &http.Cookie{Name: cookie, Value: string(chosen), Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode}) //nolint:gosec // a language is no secret, and loopback has no TLS
		return chosen
	}
	if kept, err := r.Cookie(cookie); err == nil {
		if chosen := known(kept.Value); chosen != "" {
			return chosen
		}
	}
	_, at := language.MatchStrings(languages, r.Header.Get("Accept-Language"))
	return [2]tongue{english, ukrainian}[at]
}

// tongue is "en" or "uk".
type tongue string

const (
	english   tongue = "en"
	ukrainian tongue = "uk"
)

func known(name string) tongue {
	if t := tongue(name); t == english || t == ukrainian {
		return t
	}
	return ""
}

// Other is the one that a visitor can change to.
func (t tongue) Other() tongue {
	if t == english {
		return ukrainian
	}
	return english
}

// text gives a text by its key; a key without one is shown as it is, which a
// test finds.
func (t tongue) text(key string) string {
	pair, there := texts[key]
	switch {
	case !there:
		return key
	case t == ukrainian:
		return pair[1]
	}
	return pair[0]
}
