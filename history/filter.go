package history

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Filter chooses rows. The zero value chooses all.
type Filter struct {
	From, To       time.Time // From <= time < To; zero: no limit
	Verdict        string    // "pass", "fail"; "": any, as in the following
	Label          string    // as corrected, or as the model said
	Product, Model string
	Reason         string
	Unsure, Unlike *bool
	Corrected      *bool
	Pictured       *bool
	MinScore       float64 // of the best label
	MaxScore       float64 // 0: no limit
	Before         int64   // rows older than the one with this ID, to go on from where a page ended; 0: from the newest
	Limit          int     // rows at most; 0: all
}

// filterKeys are what Set knows.
var filterKeys = []string{
	"from", "to", "verdict", "label", "product", "model", "reason", "unsure", "unlike", "corrected", "pictured", "min_score", "max_score", "before", "limit",
}

// Set sets a field from text, as a command's flag or a query of the station's page
// gives it. Times are read by ParseTime. An error says what is possible.
func (f *Filter) Set(key, value string, now time.Time) (err error) {
	switch key {
	case "from":
		f.From, err = ParseTime(value, now)
	case "to":
		f.To, err = ParseTime(value, now)
	case "verdict":
		if value != "pass" && value != "fail" {
			err = errors.New("it can be pass or fail")
		}
		f.Verdict = value
	case "label":
		f.Label = value
	case "product":
		f.Product = value
	case "model":
		f.Model = value
	case "reason":
		if _, ok := parseReason(value); !ok {
			err = fmt.Errorf("it can be %s", strings.Join(reasons[:], ", "))
		}
		f.Reason = value
	case "unsure":
		f.Unsure, err = parseBool(value)
	case "unlike":
		f.Unlike, err = parseBool(value)
	case "corrected":
		f.Corrected, err = parseBool(value)
	case "pictured":
		f.Pictured, err = parseBool(value)
	case "min_score":
		f.MinScore, err = parseScore(value)
	case "max_score":
		f.MaxScore, err = parseScore(value)
	case "before":
		f.Before, err = parseCount(value)
	case "limit":
		var n int64
		n, err = parseCount(value)
		f.Limit = int(min(n, math.MaxInt32))
	default:
		err = fmt.Errorf("no such key; there are %s", strings.Join(filterKeys, ", "))
	}
	if err != nil {
		return fmt.Errorf("%s = %q: %w", key, value, err)
	}
	return nil
}

func parseBool(s string) (*bool, error) {
	b := s == "yes" || s == "true"
	if !b && s != "no" && s != "false" {
		return nil, errors.New("it can be yes or no")
	}
	return &b, nil
}

func parseScore(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v >= 0 && v <= 1) {
		return 0, errors.New("a score from 0 to 1 is needed")
	}
	return v, nil
}

func parseCount(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, errors.New("a whole number from 0 is needed")
	}
	return n, nil
}

// ParseTime reads a moment: "today", "yesterday", a day ("2026-11-25"), a moment
// ("2026-11-25 14:30", or as RFC 3339 has it), a time of today ("14:30"), or how
// long ago ("90m", "24h", "7d"). Days and times are in now's zone.
func ParseTime(s string, now time.Time) (time.Time, error) {
	y, m, d := now.Date()
	switch s {
	case "today":
		return time.Date(y, m, d, 0, 0, 0, 0, now.Location()), nil
	case "yesterday":
		return time.Date(y, m, d-1, 0, 0, 0, 0, now.Location()), nil
	}
	for _, layout := range []string{"2006-01-02", "2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", time.RFC3339} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t, nil
		}
	}
	if t, err := time.Parse("15:04", s); err == nil {
		return time.Date(y, m, d, t.Hour(), t.Minute(), 0, 0, now.Location()), nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n <= 36500 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if ago, err := time.ParseDuration(s); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	return time.Time{}, errors.New(`no time; write "2026-11-25", "2026-11-25 14:30", "14:30", "today", or how long ago: "8h", "7d"`)
}

// where is the filter as SQL.
func (f Filter) where() (string, []any) {
	text, args := []string{"true"}, []any{}
	add := func(condition string, v any) {
		text, args = append(text, condition), append(args, v)
	}
	if !f.From.IsZero() {
		add("time >= ?", f.From.UnixMilli())
	}
	if !f.To.IsZero() {
		add("time < ?", f.To.UnixMilli())
	}
	if f.Verdict != "" {
		add("pass = ?", f.Verdict == "pass")
	}
	if f.Label != "" {
		add("coalesce(corrected, label) = ?", f.Label)
	}
	if f.Product != "" {
		add("product = ?", f.Product)
	}
	if f.Model != "" {
		add("model = ?", f.Model)
	}
	if f.Reason != "" {
		add("reason = ?", f.Reason)
	}
	if f.Unsure != nil {
		add("unsure = ?", *f.Unsure)
	}
	if f.Unlike != nil {
		add("unlike = ?", *f.Unlike)
	}
	if f.Corrected != nil {
		add("(corrected IS NOT NULL) = ?", *f.Corrected)
	}
	if f.Pictured != nil {
		add("(picture IS NOT NULL) = ?", *f.Pictured)
	}
	if f.MinScore > 0 {
		add("score >= ?", f.MinScore)
	}
	if f.MaxScore > 0 {
		add("score <= ?", f.MaxScore)
	}
	if f.Before > 0 {
		add("id < ?", f.Before)
	}
	return strings.Join(text, " AND "), args
}
