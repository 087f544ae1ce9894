package candidate

import (
	"encoding/json"
	"fmt"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// The states of a database of ours, as its comment names them.
const (
	StateBase      = "base"      // complete base database
	StateCreated   = "created"   // an attempt, cloned, nothing applied
	StateApplying  = "applying"  // an attempt that an engine has begun to work on
	StateFailed    = "failed"    // an attempt kept for inspection
	StatePublished = "published" // a candidate database
	StateTemplate  = "template"  // a template that prepare-template made
)

// Provenance is what COMMENT ON DATABASE says of a database of ours, as JSON.
// It saves work and protects: it is never the reason for a drop.
type Provenance struct {
	FormatVersion int    `json:"formatVersion"`
	State         string `json:"state"`
	Gerrit        string `json:"gerrit,omitempty"` // URL; empty for a local try
	change.PatchSet
	Branch      string `json:"branch,omitempty"` // target branch, without refs/heads/
	Base        string `json:"base,omitempty"`
	Attempt     string `json:"attempt,omitempty"`
	BaseDigest  string `json:"baseDigest,omitempty"`
	InputDigest string `json:"inputDigest,omitempty"`
	Engine      string `json:"engine,omitempty"`
	Version     string `json:"version,omitempty"`
	Difference  string `json:"difference,omitempty"` // schema.Encode; absent when too large
	Structure   string `json:"structure,omitempty"`  // of a base database: schema.Encode; absent when too large
	ReadBy      string `json:"readBy,omitempty"`     // whose reading Structure is: another's may differ
}

// Comment is the provenance as the text of a comment.
func (p Provenance) Comment() (string, error) {
	p.FormatVersion = change.FormatVersion
	text, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("encode the provenance: %w", err)
	}
	return string(text), nil
}

// ParseProvenance reads a comment; nil when there is none that we can read.
func ParseProvenance(comment string) *Provenance {
	var p Provenance
	if json.Unmarshal([]byte(comment), &p) != nil || p.FormatVersion != change.FormatVersion {
		return nil
	}
	return &p
}

// Foreign says that a database belongs to another Gerrit or project.
func (p *Provenance) Foreign(gerrit, project string) bool {
	return p.Gerrit != gerrit || p.Project != project
}
