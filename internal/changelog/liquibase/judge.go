package liquibase

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/changelog/blame"
)

// verdict is what a pattern in a report means.
type verdict struct {
	pattern *regexp.Regexp
	kind    change.Kind
	hint    string
}

// verdicts are asked in this order; the first that fits decides. They come
// before an SQLSTATE, which a refused login has too.
var verdicts = []verdict{
	{regexp.MustCompile(`^Connection could not be created to `), change.KindInfrastructure, ""},
	{
		regexp.MustCompile(`NoClassDefFoundError|ExceptionInInitializerError|UnsatisfiedLinkError|java\.lang\.(?:NoSuchMethod|NoSuchField|AbstractMethod|IncompatibleClassChange|Verify)Error|^(?:\w+/)+[A-Z][\w$]*$`),
		change.KindConfiguration, "a jar is missing or does not fit: check LIQUIBASE_HOME and PATCHBAY_CLASSPATH",
	},
	{regexp.MustCompile(`java\.lang\.OutOfMemoryError|Java heap space|GC overhead limit|Ran out of memory retrieving query results`), change.KindLimit, "the run needs more than the 512 MiB that it is given"},
	{regexp.MustCompile(`Could not acquire change log lock|LockException`), change.KindInfrastructure, "the lock row says that another Liquibase run is under way"},
	{
		regexp.MustCompile(`does not allow remote lookups|Failed to read schema document`), change.KindConfiguration,
		"the changelog names an XML schema on another host: keep a copy as HOST/PATH below the folder PATCHBAY_XSD_DIR",
	},
}

// outages are what the driver says without an SQLSTATE of the server when the
// server or the way to it is in trouble, and Java when this machine is.
var outages = regexp.MustCompile(`I/O error occurred|[Cc]onnection (?:attempt failed|refused|reset|timed out|has been closed|to \S+ refused)|Broken pipe|UnknownHostException|SocketTimeoutException|No space left on device|Too many open files|Read-only file system|Disk quota exceeded`)

// ownFaults are the reports of a changelog that cannot be read or validated.
var ownFaults = regexp.MustCompile(`^(?:Validation Failed|Error parsing |Error Reading |Syntax error in |Unexpected formatting |Unable to parse |Could not (?:find|read) |Unknown (?:change|database change)|Duplicate formatted SQL header|The file \S+ was not found|Cannot find (?:changelog|resource)|[\w./ -]+ does not exist$)|[Uu]nknown change type|StackOverflowError|^File '.*' not found|^Invalid byte \d+ of `)

// missingClass is a class that a changelog names: 4.22 says nothing but its name.
var missingClass = regexp.MustCompile(`^java\.lang\.ClassNotFoundException|^(?:[a-z]\w*\.)+[A-Z][\w$]*$`)

// MissingClass is the class that Java could not find by the name that a
// changelog may have given it; "" when the failure is about something else.
func MissingClass(f *change.Failure) string {
	if f.Kind != change.KindCandidate || f.SQLState != "" || !missingClass.MatchString(f.Message) {
		return ""
	}
	return f.Message[strings.LastIndex(f.Message, " ")+1:]
}

// ownClasses are exceptions that only a changelog causes.
var ownClasses = map[string]bool{
	"ChangeLogParseException": true, "ValidationFailedException": true, "SAXParseException": true, "ParserException": true,
	"ScannerException": true, "ParsedNodeException": true, "MalformedByteSequenceException": true, "PreconditionFailedException": true,
	"UnknownChangelogFormatException": true, "ConstructorException": true, "DuplicateKeyException": true,
	"ChangeNotFoundException": true, "ClassNotFoundException": true, "FileNotFoundException": true,
}

// judge decides whose fault a report is. Without a reason to blame the
// changelog the kind stays what it is.
func judge(f *change.Failure, class, report string) {
	for _, v := range verdicts {
		if v.pattern.MatchString(report) {
			f.Kind, f.Hint = v.kind, v.hint
			return
		}
	}
	switch {
	case f.SQLState != "":
		f.Kind, f.Hint = blame.OfServer(f.SQLState, f.Message)
	case outages.MatchString(report):
		f.Kind = change.KindInfrastructure
	case ownFaults.MatchString(report), missingClass.MatchString(report), ownClasses[class]:
		f.Kind = change.KindCandidate
	}
	f.Hint = advice(f, class, report)
}

// advice is the remedy for what people meet most.
func advice(f *change.Failure, class, report string) string {
	switch {
	case strings.Contains(report, "check sum"):
		return "a changeset that ran before stays as it is: undo the edit and add a new changeset"
	case class == "ClassNotFoundException", missingClass.MatchString(report):
		return "the changelog names a Java class: its jar belongs into PATCHBAY_CLASSPATH"
	}
	return f.Hint
}

// misfits are what Java and Liquibase say when they do not fit each other or
// the arguments; no changelog was looked at.
var misfits = regexp.MustCompile(`UnsupportedClassVersionError|Could not find or load main class|Unrecognized (?:VM )?option|Unexpected argument|NoClassDefFoundError|Error parsing command line`)

// noReport is a run that ended before Liquibase could say anything.
func noReport(text string) *change.Failure {
	said := cmp.Or(firstSaying(text), "nothing")
	if misfits.MatchString(text) {
		return change.Failf(change.KindConfiguration, "Liquibase does not run: %s", said).
			WithHint("check that LIQUIBASE_HOME is complete and that JAVA_HOME is a Java that it supports")
	}
	return change.Failf(change.KindInfrastructure, "Liquibase ended with an error and said: %s", said)
}

var greeting = regexp.MustCompile(`^(?:Starting Liquibase|Liquibase Version|WARNING: |Running Changeset)`)

func firstSaying(text string) string {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !greeting.MatchString(line) {
			return cut(line)
		}
	}
	return ""
}
