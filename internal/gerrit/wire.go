package gerrit

import (
	"slices"
	"strconv"
	"strings"

	gogerrit "github.com/andygrunwald/go-gerrit"
)

// The shapes of Gerrit's answers, as far as they are used. go-gerrit's own
// cannot tell "may not vote" from 0 and lack tags of votes.

type wireAccount struct {
	Username string `json:"username"`
	Name     string `json:"name"`
}

type wireChange struct {
	Project   string                  `json:"project"`
	Branch    string                  `json:"branch"`
	Subject   string                  `json:"subject"`
	Status    string                  `json:"status"`
	Number    int                     `json:"_number"`
	Current   string                  `json:"current_revision"`
	CurrentNo int                     `json:"current_revision_number"`
	Revisions map[string]wireRevision `json:"revisions"`
	Labels    map[string]wireLabel    `json:"labels"`
	Permitted map[string][]string     `json:"permitted_labels"`
	Messages  []wireMessage           `json:"messages"`
	Private   bool                    `json:"is_private"`
	Topic     string                  `json:"topic"`
	Owner     wireAccount             `json:"owner"`
	Created   gogerrit.Timestamp      `json:"created"`
	Updated   gogerrit.Timestamp      `json:"updated"`
	Submitted *gogerrit.Timestamp     `json:"submitted"`
	More      bool                    `json:"_more_changes"` // of the last one of a page
}

type wireRevision struct {
	Number  int                `json:"_number"`
	Created gogerrit.Timestamp `json:"created"`
	Commit  struct {
		Message string `json:"message"`
		Parents []struct {
			Commit string `json:"commit"`
		} `json:"parents"`
	} `json:"commit"`
	Parents []struct {
		Commit   string `json:"commit_id"`
		Merged   bool   `json:"is_merged_in_target_branch"`
		Change   int    `json:"change_number"`
		PatchSet int    `json:"patch_set_number"`
	} `json:"parents_data"`
}

type wireLabel struct {
	Values   map[string]string `json:"values"`
	Rejected *wireAccount      `json:"rejected"`
	All      []struct {
		wireAccount
		Value int `json:"value"`
	} `json:"all"`
}

type wireMessage struct {
	ID       string             `json:"id"`
	Author   wireAccount        `json:"author"`
	Tag      string             `json:"tag"`
	PatchSet int                `json:"_revision_number"`
	Date     gogerrit.Timestamp `json:"date"`
	Message  string             `json:"message"`
}

// values reads label values as Gerrit writes them: "-1", " 0", "+1".
func values(texts []string) []int {
	var all []int
	for _, text := range texts {
		if value, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
			all = append(all, value)
		}
	}
	slices.Sort(all)
	return all
}
