package schema

import "testing"

func TestTypeChange(t *testing.T) {
	t.Parallel()
	cases := []struct{ before, after, want string }{
		{"integer", "integer", ""},
		{"integer", "bigint", ""},
		{"bigint", "integer", "narrowed"},
		{"integer", "numeric", ""},
		{"integer", "numeric(10,0)", ""},
		{"integer", "numeric(10,2)", "narrowed"},
		{"integer", "real", "narrowed"},
		{"integer", "double precision", ""},
		{"bigint", "double precision", "narrowed"},
		{"numeric(10,2)", "numeric(12,2)", ""},
		{"numeric(10,2)", "numeric(12,4)", ""},
		{"numeric(10,2)", "numeric(10,4)", "narrowed"},
		{"numeric(10,2)", "numeric(10,1)", "narrowed"},
		{"numeric(10,-2)", "numeric(10,0)", "narrowed"},
		{"numeric", "numeric(10,2)", "narrowed"},
		{"numeric(10,2)", "numeric", ""},
		{"numeric(10,0)", "bigint", "narrowed"},
		{"character varying(100)", "character varying(50)", "narrowed"},
		{"character varying(50)", "character varying(100)", ""},
		{"character varying(50)", "character varying", ""},
		{"character varying(50)", "text", ""},
		{"text", "character varying(50)", "narrowed"},
		{"text", "character varying", ""},
		{"character(5)", "character varying(5)", ""},
		{"character(5)", "character varying(4)", "narrowed"},
		{"character varying(5)", "character(5)", "narrowed"},
		{"character(5)", "character(6)", ""},
		{"bit(3)", "bit(4)", "narrowed"},
		{"bit(3)", "bit varying(3)", ""},
		{"bit varying(5)", "bit varying", ""},
		{"timestamp with time zone", "date", "narrowed"},
		{"timestamp with time zone", "timestamp without time zone", "narrowed"},
		{"timestamp without time zone", "timestamp with time zone", ""},
		{"timestamp without time zone", "timestamp(3) without time zone", "narrowed"},
		{"timestamp(3) without time zone", "timestamp with time zone", ""},
		{"timestamp with time zone", "timestamp(0) with time zone", "narrowed"},
		{"date", "timestamp(0) with time zone", ""},
		{"time without time zone", "interval", ""},
		{"interval", "interval(0)", "narrowed"},
		{"interval", "interval year to month", hazardConvert},
		{"integer[]", "bigint[]", ""},
		{"bigint[]", "integer[]", "narrowed"},
		{"integer[]", "integer", hazardConvert},
		{"integer[]", "text", ""},
		{"text", "text[]", hazardConvert},
		{"text", "integer", hazardConvert},
		{"text", "uuid", hazardConvert},
		{"boolean", "integer", hazardConvert},
		{"registry.status", "registry.kind", hazardConvert},
		{"registry.status", "text", ""},
		{"jsonb", "json", ""},
		{"cidr", "inet", ""},
		{"inet", "cidr", "narrowed"},
		{`registry."odd(1)"`, `registry."odd(2)"`, hazardConvert},
		{"numeric(99999999999999999999,1)", "numeric(5,1)", "narrowed"},
	}
	for _, c := range cases {
		if got := typeChange(c.before, c.after); got != c.want {
			t.Errorf("%s → %s: got %q, want %q", c.before, c.after, got, c.want)
		}
	}
}

func TestQualified(t *testing.T) {
	t.Parallel()
	for want, names := range map[string][]string{
		`registry.laboratory.name`: {"registry", "laboratory", "name"},
		`registry."a.b"`:           {"registry", "a.b"},
		`"a"".""b".c`:              {`a"."b`, "c"},
		`"Upper"."рік".""`:         {"Upper", "рік", ""},
	} {
		if got := qualified(names...); got != want {
			t.Errorf("%q: got %s, want %s", names, got, want)
		}
	}
}
