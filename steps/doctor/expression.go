package main

import (
	"errors"
	"strings"
)

// An expression of Gerrit's query language, as submit requirements and copy
// conditions are. See
// https://gerrit-review.googlesource.com/Documentation/user-search.html.

// may says whether an expression can be true and can be false, so far as its
// atoms are known. It never rules out what can be.
type may struct{ hold, fail bool }

var (
	either = may{true, true}
	always = may{hold: true}
	never  = may{fail: true}
)

var errExpression = errors.New("the expression cannot be read")

// evaluate asks for each atom ("label:Verified=MAX") what it may be.
func evaluate(expression string, atom func(string) may) (may, error) {
	p := &reader{tokens: tokens(expression), atom: atom}
	value, err := p.or()
	if err == nil && len(p.tokens) > 0 {
		err = errExpression
	}
	return value, err
}

// tokens splits at blanks and parentheses, but not inside quotes or braces.
func tokens(text string) (all []string) {
	word, quote := "", rune(0)
	end := func() {
		if word != "" {
			all = append(all, word)
		}
		word = ""
	}
	for _, r := range text {
		switch {
		case quote != 0:
			word += string(r)
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '{':
			quote = map[rune]rune{'"': '"', '{': '}'}[r]
			word += string(r)
		case r == '(' || r == ')':
			end()
			all = append(all, string(r))
		case r == '-' && word == "":
			all = append(all, "NOT")
		case strings.ContainsRune(" \t\r\n", r):
			end()
		default:
			word += string(r)
		}
	}
	end()
	return all
}

type reader struct {
	tokens []string
	atom   func(string) may
}

func (p *reader) next() string {
	if len(p.tokens) == 0 {
		return ""
	}
	return p.tokens[0]
}

func (p *reader) take() { p.tokens = p.tokens[1:] }

func (p *reader) or() (may, error) {
	value, err := p.and()
	for err == nil && p.next() == "OR" {
		p.take()
		var other may
		if other, err = p.and(); err == nil {
			value = may{value.hold || other.hold, value.fail && other.fail}
		}
	}
	return value, err
}

// and: terms that stand side by side are joined by AND.
func (p *reader) and() (may, error) {
	value, err := p.not()
	for err == nil && p.next() != "" && p.next() != "OR" && p.next() != ")" {
		if p.next() == "AND" {
			p.take()
		}
		var other may
		if other, err = p.not(); err == nil {
			value = may{value.hold && other.hold, value.fail || other.fail}
		}
	}
	return value, err
}

func (p *reader) not() (may, error) {
	switch token := p.next(); token {
	case "NOT":
		p.take()
		value, err := p.not()
		return may{hold: value.fail, fail: value.hold}, err
	case "(":
		p.take()
		value, err := p.or()
		if err == nil && p.next() != ")" {
			err = errExpression
		}
		if err == nil {
			p.take()
		}
		return value, err
	case "", ")", "AND", "OR":
		return may{}, errExpression
	default:
		p.take()
		return p.atom(token), nil
	}
}

// permissive says whether votes may be copied to a patch set with other code
// or another base, and by which atoms.
func permissive(condition string) (atoms []string, err error) {
	if strings.TrimSpace(condition) == "" {
		return nil, nil
	}
	value, err := evaluate(condition, func(atom string) may {
		switch strings.ToUpper(strings.ReplaceAll(atom, `"`, "")) {
		case "CHANGEKIND:NO_CODE_CHANGE", "CHANGEKIND:NO_CHANGE":
			return never // of a patch set that has other code or another base
		}
		atoms = append(atoms, atom)
		return either
	})
	if err != nil || !value.hold {
		return nil, err
	}
	return atoms, nil
}

// blocking is how a -1 stands in the way of a submit.
type blocking int

const (
	blocksNothing blocking = iota
	blocksAlone            // unless somebody else votes +1
	blocksAlways
)

// blocks says how far a requirement holds a change back on which a label
// stands at -1.
func blocks(expression, label string) (blocking, error) {
	always, err := evaluate(expression, func(atom string) may { return onMinus(atom, label, either) })
	if err != nil {
		return blocksNothing, err
	}
	alone, err := evaluate(expression, func(atom string) may { return onMinus(atom, label, never) })
	switch {
	case err != nil:
		return blocksNothing, err
	case !always.hold:
		return blocksAlways, nil
	case !alone.hold:
		return blocksAlone, nil
	}
	return blocksNothing, nil
}

// onMinus is what an atom may be on a change with a -1; plus is what one for
// a +1 may be.
func onMinus(atom, label string, plus may) may {
	field, value, ok := strings.Cut(strings.ReplaceAll(atom, `"`, ""), ":")
	if !ok || !strings.EqualFold(field, "label") || len(value) <= len(label) || !strings.EqualFold(value[:len(label)], label) {
		return either
	}
	switch strings.ToUpper(value[len(label):]) {
	case "=MIN", "=-1", "-1", "<=-1", "<0", "=REJECT":
		return always
	case "=MAX", "=+1", "=1", "+1", ">=1", ">=+1", ">0":
		return plus
	}
	return either
}
