package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newMan makes the command that packages call. It prints what --help prints, so
// the manual page can't say anything else.
func newMan() *cobra.Command {
	return &cobra.Command{
		Use:    "man",
		Short:  "Print the manual page, passfail(1)",
		Hidden: true,
		Example: `  passfail man > passfail.1
  man ./passfail.1`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return writeMan(c.OutOrStdout(), c.Root()) },
	}
}

// writeMan writes a manual page on root and all its commands, for man(7).
func writeMan(w io.Writer, root *cobra.Command) error {
	var m manPage
	m.line(`.TH PASSFAIL 1 "" "passfail %s" "User Commands"`, roff(version))
	m.line(".SH NAME\npassfail \\- %s", roff(lowerFirst(root.Short)))
	m.line(".SH SYNOPSIS\n.B passfail\n.I command\n[\\fIflag\\fR ...] [\\fIargument\\fR ...]")
	m.line(".SH DESCRIPTION")
	m.text(root.Long)
	m.line(".SH COMMANDS")
	m.commands(root)
	m.line(".SH EXIT STATUS\n0: done. %d: failed. %d: wrong usage.", exitFailed, exitUsage)
	m.line(".SH FILES\n.TP\n.I %s\nthe configuration, in the current folder unless \\-\\-config says otherwise", roff(configFile))
	m.line(".TP\n.I /etc/passfail/config.toml\nthat of the service, where Passfail was installed as a package")
	m.line(".SH EXAMPLES")
	m.example(root.Example)
	_, err := io.WriteString(w, m.String())
	return err
}

type manPage struct{ strings.Builder }

func (m *manPage) line(format string, a ...any) { fmt.Fprintf(m, format+"\n", a...) }

// text writes paragraphs, and as they stand those whose lines are indented.
func (m *manPage) text(s string) {
	for _, p := range strings.Split(strings.TrimSpace(s), "\n\n") {
		if p == "" {
			continue
		}
		if strings.HasPrefix(p, "  ") || strings.Contains(p, "\n  ") {
			m.example(p)
			continue
		}
		m.line(".PP\n%s", roff(p))
	}
}

func (m *manPage) example(s string) {
	if s = strings.Trim(s, "\n"); s != "" {
		m.line(".PP\n.nf\n%s\n.fi", roff(s))
	}
}

func (m *manPage) commands(c *cobra.Command) {
	for _, sub := range c.Commands() {
		if sub.Hidden || sub.Name() == "help" || sub.Name() == "completion" {
			continue
		}
		if sub.Runnable() {
			m.line(".SS %s", roff(sub.UseLine()))
			m.text(sub.Short + ".")
			m.text(sub.Long)
			sub.LocalFlags().VisitAll(m.flag)
			m.example(sub.Example)
		}
		m.commands(sub)
	}
}

func (m *manPage) flag(f *pflag.Flag) {
	if f.Hidden || f.Name == "help" {
		return
	}
	value, usage := pflag.UnquoteUsage(f)
	name := `\-\-` + roff(f.Name)
	if f.Shorthand != "" {
		name = `\-` + roff(f.Shorthand) + `\fR, \fB` + name
	}
	if value != "" {
		value = ` \fI` + roff(value)
	}
	m.line(".TP\n\\fB%s%s\\fR", name, value)
	switch f.DefValue {
	case "", "false", "0", "[]", "0s":
		m.line("%s", roff(usage))
	default:
		m.line("%s (default %s)", roff(usage), roff(f.DefValue))
	}
}

// roff escapes what means something to man: backslashes, hyphens (a dash that a
// person can copy is a minus), and control characters at the start of a line.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
