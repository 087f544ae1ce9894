// Package api is the wire format of serve-versions: that of the platform's
// registry-regulation-management service, field by field and in its order.
// What patchbay adds stands behind the platform's own fields.
package api

// The states of a deployment.
const (
	Unknown = "UNKNOWN" // no verdict on the current patch set
	Success = "SUCCESS"
	Failed  = "FAILED"
)

// The constants of the one validation there is.
const (
	DeploymentStatus = "DEPLOYMENT_STATUS"
	DeploymentName   = "Стан розгортання регламенту"
)

// VersionInfo is one candidate of a list.
type VersionInfo struct {
	ID           string  `json:"id" doc:"The change's number." example:"42"`
	Name         string  `json:"name" doc:"The change's subject." example:"Calibrations of equipment"`
	Description  *string `json:"description" doc:"The change's topic." example:"calibration"`
	Author       string  `json:"author" example:"olena"`
	LatestUpdate *Time   `json:"latestUpdate"`
	Result       string  `json:"result" doc:"How its deployment stands: UNKNOWN (or the name that the server is set to), SUCCESS, FAILED." example:"SUCCESS"`
	PatchSet     int     `json:"patchSet" minimum:"1" doc:"The current patch set." example:"2"`
	Revision     string  `json:"revision" doc:"The current patch set's commit." example:"22f89833f5077a4f11363370d8ab15dedc19629e"`
	Database     *bool   `json:"database" doc:"Whether it has a database; null when the server could not be asked."`
}

// VersionInfoDetailed is one candidate.
type VersionInfoDetailed struct {
	ID           string       `json:"id" example:"42"`
	Name         *string      `json:"name" doc:"The change's subject." example:"Calibrations of equipment"`
	Description  *string      `json:"description" doc:"The commit message's body, else the topic." example:"Yearly, by another laboratory."`
	Author       *string      `json:"author" example:"olena"`
	CreationDate *Time        `json:"creationDate"`
	LatestUpdate *Time        `json:"latestUpdate"`
	LatestRebase *Time        `json:"latestRebase" doc:"When the newest patch set came whose parent changed."`
	HasConflicts *bool        `json:"hasConflicts" doc:"Cannot be merged as it is now; null when that is not known."`
	Inspections  Null         `json:"inspections"`
	Validations  []Validation `json:"validations" nullable:"false" doc:"Exactly one."`
	Status       *string      `json:"status" doc:"The change's: NEW, MERGED, ABANDONED." example:"NEW"`
	PatchSet     *int         `json:"patchSet" doc:"The current patch set." example:"2"`
	Revision     *string      `json:"revision" doc:"The current patch set's commit." example:"22f89833f5077a4f11363370d8ab15dedc19629e"`
	Database     *bool        `json:"database" doc:"Whether it has a database; null when the server could not be asked."`
}

// Validation is how a check of a candidate came out.
type Validation struct {
	Name          string           `json:"name" example:"Стан розгортання регламенту"`
	Type          string           `json:"type" enum:"DEPLOYMENT_STATUS"`
	Result        string           `json:"result" doc:"UNKNOWN (or the name that the server is set to), SUCCESS, FAILED." example:"FAILED"`
	ResultDetails *string          `json:"resultDetails" doc:"A link to the change." example:"https://review.example.org/c/registry/+/42"`
	Reason        Optional[Reason] `json:"reason"`
}

// Reason says why a deployment failed or is not known.
type Reason struct {
	Message string `json:"message" example:"relation \"registry.curier\" does not exist"`
	File    string `json:"file,omitempty" example:"data-model/courier.xml"`
	Line    int    `json:"line,omitempty" minimum:"1" example:"11"`
}

// MasterVersionInfoDetailed is the version that was merged last. All is null
// when none was.
type MasterVersionInfoDetailed struct {
	ID           *string          `json:"id" example:"41"`
	Name         *string          `json:"name" example:"Storage of samples"`
	Description  *string          `json:"description" doc:"The change's topic." example:"storage"`
	Author       *string          `json:"author" example:"olena"`
	LatestUpdate *Time            `json:"latestUpdate" doc:"When it was merged."`
	Published    Null             `json:"published"`
	Inspector    Null             `json:"inspector"`
	Validations  Null             `json:"validations"`
	Status       *string          `json:"status" doc:"UNKNOWN (or the name that the server is set to), SUCCESS, FAILED." example:"SUCCESS"`
	Reason       Optional[Reason] `json:"reason"`
}

// DetailedErrorResponse is every answer that is an error.
type DetailedErrorResponse struct {
	TraceID           string                      `json:"traceId" doc:"Also in the server's log." example:"4bf92f3577b34da6a3ce929d0e0e4736"`
	Code              string                      `json:"code" example:"CHANGE_NOT_FOUND"`
	Details           string                      `json:"details,omitempty" doc:"What is wrong; all faults of a request." example:"change 42 is not known"`
	MessageKey        string                      `json:"messageKey,omitempty" example:"file-validator.error.table-not-found"`
	MessageParameters Optional[map[string]string] `json:"messageParameters"`
}

// The codes of errors; those of the platform where it has one.
const (
	CodeBadRequest     = "Bad Request"
	CodeChangeNotFound = "CHANGE_NOT_FOUND"
	CodeTableNotFound  = "TABLE_NOT_FOUND_EXCEPTION"
	CodeNoDatabase     = "CANDIDATE_DATABASE_NOT_FOUND"
	CodeNoDifference   = "DIFFERENCE_NOT_RECORDED"
	CodeMasterDatabase = "REGISTRY_DATA_BASE_CONNECTION_ERROR"
	CodeCandidate      = "CANDIDATE_DATA_BASE_CONNECTION_ERROR"
	CodeGerrit         = "GERRIT_COMMUNICATION_EXCEPTION"
	CodeTooLarge       = "DATA_MODEL_TOO_LARGE"
	CodeRuntime        = "RUNTIME_ERROR"
	CodeNotFound       = "NOT_FOUND"
	CodeMethod         = "METHOD_NOT_ALLOWED"
	CodeUnauthorized   = "UNAUTHORIZED"
	CodeForbidden      = "FORBIDDEN_OPERATION"
	CodeBusy           = "SERVICE_BUSY"
	KeyTableNotFound   = "file-validator.error.table-not-found"
	HeaderRevision     = "X-Patchbay-Revision"
	HeaderPatchset     = "X-Patchbay-Patchset"
	HeaderDatabase     = "X-Patchbay-Database"
	DatabaseAbsent     = "absent"
	DatabasePresent    = "present"
)

// Difference is what a candidate changes: diff.json, and what it is compared
// with.
type Difference struct {
	FormatVersion int      `json:"formatVersion" example:"1"`
	Against       string   `json:"against" enum:"master,base"`
	Changes       []Change `json:"changes" nullable:"false"`
}

// Change is one object that came, went or became another.
type Change struct {
	Action  string   `json:"action" enum:"add,drop,change"`
	Object  string   `json:"object" doc:"table, column, primary key, foreign key, index, …" example:"column"`
	Name    string   `json:"name" example:"registry.laboratory.phone"`
	Table   string   `json:"table,omitempty" example:"registry.laboratory"`
	Before  string   `json:"before,omitempty" example:"character varying(50)"`
	After   string   `json:"after,omitempty" example:"character varying(20)"`
	Details []string `json:"details,omitempty" nullable:"false"`
	Hazard  string   `json:"hazard,omitempty" doc:"How it destroys or endangers data." example:"narrowed"`
}
