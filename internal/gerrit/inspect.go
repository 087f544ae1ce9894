package gerrit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/patchbay-ci/patchbay/internal/httpclient"
)

// Forbidden says that the account may not look there.
func Forbidden(err error) bool {
	var answer *httpclient.Error
	return errors.As(err, &answer) && answer.Status == http.StatusForbidden
}

// ServerVersion is Gerrit's version: "3.10.2".
func (c *Client) ServerVersion(ctx context.Context) (version string, err error) {
	if _, err = c.call(ctx, http.MethodGet, "config/server/version", nil, &version); err != nil {
		return "", c.failure(err, "ask for Gerrit's version")
	}
	return version, nil
}

// Administers says whether the account is an administrator's, who sees
// everything and so hides missing rights.
func (c *Client) Administers(ctx context.Context) (bool, error) {
	var answer struct {
		Administer bool `json:"administrateServer"`
	}
	if _, err := c.call(ctx, http.MethodGet, "accounts/self/capabilities?q=administrateServer", nil, &answer); err != nil {
		return false, c.failure(err, "ask what the account may do")
	}
	return answer.Administer, nil
}

// LabelValues are the values of each label of a project, ascending, as its
// readers see them. ErrNotFound means that there is no such project, or that
// the account cannot see it.
func (c *Client) LabelValues(ctx context.Context, project string) (map[string][]int, error) {
	doing := "look at project " + project
	var answer struct {
		Name   string
		Labels map[string]wireLabel
	}
	if _, err := c.call(ctx, http.MethodGet, projectPath(project), nil, &answer); err != nil {
		return nil, c.failure(err, doing)
	}
	if answer.Name != project {
		return nil, notGerrit(doing)
	}
	labels := map[string][]int{}
	for name, label := range answer.Labels {
		labels[name] = values(slices.Collect(maps.Keys(label.Values)))
	}
	return labels, nil
}

// LabelDefinition is how a label is set up.
type LabelDefinition struct {
	Project   string // whose configuration defines it: the project's own or one that it inherits from
	Condition string // the copy condition; "" copies nothing
	Copies    []string
}

// Before 3.6 Gerrit copied votes by these settings of a label.
type wireDefinition struct {
	Name      string `json:"name"`
	Condition string `json:"copy_condition"`
	Any       bool   `json:"copy_any_score"`
	Min       bool   `json:"copy_min_score"`
	Max       bool   `json:"copy_max_score"`
	Rebase    bool   `json:"copy_all_scores_on_trivial_rebase"`
	Merge     bool   `json:"copy_all_scores_on_merge_first_parent_update"`
	Files     bool   `json:"copy_all_scores_if_list_of_files_did_not_change"`
}

func (w *wireDefinition) copies() (settings []string) {
	for name, set := range map[string]bool{
		"copyAnyScore": w.Any, "copyMinScore": w.Min, "copyMaxScore": w.Max, "copyAllScoresOnTrivialRebase": w.Rebase,
		"copyAllScoresOnMergeFirstParentUpdate": w.Merge, "copyAllScoresIfListOfFilesDidNotChange": w.Files,
	} {
		if set {
			settings = append(settings, name)
		}
	}
	slices.Sort(settings)
	return settings
}

// inheritance bounds the way up the projects that one inherits from.
const inheritance = 20

// LabelDefinition looks a label up in the configuration of a project and of
// those that it inherits from. Forbidden when the account may not read it.
func (c *Client) LabelDefinition(ctx context.Context, project, label string) (*LabelDefinition, error) {
	doing := fmt.Sprintf("look at label %s of %s", label, project)
	for range inheritance {
		var answer wireDefinition
		_, err := c.call(ctx, http.MethodGet, projectPath(project)+"/labels/"+url.PathEscape(label), nil, &answer)
		if err == nil && answer.Name == label {
			return &LabelDefinition{Project: project, Condition: answer.Condition, Copies: answer.copies()}, nil
		}
		if err == nil {
			return nil, notGerrit(doing)
		}
		if err = c.failure(err, doing); !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		var parent string
		if _, failed := c.call(ctx, http.MethodGet, projectPath(project)+"/parent", nil, &parent); failed != nil {
			return nil, c.failure(failed, doing)
		}
		if parent == "" {
			return nil, err
		}
		project = parent
	}
	return nil, notGerrit(doing)
}

// Requirement is a submit requirement as it applies to a change.
type Requirement struct {
	Name       string
	Status     string // SATISFIED, UNSATISFIED, OVERRIDDEN, NOT_APPLICABLE, ERROR, FORCED
	Expression string // must hold for a submit
}

// Requirements are the submit requirements of a change, those that come from
// functions of labels among them. Older Gerrits than 3.5 have none.
func (c *Client) Requirements(ctx context.Context, project string, number int) ([]Requirement, error) {
	doing := fmt.Sprintf("look at the submit requirements of change %d of %s", number, project)
	var answer struct {
		Number       int `json:"_number"`
		Requirements []struct {
			Name   string `json:"name"`
			Status string `json:"status"`
			Submit struct {
				Expression string `json:"expression"`
			} `json:"submittability_expression_result"`
		} `json:"submit_requirements"`
	}
	if _, err := c.call(ctx, http.MethodGet, changeID(project, number)+"?o=SUBMIT_REQUIREMENTS", nil, &answer); err != nil {
		return nil, c.failure(err, doing)
	}
	if answer.Number != number {
		return nil, notGerrit(doing)
	}
	var all []Requirement
	for _, r := range answer.Requirements {
		all = append(all, Requirement{r.Name, r.Status, r.Submit.Expression})
	}
	return all, nil
}

// Latest is the number of the change of a project that was updated last, of
// open ones or of all; 0 when the account sees none.
func (c *Client) Latest(ctx context.Context, project string, open bool) (int, error) {
	doing := "look for a change of " + project
	query := "project:" + quoted(project)
	if open {
		query += " status:open"
	}
	var answer []wireChange
	path := "changes/?n=1&q=" + url.QueryEscape(query)
	if _, err := c.call(ctx, http.MethodGet, path, nil, &answer); err != nil {
		return 0, c.failure(err, doing)
	}
	if len(answer) == 0 {
		return 0, nil
	}
	if answer[0].Project != project {
		return 0, notGerrit(doing)
	}
	return answer[0].Number, nil
}

func projectPath(project string) string { return "projects/" + url.PathEscape(project) }

// ChangeRef is the git ref of a patch set. See
// https://gerrit-review.googlesource.com/Documentation/concept-refs-for-namespace.html.
func ChangeRef(number, patchSet int) string {
	return fmt.Sprintf("refs/changes/%02d/%d/%s", number%100, number, strconv.Itoa(patchSet))
}
