package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"passfail/spelling"
)

// Errors are all that is wrong with a configuration, found in one go.
type Errors []error

// Error lists them, a line each.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives them to errors.Is and errors.As.
func (e Errors) Unwrap() []error { return e }

// Load reads a configuration file. The error is an Errors when the file could
// be read but is wrong; each of its lines begins with the file's name.
func Load(path string) (*Config, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &fs.PathError{Op: "configuration", Path: path, Err: missing{}}
	}
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	c, err := Parse(string(text))
	if err != nil {
		var list Errors
		if !errors.As(err, &list) {
			list = Errors{err}
		}
		for i := range list {
			list[i] = fmt.Errorf("%s: %w", path, list[i])
		}
		return nil, list
	}
	c.Dir = filepath.Dir(path)
	for _, p := range c.Products {
		p.Config.Dir = c.Dir
	}
	return c, nil
}

// missing is fs.ErrNotExist with the way out.
type missing struct{}

func (missing) Error() string        { return "no such file; name another with --config FILE" }
func (missing) Is(target error) bool { return target == fs.ErrNotExist }

// Parse reads the text of a configuration. Keys that are left out have their
// default. The error, if any, is an Errors.
func Parse(text string) (*Config, error) {
	var tree map[string]any
	if _, err := toml.Decode(text, &tree); err != nil {
		var syntax toml.ParseError
		if errors.As(err, &syntax) {
			return nil, Errors{fmt.Errorf("line %d: %s", syntax.Position.Line, syntax.Message)}
		}
		return nil, Errors{err}
	}
	c := Default()
	var b binder
	products, some := tree["products"]
	delete(tree, "products")
	b.table(tree, reflect.ValueOf(c).Elem(), "")
	if c.Model.Store != "" && !given(tree, "model", "file") {
		c.Model.File = "" // the default is for who says nothing
	}
	if some {
		b.products(products, c)
	}
	// A value that could not be read has its default now, which may not go
	// with the others: only what was read is worth checking.
	if len(b.errs) == 0 {
		b.errs = c.check()
	}
	if len(b.errs) > 0 {
		return nil, b.errs
	}
	return c, nil
}

// given tells whether the file has a key, whatever its value.
func given(tree map[string]any, section, key string) bool {
	t, _ := tree[section].(map[string]any)
	_, ok := t[key]
	return ok
}

// Path makes a path from the configuration absolute or relative to the working
// directory.
func (c *Config) Path(p string) string {
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(c.Dir, p)
}

// binder puts a TOML tree into a struct and collects what does not fit.
type binder struct{ errs Errors }

func (b *binder) bad(key string, value any, format string, args ...any) {
	b.errs = append(b.errs, fmt.Errorf("%s = %s: %s", key, literal(value), fmt.Sprintf(format, args...)))
}

// literal writes a value as it stands in the file, shortened.
func literal(v any) string {
	s := fmt.Sprint(v)
	if t, ok := v.(string); ok {
		s = fmt.Sprintf("%q", t)
	}
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return s
}

func (b *binder) table(tree map[string]any, into reflect.Value, path string) {
	fields := map[string]reflect.Value{}
	var known []string
	for i := range into.NumField() {
		if name := into.Type().Field(i).Tag.Get("toml"); name != "-" {
			fields[name] = into.Field(i)
			known = append(known, name)
		}
	}
	keys := make([]string, 0, len(tree))
	for k := range tree {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		key := k
		if path != "" {
			key = path + "." + k
		}
		if f, ok := fields[k]; ok {
			b.value(tree[k], f, key)
		} else {
			b.errs = append(b.errs, fmt.Errorf("unknown key %s; %s", key, suggestion(k, known, path)))
		}
	}
}

func (b *binder) value(v any, into reflect.Value, key string) {
	switch p := into.Addr().Interface().(type) {
	case *Duration:
		d, err := parseDuration(v)
		if err != nil {
			b.bad(key, v, "%v", err)
			return
		}
		*p = d
	case *string:
		if s, ok := v.(string); ok {
			*p = s
		} else {
			b.bad(key, v, "text in quotes is needed")
		}
	case *bool:
		if s, ok := v.(bool); ok {
			*p = s
		} else {
			b.bad(key, v, "true or false is needed, without quotes")
		}
	case *int:
		if n, ok := v.(int64); ok && int64(int(n)) == n {
			*p = int(n)
		} else {
			b.bad(key, v, "a whole number is needed, without quotes")
		}
	case *float64:
		switch n := v.(type) {
		case float64:
			*p = n
		case int64:
			*p = float64(n)
		default:
			b.bad(key, v, "a number is needed, without quotes")
		}
	case **float64: // a number that may be left out
		n := 0.0
		b.value(v, reflect.ValueOf(&n).Elem(), key)
		*p = &n
	case *[]string:
		b.texts(v, p, key)
	case *map[string]int:
		b.controls(v, p, key)
	case **Rect:
		if t, ok := v.(map[string]any); ok {
			*p = &Rect{}
			b.table(t, reflect.ValueOf(*p).Elem(), key)
		} else {
			b.bad(key, v, "write { x = 0, y = 0, width = 640, height = 480 }")
		}
	default: // a section
		if t, ok := v.(map[string]any); ok {
			b.table(t, into, key)
		} else {
			b.bad(key, v, "this is the name of a section: write [%s] on a line of its own and its keys below", key)
		}
	}
}

func (b *binder) texts(v any, into *[]string, key string) {
	list, ok := v.([]any)
	if !ok {
		b.bad(key, v, `a list is needed: ["good", "better"]`)
		return
	}
	*into = nil
	for _, e := range list {
		s, ok := e.(string)
		if !ok {
			b.bad(key, v, "text in quotes is needed, not %v", e)
			return
		}
		*into = append(*into, s)
	}
}

func (b *binder) controls(v any, into *map[string]int, key string) {
	t, ok := v.(map[string]any)
	if !ok {
		b.bad(key, v, "write { gain = 10, exposure_time_absolute = 157 }")
		return
	}
	*into = map[string]int{}
	for name, n := range t {
		switch n := n.(type) {
		case int64:
			(*into)[name] = int(n)
		case bool:
			if n {
				(*into)[name] = 1
			} else {
				(*into)[name] = 0
			}
		default:
			b.bad(key+"."+name, n, "a whole number is needed, without quotes")
		}
	}
}

// suggestion says what the writer of an unknown key may have meant.
func suggestion(k string, known []string, path string) string {
	where := "the file"
	if path != "" {
		where = "[" + path + "]"
	}
	if meant := spelling.Nearest(k, known); meant != "" {
		return fmt.Sprintf("did you mean %s?", meant)
	}
	return fmt.Sprintf("%s has %s", where, strings.Join(known, ", "))
}
