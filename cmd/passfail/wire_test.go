package main

import (
	"os"
	"testing"

	"passfail/config"
	"passfail/evaluate"
	"passfail/model"
)

// The configuration's threshold comes before the model's, and one half serves
// where neither has any.
func TestRuleThreshold(t *testing.T) {
	b, err := os.ReadFile(inRepository("model/testdata/int8.tflite"))
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, "other.tflite", string(b)) // of another tool
	if err := os.WriteFile(file+".toml", []byte("mean = [127.5]\nstd = [127.5]\nlabels = [\"good\", \"b\", \"c\", \"d\"]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	m, err := model.Open(file, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	c := config.Default()
	if got := rule(c, m).Threshold; got != evaluate.DefaultThreshold {
		t.Errorf("threshold %v without any, want %v", got, evaluate.DefaultThreshold)
	}
	configured := 0.7
	c.Decision.Threshold = &configured
	if got := rule(c, m).Threshold; got != configured {
		t.Errorf("threshold %v, and %v is configured", got, configured)
	}
}
