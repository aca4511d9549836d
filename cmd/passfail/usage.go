package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"passfail/spelling"
)

// usageError is a command line that can't be meant.
type usageError struct{ error }

// args makes a usageError of what a check of arguments finds, and says which are
// wanted.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, list []string) error {
		err := check(c, list)
		if err == nil {
			return nil
		}
		_, wanted, some := strings.Cut(c.Use, " ")
		switch {
		case !some:
			err = fmt.Errorf("%s: %w%s", c.Name(), err, similarCommands(c, list))
		case len(list) == 0:
			err = fmt.Errorf("%s: %s is missing: %s %s", c.Name(), wanted, c.CommandPath(), wanted)
		default:
			err = fmt.Errorf("%s: %s is wanted, and %q was given", c.Name(), wanted, list)
		}
		return usageError{err}
	}
}

// similarCommands are those of c's that may be meant, if there are any.
func similarCommands(c *cobra.Command, list []string) string {
	if len(list) == 0 {
		return ""
	}
	c.SuggestionsMinimumDistance = mostTypos
	if names := c.SuggestionsFor(list[0]); len(names) > 0 {
		return fmt.Sprintf("; did you mean %s?", strings.Join(names, " or "))
	}
	return ""
}

// mostTypos is in how many letters a name may differ from what was meant.
const mostTypos = 2

// flagError says of a wrong flag what may be meant.
func flagError(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) && len(unknown.GetSpecifiedName()) > 1 {
		var known []string
		c.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		if meant := spelling.Nearest(unknown.GetSpecifiedName(), known); meant != "" {
			err = fmt.Errorf("%w; did you mean --%s?", err, meant)
		}
	}
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) && invalid.GetFlag().Value.Type() == "duration" {
		err = fmt.Errorf("%w; such as 20s, 5m or 500ms", err)
	}
	return usageError{err}
}

// counted is a number of things in words: 1 picture, 2 pictures.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
