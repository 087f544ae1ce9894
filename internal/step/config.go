package step

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"
)

// faulty is a config, or a group in one, that checks itself.
type faulty interface{ Faults() []error }

// waiver is a config that may be asked for something that needs none of the
// usual inputs, as apply-changelog --warm-cache needs no patch set.
type waiver interface{ WaivesFaults() bool }

// parse fills the config: flag, else variable, else default. An empty variable
// means "not given", because CI systems set what they do not know to "". All
// faults are given together. done: help or version was asked for and shown.
func parse(p Program, cfg commoner, args []string, getenv func(string) string, stdout io.Writer) (done bool, faults []error, secrets []string) {
	parser, err := newParser(p, cfg, stdout)
	if err != nil {
		return false, []error{err}, nil
	}
	inputs := takeVariables(parser, getenv)
	if wants(args, "-h", "--help") {
		return true, help(p, parser, inputs, stdout), nil
	}
	if wants(args, "--version") {
		fmt.Fprintln(stdout, p.Name, Version())
		return true, nil, nil
	}
	faults = append(inputs.fromVariables(args), refuseSecrets(inputs, args)...)
	faults = append(faults, parseAll(parser, append(inputs.args, args...))...)
	secrets, secretFaults := inputs.setSecrets(getenv)
	faults = append(faults, secretFaults...)
	if w, ok := cfg.(waiver); len(faults) == 0 && (!ok || !w.WaivesFaults()) {
		faults = faultsOf(reflect.ValueOf(cfg))
	}
	return false, faults, secrets
}

func wants(args []string, flags ...string) bool {
	for _, arg := range args {
		for _, flag := range flags {
			if arg == flag {
				return true
			}
		}
	}
	return false
}

func newParser(p Program, cfg any, stdout io.Writer) (*kong.Kong, error) {
	return kong.New(cfg,
		kong.Name(p.Name), kong.Writers(stdout, stdout), kong.Exit(func(int) {}))
}

// parseAll parses the command line; when a part of it is refused it is noted
// and left out, so that the next can be looked at too and the good ones count:
// where faults are told, and in which run directory, is given by them.
func parseAll(parser *kong.Kong, args []string) (faults []error) {
	for {
		_, err := parser.Parse(args)
		if err == nil {
			return faults
		}
		faults = append(faults, err)
		rest := without(args, err.Error())
		if len(rest) == len(args) {
			return faults
		}
		args = rest
	}
}

// without drops what a parse error names: a flag with its value, or what is
// not known.
func without(args []string, message string) []string {
	for _, unknown := range []string{"unknown flag ", "unexpected argument "} {
		if named, ok := strings.CutPrefix(message, unknown); ok {
			return withoutUnknown(args, named)
		}
	}
	flag, _, _ := strings.Cut(message, " ")
	flag = strings.TrimSuffix(flag, ":")
	for i, arg := range args {
		switch {
		case strings.HasPrefix(arg, flag+"="):
			return append(args[:i:i], args[i+1:]...)
		case arg == flag:
			return append(args[:i:i], args[min(i+2, len(args)):]...)
		}
	}
	return args
}

// withoutUnknown: the value of a flag that is not known is seen as the next
// argument that is not known.
func withoutUnknown(args []string, named string) []string {
	for i, arg := range args {
		name, _, _ := strings.Cut(arg, "=")
		if named == arg || strings.HasPrefix(named, arg+",") || strings.HasPrefix(arg, "-") && (named == name || strings.HasPrefix(named, name+",")) {
			return append(args[:i:i], args[i+1:]...)
		}
	}
	return args
}

// variables are the flags of a parser and the variables that stand for them.
type variables struct {
	flags   []*kong.Flag
	names   map[*kong.Flag]string
	secrets []*kong.Flag
	args    []string
	getenv  func(string) string
}

// takeVariables takes the reading of the environment away from kong, which
// takes an empty variable for a value.
func takeVariables(parser *kong.Kong, getenv func(string) string) *variables {
	v := &variables{names: map[*kong.Flag]string{}, getenv: getenv}
	for _, group := range parser.Model.AllFlags(false) {
		for _, flag := range group {
			if len(flag.Tag.Envs) > 0 {
				v.names[flag] = flag.Tag.Envs[0]
			}
			if flag.Tag.Envs = nil; v.names[flag] != "" {
				flag.Help += " ($" + v.names[flag] + ")"
			}
			if flag.Target.Type() == reflect.TypeFor[Secret]() {
				flag.Hidden = true
				v.secrets = append(v.secrets, flag)
				continue
			}
			v.flags = append(v.flags, flag)
		}
	}
	return v
}

// fromVariables turns variables into flags that stand before the given ones.
// A list given by flag replaces the variable's instead of adding to it.
func (v *variables) fromVariables(args []string) (faults []error) {
	for _, flag := range v.flags {
		value := v.getenv(v.names[flag])
		if v.names[flag] == "" || value == "" || given(args, flag) {
			continue
		}
		scratch := reflect.New(flag.Target.Type()).Elem()
		token := kong.Token{Type: kong.FlagValueToken, Value: value}
		if err := flag.Parse(kong.ScanFromTokens(token), scratch); err != nil {
			faults = append(faults, fmt.Errorf("%s (--%s): %w", v.names[flag], flag.Name, err))
			continue
		}
		if fault := enumFault(flag, v.names[flag], value); fault != nil {
			faults = append(faults, fault)
			continue
		}
		v.args = append(v.args, "--"+flag.Name+"="+value)
	}
	return faults
}

func enumFault(flag *kong.Flag, name, value string) error {
	if flag.Enum == "" || flag.EnumMap()[value] {
		return nil
	}
	return fmt.Errorf("%s (--%s): want one of %s, not %q", name, flag.Name, flag.Enum, value)
}

func given(args []string, flag *kong.Flag) bool {
	for _, arg := range args {
		if arg == "--"+flag.Name || strings.HasPrefix(arg, "--"+flag.Name+"=") {
			return true
		}
	}
	return false
}

// refuseSecrets: every process of the machine can read a command line.
func refuseSecrets(v *variables, args []string) (faults []error) {
	for _, flag := range v.secrets {
		if given(args, flag) {
			faults = append(faults, fmt.Errorf("--%s: a secret is not taken from the command line, where every process sees it; set %s or %s_FILE",
				flag.Name, v.names[flag], v.names[flag]))
		}
	}
	return faults
}

// setSecrets takes each secret from its variable or from the file its _FILE
// twin names, and gives them all, for masking.
func (v *variables) setSecrets(getenv func(string) string) (secrets []string, faults []error) {
	for _, flag := range v.secrets {
		value, err := secret(v.names[flag], getenv)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		flag.Target.SetString(value)
		secrets = append(secrets, parts(value)...)
	}
	return append(secrets, nonEmpty(getenv("PGPASSWORD"))...), faults // which the driver takes by itself
}

func secret(name string, getenv func(string) string) (string, error) {
	value, path := getenv(name), getenv(name+"_FILE")
	if path == "" {
		return value, nil
	}
	if value != "" {
		return "", fmt.Errorf("%s and %s_FILE are both given: give one", name, name)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s_FILE: %w", name, err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

// parts is what to hide of a secret: all of it, or of a URL or a libpq
// connection string the password.
func parts(value string) []string {
	if u, err := url.Parse(value); err == nil && u.Host != "" {
		password, _ := u.User.Password()
		return nonEmpty(password, u.Query().Get("password"))
	}
	if found := keywordPassword.FindStringSubmatch(value); found != nil {
		return nonEmpty(unescape.Replace(found[1]), found[2])
	}
	return nonEmpty(value)
}

// keywordPassword finds the password in libpq's keyword=value form, see
// https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE.
var keywordPassword = regexp.MustCompile(`(?:^|\s)password\s*=\s*(?:'((?:[^'\\]|\\.)*)'|([^\s']\S*))`)

var unescape = strings.NewReplacer(`\'`, `'`, `\\`, `\`)

func nonEmpty(texts ...string) (all []string) {
	for _, text := range texts {
		if text != "" {
			all = append(all, text)
		}
	}
	return all
}

// faultsOf asks the config and every group in it. A config that embeds one
// group has that group's Faults too, so equal texts count once.
func faultsOf(v reflect.Value) (faults []error) {
	seen := map[string]bool{}
	for _, fault := range allFaults(reflect.Indirect(v)) {
		if !seen[fault.Error()] {
			seen[fault.Error()] = true
			faults = append(faults, fault)
		}
	}
	return faults
}

func allFaults(v reflect.Value) (faults []error) {
	for i := range v.NumField() {
		if v.Type().Field(i).IsExported() && v.Field(i).Kind() == reflect.Struct {
			faults = append(faults, allFaults(v.Field(i))...)
		}
	}
	if checked, ok := v.Addr().Interface().(faulty); ok {
		faults = append(faults, checked.Faults()...)
	}
	return faults
}
