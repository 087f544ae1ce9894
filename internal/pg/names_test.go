package pg

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	hyphens     = Names{Prefix: "registry-dev-", Template: "registry-template"}
	underscores = Names{Prefix: "registry_dev_", Template: "registry_template"}
)

func TestParse(t *testing.T) {
	t.Parallel()
	const digest = "0123456789abcdef"
	tests := []struct {
		names    Names
		database string
		want     Name
	}{
		{hyphens, "registry-template", Name{Kind: Template}},
		{hyphens, "registry-dev-7", Name{Kind: Candidate, Change: 7}},
		{hyphens, "registry-dev-0", Name{Kind: Candidate}},
		{hyphens, "registry-dev-9999999999", Name{Kind: Candidate, Change: 9999999999}},
		{hyphens, "registry-dev-7-2-6565aabb", Name{Kind: Attempt, Change: 7, PatchSet: 2, Stamp: 0x6565aabb}},
		{hyphens, "registry-dev-base-" + digest, Name{Kind: Base, Digest: digest}},
		{hyphens, "registry-dev-base-" + digest + "-6565aabb", Name{Kind: BaseAttempt, Digest: digest, Stamp: 0x6565aabb}},
		{hyphens, "registry-dev-base-" + digest + "-spare", Name{Kind: Spare, Digest: digest}},
		{underscores, "registry_template", Name{Kind: Template}},
		{underscores, "registry_dev_7_2_6565aabb", Name{Kind: Attempt, Change: 7, PatchSet: 2, Stamp: 0x6565aabb}},
		{underscores, "registry_dev_base_" + digest, Name{Kind: Base, Digest: digest}},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, test.names.Parse(test.database)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.database, diff)
		}
	}
}

func TestParseForeign(t *testing.T) {
	t.Parallel()
	for _, database := range []string{
		"", "postgres", "template1", "registry", "registry-dev", "registry-dev-", "registry-developers",
		"registry_dev_1", "other-registry-dev-1", "registryxdevx1", "Registry-dev-1", "registry-dev-1 ", " registry-dev-1",
		"registry-dev-01", "registry-dev--1", "registry-dev-+1", "registry-dev-1-", "registry-dev-10000000000",
		"registry-dev-1_2_6565aabb", "registry-dev-1-2", "registry-dev-1-0-6565aabb", "registry-dev-1-02-6565aabb",
		"registry-dev-1-2-6565aab", "registry-dev-1-2-6565AABB", "registry-dev-1-2-06565aabb", "registry-dev-1-2-6565aabb-3",
		"registry-dev-base", "registry-dev-base-", "registry-dev-base-0123456789abcde", "registry-dev-base-0123456789ABCDEF",
		"registry-dev-base-0123456789abcdef0", "registry-dev-base-0123456789abcdef-1", "registry-dev-base-0123456789abcdef-spares", "registry-dev-base-spare", "registry-dev-7-spare", "registry-dev-1-login",
		"registry-dev-٣", "registry-dev-1\n", "registry-dev-1\x00", "registry-template-1", "registry-dev-0x10", "registry-dev-1_000",
	} {
		if got := hyphens.Parse(database); got != (Name{}) {
			t.Errorf("%q is %v %+v, want foreign", database, got.Kind, got)
		}
	}
	if got := (Names{}).Parse("7"); got.Kind != Foreign {
		t.Errorf("without a prefix 7 is %v", got.Kind)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("p", 26) + "-"
	tests := []struct {
		names Names
		want  int
	}{
		{hyphens, 0},
		{underscores, 0},
		{Names{Prefix: longest, Template: "registry-template"}, 0},
		{Names{Prefix: "p" + longest, Template: "registry-template"}, 1},
		{Names{Prefix: "", Template: ""}, 2},
		{Names{Prefix: "registry-dev", Template: "registry-template"}, 1},
		{Names{Prefix: "Registry-", Template: "registry-template"}, 1},
		{Names{Prefix: "реєстр-", Template: "registry-template"}, 1},
		{Names{Prefix: "registry-dev-", Template: "registry-dev-7"}, 1},
		{Names{Prefix: "registry-dev-", Template: "registry-dev-base-0123456789abcdef"}, 1},
		{Names{Prefix: "registry-dev-", Template: "template1"}, 1},
		{Names{Prefix: "registry-dev-", Template: strings.Repeat("т", 32)}, 1},
		{Names{Prefix: "registry-dev-", Template: strings.Repeat("т", 31)}, 0},
	}
	for _, test := range tests {
		if got := test.names.Faults(); len(got) != test.want {
			t.Errorf("%+v: faults %v, want %d", test.names, got, test.want)
		}
	}
}

// TestEveryNameIsReadBack: whatever the grammar writes it reads, in at most
// 63 bytes, the role's name included, for the longest prefix too.
func TestEveryNameIsReadBack(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for _, names := range []Names{hyphens, underscores, {Prefix: strings.Repeat("p", 26) + "_", Template: "t"}} {
		for range 2000 {
			for database, want := range written(names, random) {
				if got := names.Parse(database); got != want {
					t.Fatalf("%s: %+v, want %+v", database, got, want)
				}
				login := names.Login(database)
				if len(login) > maxName {
					t.Fatalf("%s has %d bytes", login, len(login))
				}
				if of, ok := names.LoginOf(login); !ok || of != database {
					t.Fatalf("login %s is of %q, %t", login, of, ok)
				}
			}
		}
	}
}

func written(n Names, random *rand.Rand) map[string]Name {
	change, patchSet := random.IntN(10_000_000_000), 1+random.IntN(9_999_999_999)
	stamp, digest := random.Uint32(), fmt.Sprintf("%016x", random.Uint64())
	return map[string]Name{
		n.Candidate(change):                {Kind: Candidate, Change: change},
		n.Attempt(change, patchSet, stamp): {Kind: Attempt, Change: change, PatchSet: patchSet, Stamp: stamp},
		n.Base(digest):                     {Kind: Base, Digest: digest},
		n.BaseAttempt(digest, stamp):       {Kind: BaseAttempt, Digest: digest, Stamp: stamp},
		n.Spare(digest):                    {Kind: Spare, Digest: digest},
	}
}

func TestLoginOf(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"", "login", "-login", "registry-dev-login", "registry_dev_7_login", "registry-dev-7", "postgres-login", "registry-template-login"} {
		if database, ok := hyphens.LoginOf(role); ok {
			t.Errorf("%q is the login of %q", role, database)
		}
	}
}

func TestLockOf(t *testing.T) {
	t.Parallel()
	for database, want := range map[string]string{
		"registry-dev-7": "registry-dev-7", "registry-dev-7-2-6565aabb": "registry-dev-7", "registry-dev-0": "registry-dev-0",
		"registry-dev-base-0123456789abcdef":             "registry-dev-base-0123456789abcdef",
		"registry-dev-base-0123456789abcdef-spare":       "registry-dev-base-0123456789abcdef",
		"registry-dev-base-0123456789abcdef-6565aabb":    "registry-dev-base-0123456789abcdef",
		hyphens.BaseAttempt(hyphens.TemplateDigest(), 7): "registry-template", "registry-template": "registry-template",
		"registry-developers": "",
	} {
		if got := hyphens.LockOf(hyphens.Parse(database)); got != want {
			t.Errorf("%s is protected by the lock of %q, want %q", database, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"registry-dev-7", "registry-dev-7-2-6565aabb", "registry-dev-base-0123456789abcdef-6565aabb", "registry-template", "registry-dev-01"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, database string) {
		name := hyphens.Parse(database)
		switch name.Kind {
		case Foreign:
			if name != (Name{}) {
				t.Errorf("%q: a foreign name has parts: %+v", database, name)
			}
		case Template:
			if database != hyphens.Template {
				t.Errorf("%q is the template", database)
			}
		default:
			if hyphens.write(name) != database || len(database) > maxName {
				t.Errorf("%q is read as %+v, which is %q", database, name, hyphens.write(name))
			}
		}
	})
}

func TestQuote(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		`registry-dev-7`: {`"registry-dev-7"`, `'registry-dev-7'`},
		`a"b'c`:          {`"a""b'c"`, `'a"b''c'`},
		`back\slash`:     {`"back\slash"`, ` E'back\\slash'`},
		"nul\x00byte":    {`"nulbyte"`, `'nulbyte'`},
		`реєстр`:         {`"реєстр"`, `'реєстр'`},
	} {
		if got := [2]string{Ident(text), Literal(text)}; got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestScramVerifier: the example of RFC 7677, section 3.
func TestScramVerifier(t *testing.T) {
	t.Parallel()
	salt := []byte{0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81}
	got, err := scramVerifierWith("pencil", salt)
	const want = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
	if err != nil || got != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}
