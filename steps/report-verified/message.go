package main

import (
	"fmt"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/gerrit"
	"github.com/patchbay-ci/patchbay/internal/message"
)

// longMessage keeps messages below Gerrit's 16,384 characters with some room;
// longer ones are refused together with their vote.
const longMessage = 16_000 // UTF-16 units, as Gerrit counts

// headline is the verdict in one line.
func (r *report) headline() string {
	switch f := r.verdict.Failure; {
	case f == nil && r.evidence.unchanged():
		return "Deploys: the model is unchanged"
	case f == nil:
		return "Deploys: " + orElse(cut(message.Plain(r.evidence.applied.Counts), 500), "no difference to the base")
	case f.Kind == change.KindCandidate:
		return "Does not deploy: " + cut(message.Plain(f.Error()), 2000)
	default:
		return "Not verified: " + cut(message.Plain(f.Error()), 2000)
	}
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// message is all that is said: verdict, difference, where and how, marker.
// Paragraphs are set apart by blank lines, because older web interfaces join
// single lines. When it is too long, lines of the difference are left out.
func (r *report) message() string {
	head := r.headline()
	tail := append(r.explanation(), r.facts()...)
	tail = append(tail, r.marker.String())
	room := longMessage - length(head) - length(strings.Join(tail, "\n\n")) - 2*length("\n\n")
	paragraphs := []string{head}
	if list := fit(r.difference(), room); list != "" {
		paragraphs = append(paragraphs, list)
	}
	return strings.Join(append(paragraphs, tail...), "\n\n")
}

// difference is what the candidate changes, a list item each.
func (r *report) difference() (lines []string) {
	applied := r.evidence.applied
	if applied == nil || r.verdict.Failure != nil {
		return nil
	}
	for _, line := range applied.Summary {
		lines = append(lines, "- "+code(line))
	}
	for _, warning := range applied.Warnings {
		lines = append(lines, "- "+cut(message.Plain(warning), 500))
	}
	return lines
}

// explanation is what a person needs beside the headline.
func (r *report) explanation() (paragraphs []string) {
	f := r.verdict.Failure
	if f == nil {
		if n := r.evidence.applied.Hazards; n > 0 {
			paragraphs = append(paragraphs, fmt.Sprintf("%d of these changes can destroy or endanger data.", n))
		}
		return paragraphs
	}
	if origin := originOf(f); origin != "" {
		paragraphs = append(paragraphs, origin)
	}
	if f.Hint != "" {
		paragraphs = append(paragraphs, "What helps: "+cut(message.Plain(f.Hint), 1000))
	}
	switch f.Kind {
	case change.KindCandidate:
	case change.KindBase:
		paragraphs = append(paragraphs, "The target branch is at fault, not this change.")
	default:
		paragraphs = append(paragraphs, "This says nothing about the change.")
	}
	return paragraphs
}

func originOf(f *change.Failure) string {
	var parts []string
	if f.Changeset != "" {
		parts = append(parts, "changeset "+code(f.Changeset))
	}
	if f.Author != "" {
		parts = append(parts, "by "+code(f.Author))
	}
	if f.SQLState != "" {
		parts = append(parts, "SQLSTATE "+code(f.SQLState))
	}
	return strings.Join(parts, " ")
}

// facts are where to look and how to run again.
func (r *report) facts() (paragraphs []string) {
	var parts []string
	if a := r.evidence.applied; a != nil && a.Database != "" && r.verdict.Failure == nil {
		parts = append(parts, "database "+code(a.Database))
	} else if a != nil && a.Kept != "" {
		parts = append(parts, "left for inspection: "+code(a.Kept))
	}
	if r.marker.Base != "" {
		parts = append(parts, "base "+code(r.marker.Base[:min(10, len(r.marker.Base))]))
	}
	if seconds := r.evidence.seconds(); seconds > 0 {
		parts = append(parts, fmt.Sprintf("%.1f s", seconds))
	}
	if len(parts) > 0 {
		paragraphs = append(paragraphs, strings.Join(parts, ", "))
	}
	if r.buildURL != "" {
		paragraphs = append(paragraphs, "Build: "+cut(change.OneLine(r.buildURL), 1000))
	}
	return append(paragraphs, "To run again: "+cut(change.OneLine(r.cfg.RerunHint), 500))
}

// comments holds the inline comment at the failing changeset, if its place is
// known; on the whole file when the line is not.
func (r *report) comments() map[string][]gerrit.Comment {
	f := r.verdict.Failure
	if f == nil || f.Kind != change.KindCandidate || !r.evidence.touches(f.File) {
		return nil
	}
	r.result.Comment = f.Where()
	text := "Does not deploy: " + cut(message.Plain(f.Message), 4000)
	if origin := originOf(f); origin != "" {
		text += "\n\n" + origin
	}
	if f.Hint != "" {
		text += "\n\nWhat helps: " + cut(message.Plain(f.Hint), 1000)
	}
	return map[string][]gerrit.Comment{f.File: {{Line: f.Line, Text: text}}}
}
