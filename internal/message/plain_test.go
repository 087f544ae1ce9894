package message

import "testing"

func TestPlain(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"relation \"staff_member\" does not exist": "relation \"staff_member\" does not exist",
		"таблиця_Ї не існує":                       "таблиця_Ї не існує",
		"__init__ and _x_":                         `\_\_init\_\_ and \_x\_`,
		"[a](http://x) **b** `c` <i> a|b ~~s~~ #1": "\\[a\\](http://x) \\*\\*b\\*\\* \\`c\\` \\<i\\> a\\|b \\~\\~s\\~\\~ \\#1",
		"two\nlines\x1b[0m":                        `two\\nlines\\u001b\[0m`,
		"&lt;":                                     `\&lt;`,
	} {
		if got := Plain(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
