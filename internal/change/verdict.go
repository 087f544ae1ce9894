package change

import (
	"fmt"
	"strconv"
)

// Verdict is what the results of one run come to.
type Verdict struct {
	Vote    *int     // +1, -1 or 0; nil: nothing is said in Gerrit
	Outcome Outcome  // Voted, or without a vote Superseded or Skipped
	Failure *Failure // what the -1 or 0 stands on; nil for +1
	Reason  string   // why there is no vote
}

// VerdictOf judges a run by what its steps left; nil stands for a result that
// is missing. Absence of evidence is never a +1: that takes a complete chain
// of good results of the same patch set and attempt, about the same input.
// Only a failure of the kind candidate is a -1.
func VerdictOf(p PatchSet, changes *GetChanges, created *CreateTempDB, applied *ApplyChangelog) Verdict {
	if changes == nil || changes.PatchSet != p {
		return missing("get-changes")
	}
	if v, ends := judgeHeader(&changes.Header, Changed, Unchanged); ends {
		return v
	}
	if created == nil || !sameRun(&changes.Header, &created.Header) {
		return missing("create-temp-db")
	}
	if created.Outcome == Limited {
		return zero(limited(created))
	}
	if v, ends := judgeHeader(&created.Header, Created, Reused); ends {
		return because(v, created.Reason)
	}
	if applied == nil || !sameRun(&changes.Header, &applied.Header) {
		return missing("apply-changelog")
	}
	if v, ends := judgeHeader(&applied.Header, Applied, Reused); ends {
		return because(v, applied.Reason)
	}
	return judgeDigests(created, applied)
}

func judgeDigests(created *CreateTempDB, applied *ApplyChangelog) Verdict {
	if created.InputDigest == "" || created.InputDigest != applied.InputDigest {
		return zero(Failf(KindInfrastructure, "create-temp-db (input digest %q) and apply-changelog (%q) worked on different inputs",
			created.InputDigest, applied.InputDigest))
	}
	vote := 1
	return Verdict{Vote: &vote, Outcome: Voted}
}

func sameRun(a, b *Header) bool {
	return a.PatchSet == b.PatchSet && a.Attempt == b.Attempt && a.Attempt != ""
}

// judgeHeader says whether the way ends with this result, and how. A result
// with a failure is never good, whatever its outcome says; nor is one with an
// outcome that is not among the good ones.
func judgeHeader(h *Header, good ...Outcome) (v Verdict, ends bool) {
	switch {
	case h.Failure != nil && h.Failure.Kind == KindCandidate:
		vote := -1
		return Verdict{Vote: &vote, Outcome: Voted, Failure: h.Failure}, true
	case h.Failure != nil:
		return zero(h.Failure), true
	case h.Outcome == Superseded:
		return Verdict{Outcome: Superseded, Reason: h.Step + ": a later patch set or attempt has taken over"}, true
	case h.Outcome == Closed:
		return Verdict{Outcome: Skipped, Reason: "the change is merged or abandoned"}, true
	case h.Outcome == Invisible:
		return Verdict{Outcome: Skipped, Reason: "the change is not visible to this account"}, true
	case h.Outcome == BaseFailed:
		return zero(Failf(KindBase, "the model of the base does not deploy")), true
	}
	for _, outcome := range good {
		if h.Outcome == outcome {
			return Verdict{}, false
		}
	}
	return zero(Failf(KindInfrastructure, "%s ended with outcome %q", h.Step, h.Outcome)), true
}

// because prefers the reason that the step itself gives for saying nothing.
func because(v Verdict, reason string) Verdict {
	if v.Vote == nil && reason != "" {
		v.Reason = reason
	}
	return v
}

func missing(step string) Verdict {
	return zero(Failf(KindInfrastructure, "%s left no result of this run", step).
		WithHint("look into the log of the build"))
}

func limited(c *CreateTempDB) *Failure {
	reason := c.Reason
	if reason == "" {
		reason = "no place for another candidate database"
	}
	if len(c.Holders) > 0 {
		reason += " (held by " + changes(c.Holders) + ")"
	}
	return Failf(KindLimit, "%s", reason).
		WithHint("submit or abandon one of these changes, which frees its place with the next reconcile, or raise PATCHBAY_MAX_CANDIDATES")
}

// changes names at most twenty.
func changes(numbers []int) string {
	const most = 20
	if len(numbers) == 1 {
		return fmt.Sprintf("change %d", numbers[0])
	}
	text := "the changes "
	for i, number := range numbers {
		switch {
		case i == most:
			return text + fmt.Sprintf(" and %d more", len(numbers)-most)
		case i > 0:
			text += ", "
		}
		text += strconv.Itoa(number)
	}
	return text
}

func zero(f *Failure) Verdict {
	vote := 0
	return Verdict{Vote: &vote, Outcome: Voted, Failure: f}
}
