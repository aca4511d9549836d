package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// ProductChoice says which product is inspected.
type ProductChoice struct {
	Use    string   `toml:"use"`  // the name of one of the products; "": what the file's other sections say
	Pins   []string `toml:"pins"` // inputs whose levels are a product's code, the lowest bit first; none: Use decides
	Active string   `toml:"active"`
	Settle Duration `toml:"settle"` // for so long the pins must not change
}

// Product is a recipe: what the file says with what its own section [products.NAME] changes.
type Product struct {
	Name   string
	Code   int     // what product.pins say for it
	Config *Config // whole; its Products are empty
}

// productKeys are what a product may change. What it leaves out is the file's.
var productKeys = map[string][]string{
	"camera":   {"roi"},
	"model":    nil, // all
	"decision": nil,
	"trigger":  {"delay", "within", "min_gap", "min_distance", "frames", "pick"},
	"outputs":  {"reject"},
}

// rejectKeys are what it may change of outputs.reject.
var rejectKeys = []string{"width", "repeat", "pause", "delay", "lead", "gap", "distance", "lead_distance", "gap_distance", "neighbour"}

// maxCodePins bounds product.pins.
const maxCodePins = 6

func (p *ProductChoice) check(k *checker) {
	k.oneOf("product.active", p.Active, "high", "low")
	k.span("product.settle", p.Settle, 0, 10*time.Second)
	if len(p.Pins) > maxCodePins {
		k.bad("product.pins", p.Pins, "%d pins are enough for %d products", maxCodePins, 1<<maxCodePins)
	}
	if slices.Contains(p.Pins, "") {
		k.bad("product.pins", p.Pins, "each of them needs a name")
	}
}

// products binds the sections [products.NAME] to copies of c.
func (b *binder) products(tree any, c *Config) {
	table, ok := tree.(map[string]any)
	if !ok {
		b.bad("products", tree, "write a section for each product: [products.NAME]")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(table)) {
		key := "products." + name
		own, ok := table[name].(map[string]any)
		if !ok {
			b.bad(key, table[name], "write a section for each product: [%s]", key)
			continue
		}
		recipe := *c
		recipe.Products, recipe.Product = nil, ProductChoice{Active: c.Product.Active}
		p := Product{Name: name, Config: &recipe}
		for _, section := range slices.Sorted(maps.Keys(own)) {
			if section == "code" {
				b.value(own[section], reflect.ValueOf(&p.Code).Elem(), key+".code")
				continue
			}
			b.override(own[section], &recipe, key, section)
		}
		if given(own, "model", "store") && !given(own, "model", "file") {
			recipe.Model.File = ""
		}
		if given(own, "model", "file") && !given(own, "model", "store") {
			recipe.Model.Store = ""
		}
		c.Products = append(c.Products, p)
	}
}

// override binds one section of a product to its recipe.
func (b *binder) override(v any, recipe *Config, product, section string) {
	key := product + "." + section
	allowed, ok := productKeys[section]
	if !ok {
		b.errs = append(b.errs, fmt.Errorf("unknown key %s; a product has code, %s", key, strings.Join(slices.Sorted(maps.Keys(productKeys)), ", ")))
		return
	}
	table, ok := v.(map[string]any)
	if !ok {
		b.bad(key, v, "this is the name of a section: write [%s] on a line of its own and its keys below", key)
		return
	}
	b.only(table, key, allowed)
	if reject, ok := table["reject"].(map[string]any); ok && section == "outputs" {
		b.only(reject, key+".reject", rejectKeys)
	}
	field := reflect.ValueOf(recipe).Elem().FieldByNameFunc(func(name string) bool { return strings.EqualFold(name, section) })
	b.table(table, field, key)
}

// only finds keys that a product shares with the others.
func (b *binder) only(table map[string]any, key string, allowed []string) {
	for _, k := range slices.Sorted(maps.Keys(table)) {
		if allowed != nil && !slices.Contains(allowed, k) {
			b.errs = append(b.errs, fmt.Errorf("%s.%s: this is the same for all products; a product's own can be %s", key, k, strings.Join(allowed, ", ")))
		}
	}
}

// checkProducts checks each recipe as a whole, and their codes.
func (c *Config) checkProducts(k *checker) {
	c.Product.check(k)
	names := make([]string, len(c.Products))
	for i, p := range c.Products {
		names[i] = p.Name
		for _, err := range p.Config.check() {
			k.errs = append(k.errs, fmt.Errorf("products.%s: %w", p.Name, err))
		}
		if len(c.Product.Pins) == 0 {
			continue
		}
		k.whole("products."+p.Name+".code", p.Code, 0, 1<<len(c.Product.Pins)-1)
		for _, q := range c.Products[:i] {
			if p.Code == q.Code {
				k.bad("products."+p.Name+".code", p.Code, "products.%s has the same code", q.Name)
			}
		}
	}
	if c.Product.Use != "" && !slices.Contains(names, c.Product.Use) {
		k.bad("product.use", c.Product.Use, "there is no section [products.%s]; there are: %s", c.Product.Use, strings.Join(names, ", "))
	}
	if len(c.Product.Pins) > 0 && len(c.Products) == 0 {
		k.bad("product.pins", c.Product.Pins, "there is no section [products.NAME] whose code they could tell")
	}
}
