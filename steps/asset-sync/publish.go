package main

import (
	"fmt"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/step"
)

// publish writes the result and says on stdout what a person or a machine
// asked for.
func publish(s *step.Session, format string, result *change.AssetSync, summary string) error {
	switch format {
	case "json":
		return s.Write(result)
	case "markdown":
		text := renderMarkdown(result, summary)
		if err := s.CI.Summary(text); err != nil {
			return err
		}
		return s.Publish(result, text)
	}
	return s.Publish(result, render(result, summary))
}

var signs = map[string]string{"create": "+", "update": "~", "delete": "-", "conflict": "!", "broken": "!", "extra": " ", "repair": "~", "restore": "~"}

// render is the result for a terminal.
func render(result *change.AssetSync, summary string) string {
	var b strings.Builder
	fmt.Fprintln(&b, summary)
	for _, a := range result.Assets {
		if a.Action == "extra" {
			continue // counted in the summary
		}
		fmt.Fprintf(&b, "  %s %s %q", signs[a.Action], a.Kind, change.OneLine(a.Title))
		if a.Done != "" && a.Done != "done" {
			fmt.Fprintf(&b, " %s", strings.ToUpper(a.Done))
		}
		if a.Reason != "" {
			fmt.Fprintf(&b, ": %s", change.OneLine(a.Reason))
		}
		b.WriteByte('\n')
		for _, what := range a.What {
			fmt.Fprintf(&b, "      %s\n", change.OneLine(what))
		}
		if a.Done == "done" && a.URL != "" {
			fmt.Fprintf(&b, "      %s\n", a.URL)
		}
	}
	for _, note := range result.Notes {
		fmt.Fprintf(&b, "  note: %s\n", change.OneLine(note))
	}
	if result.Snapshot != "" {
		fmt.Fprintf(&b, "  undo: asset-sync rollback --to %s %s\n", result.To, result.Snapshot)
	}
	return b.String()
}

// renderMarkdown is the result for a pull request or the page of a run.
func renderMarkdown(result *change.AssetSync, summary string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**\n", markdown(summary))
	if len(result.Assets) > 0 {
		b.WriteString("\n| | asset | what |\n|---|---|---|\n")
	}
	for _, a := range result.Assets {
		if a.Action == "extra" {
			continue
		}
		title := markdown(a.Title)
		if a.URL != "" {
			title = fmt.Sprintf("[%s](%s)", title, a.URL)
		}
		what := a.What
		if a.Reason != "" {
			what = append([]string{a.Reason}, what...)
		}
		for i := range what {
			what[i] = markdown(what[i])
		}
		fmt.Fprintf(&b, "| %s %s | %s %s | %s |\n", a.Action, a.Done, a.Kind, title, strings.Join(what, "<br>"))
	}
	for _, note := range result.Notes {
		fmt.Fprintf(&b, "\n> %s\n", markdown(note))
	}
	return b.String()
}

var neutral = strings.NewReplacer("|", "\\|", "<", "&lt;", ">", "&gt;", "[", "\\[", "]", "\\]", "*", "\\*", "_", "\\_", "`", "\\`")

// markdown takes the meaning from text that is not ours.
func markdown(text string) string { return neutral.Replace(change.OneLine(text)) }
