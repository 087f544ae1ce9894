package change

// CleanupRegistry is cleanup-registry.json.
type CleanupRegistry struct {
	Header
	Prefix   string   `json:"prefix"`
	Template string   `json:"template"`
	DryRun   bool     `json:"dryRun,omitempty"`
	Planned  []string `json:"planned"` // databases and roles that were there at first, in the order of their drops
	Dropped  []string `json:"dropped"` // databases and roles that are gone, in that order
	Left     []Left   `json:"left"`    // what is still there
}

// Left is a database or role that a step could not drop.
type Left struct {
	Name string `json:"name"`
	Why  string `json:"why"`
	Hint string `json:"hint,omitempty"`
}
