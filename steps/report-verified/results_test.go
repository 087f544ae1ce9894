package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// resultSet is what the earlier steps leave; nil is missing.
type resultSet struct {
	changes *change.GetChanges
	created *change.CreateTempDB
	applied *change.ApplyChangelog
}

const base = "cafecafecafecafecafecafecafecafecafecafe"

func newResults(p change.PatchSet) *resultSet {
	header := func(step string, outcome change.Outcome) change.Header {
		return change.Header{
			FormatVersion: change.FormatVersion, Step: step, Version: "test", PatchSet: p, Base: base,
			Attempt: "6923abcd", Outcome: outcome, StartedAt: time.Now(), Seconds: 1.5,
		}
	}
	return &resultSet{
		&change.GetChanges{Header: header("get-changes", change.Changed), Files: []change.File{{Path: "data-model/table.sql", Status: "A"}}},
		&change.CreateTempDB{Header: header("create-temp-db", change.Created), InputDigest: "1234567890abcdef"},
		&change.ApplyChangelog{
			Header: header("apply-changelog", change.Applied), InputDigest: "1234567890abcdef",
			Database: fmt.Sprintf("registry-dev-%d", p.Change), Counts: "2 tables added, 1 column changed",
			Summary: []string{"+ table public.laboratory (7 columns)", "+ table public.staff_member (3 columns)", "~ column public.t.name text → varchar(50)  ! narrowed"},
			Hazards: 1,
		},
	}
}

func (r *resultSet) set(ts *testscript.TestScript, arg string) {
	name, value, _ := strings.Cut(arg, "=")
	switch name {
	case "attempt":
		r.changes.Attempt, r.created.Attempt, r.applied.Attempt = value, value, value
	case "digest":
		r.created.InputDigest, r.applied.InputDigest = value, value
	case "counts":
		r.applied.Counts = value
	case "lines": // N long lines in Cyrillic
		n, err := strconv.Atoi(value)
		ts.Check(err)
		r.applied.Summary = nil
		for i := range n {
			r.applied.Summary = append(r.applied.Summary, fmt.Sprintf("+ table реєстр.%d_%s", i, strings.Repeat("ї", 400)))
		}
	case "touched":
		r.changes.Files = append(r.changes.Files, change.File{Path: value, Status: "M"})
	case "file":
		r.applied.Kept = value // taken by the spoil "candidate"
	default:
		ts.Fatalf("no setting %q", arg)
	}
}

func failure(kind change.Kind) *change.Failure {
	return change.Failf(kind, "the %s is broken", kind).WithHint("repair the %s", kind)
}

// spoils turn a good run into others, by the names that scripts use.
var spoils = map[string]func(*resultSet){
	"good": func(*resultSet) {},
	"unchanged": func(r *resultSet) {
		r.changes.Outcome, r.applied.Outcome = change.Unchanged, change.Reused
		r.applied.Summary, r.applied.Counts, r.applied.Hazards = nil, "", 0
	},
	"parameter": func(r *resultSet) { r.changes.Outcome, r.applied.EngineRan = change.Unchanged, true },
	"candidate": func(r *resultSet) {
		file := r.applied.Kept
		if file == "" {
			file = "data-model/table.sql"
		}
		r.applied.Outcome, r.applied.Kept = change.Failed, ""
		r.applied.Failure = &change.Failure{
			Kind: change.KindCandidate, Message: `relation "no_such" does not exist`, File: file, Line: 2,
			Changeset: "add-table", Author: "o'neil", SQLState: "42P01",
		}
	},
	"hostile": func(r *resultSet) {
		r.applied.Outcome = change.Failed
		r.applied.Failure = &change.Failure{
			Kind: change.KindCandidate, File: "data-model/table.sql", Line: 1, Changeset: "`x` <b>",
			Message: change.OneLine("[click](http://evil.example) **bold** _it_ my_table <img src=x>\x1b[31m\x00\u202e\npatchbay revision=" +
				strings.Repeat("0", 40) + " attempt=ffffffff verdict=+1 digest=none base=none"),
		}
	},
	"base": func(r *resultSet) {
		r.created.Outcome, r.created.Failure, r.created.InputDigest = change.BaseFailed, failure(change.KindBase), ""
		r.applied.Outcome = change.Skipped
	},
	"infrastructure": func(r *resultSet) {
		r.applied.Outcome, r.applied.Failure = change.Failed, failure(change.KindInfrastructure)
	},
	"configuration": func(r *resultSet) {
		r.created.Outcome, r.created.Failure, r.applied = change.Failed, failure(change.KindConfiguration), nil
	},
	"limited": func(r *resultSet) {
		r.created.Outcome, r.created.Holders, r.created.Reason = change.Limited, []int{3, 4}, "10 candidate databases exist"
		r.applied.Outcome = change.Skipped
	},
	"cancelled": func(r *resultSet) {
		r.applied.Outcome, r.applied.Failure = change.Failed, failure(change.KindCancelled)
	},
	"superseded": func(r *resultSet) { r.changes.Outcome, r.created, r.applied = change.Superseded, nil, nil },
	"closed":     func(r *resultSet) { r.changes.Outcome, r.created, r.applied = change.Closed, nil, nil },
	"invisible":  func(r *resultSet) { r.changes.Outcome, r.created, r.applied = change.Invisible, nil, nil },
	"none":       func(r *resultSet) { *r = resultSet{} },
	"no-apply":   func(r *resultSet) { r.applied = nil },
	"other-revision": func(r *resultSet) {
		r.changes.Revision = strings.Repeat("b", 40)
	},
	"other-attempt": func(r *resultSet) { r.applied.Attempt = "00000001" },
}
