package assets

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/assets/document"
)

// What a secret looks like: by the name it stands under, and by itself.
var (
	secretName = regexp.MustCompile(`(?i)(^|[_-])(password|passwd|secret|api_?key|access_?key|private_?key|client_?secret|auth_?token|access_?token|bearer)$`)
	secretText = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bsst_[A-Za-z0-9_-]{20,}|\bxox[baprs]-[A-Za-z0-9-]{10,}|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}`)
	secretURL  = regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://[^/\s:@'"]*:([^/\s@'"]+)@`)
	secretPart = regexp.MustCompile(`(?i)[?&][a-z_-]*(?:password|passwd|secret|token|private_?key|api_?key)=([^&\s]+)`)
	masked     = regexp.MustCompile(`^(X{6,}|\*+|\$\{\w+\}|\{\{.*\}\}|<.*>)$`)
)

// Secrets names what looks like a secret in a collection: "chart "Sales":
// params.password". What is allowed is left out.
func Secrets(s *Set, allow []string) (found []string) {
	for _, a := range s.All() {
		scan(a.Doc, "", func(place string) {
			where := fmt.Sprintf("%s: %s", a.path(), place)
			if !slices.Contains(allow, place) && !slices.Contains(allow, where) && !slices.Contains(allow, a.UUID+": "+place) {
				found = append(found, where)
			}
		})
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// SecretIn gives the secret that a connection's address holds, "" where it
// holds none, or one that is masked.
func SecretIn(address string) string {
	for _, in := range []*regexp.Regexp{secretURL, secretPart} {
		if found := in.FindStringSubmatch(address); found != nil && !masked.MatchString(found[1]) {
			return found[1]
		}
	}
	return ""
}

func scan(v *document.Value, place string, found func(string)) {
	for _, item := range v.Items {
		scan(item, place, found)
	}
	for _, f := range v.Fields {
		below := strings.TrimPrefix(place+"."+f.Key, ".")
		if secretName.MatchString(f.Key) && f.Value.Kind == document.String && f.Value.Text != "" && !masked.MatchString(f.Value.Text) {
			found(below)
		}
		scan(f.Value, below, found)
	}
	if v.Kind != document.String {
		return
	}
	if secretText.MatchString(v.Text) {
		found(place)
	}
	for _, url := range secretURL.FindAllStringSubmatch(v.Text, -1) {
		if !masked.MatchString(url[1]) {
			found(place)
		}
	}
}
