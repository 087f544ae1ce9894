package change

// Reconcile is reconcile.json. Of a dry run it says what would be done.
type Reconcile struct {
	Header
	DryRun    bool         `json:"dryRun,omitempty"`
	Counts    Databases    `json:"counts"`    // what stood there at first
	Dropped   []Reconciled `json:"dropped"`   // in the order of their drops
	Refused   []Reconciled `json:"refused"`   // too many rest on a 404: want --yes
	Undecided []Reconciled `json:"undecided"` // a person has to look
	Left      []Reconciled `json:"left"`      // could not be dropped
	Locked    []Reconciled `json:"locked"`    // another run works on it: the next reconcile looks again
	Spared    []Reconciled `json:"spared"`    // turned out to be living right before their drop
	Waiting   []Reconciled `json:"waiting"`   // a 404 that is not old enough
	Foreign   []Reconciled `json:"foreign"`   // names like ours that are somebody else's
	Missing   []Missing    `json:"missing"`   // open changes without a database
	Outdated  []Missing    `json:"outdated"`  // open changes whose database is not of the current patch set
}

// Databases counts databases of ours.
type Databases struct {
	Candidates int   `json:"candidates"`
	Attempts   int   `json:"attempts"` // of base databases too
	Bases      int   `json:"bases"`
	Spares     int   `json:"spares"`  // of base databases
	Tries      int   `json:"tries"`   // of change 0
	Foreign    int   `json:"foreign"` // not ours in spite of their names
	Logins     int   `json:"logins"`  // throw-away roles
	Bytes      int64 `json:"bytes"`   // on disk, without the foreign ones
}

// Reconciled is a database or throw-away role and what is said of it.
type Reconciled struct {
	Name   string `json:"name"`
	What   string `json:"what"` // "candidate", "attempt", "base database", "base attempt", "login"
	Change int    `json:"change,omitempty"`
	Proof  string `json:"proof,omitempty"` // what a drop rests on: closed, 404, age, invalid, unneeded, stray
	Reason string `json:"reason"`
	Bytes  int64  `json:"bytes,omitempty"`
}

// Missing is an open change whose current patch set has no database.
type Missing struct {
	Change   int    `json:"change"`
	PatchSet int    `json:"patchSet"` // the current one
	Revision string `json:"revision"`
	Branch   string `json:"branch"`
	Subject  string `json:"subject"`
	Has      int    `json:"has,omitempty"`      // patch set that the database is of; 0: none, or not known
	Rejected bool   `json:"rejected,omitempty"` // the label stands at its lowest value: it does not deploy
	UnderWay bool   `json:"underWay,omitempty"` // an attempt of that patch set is there
}
