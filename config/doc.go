// Package config reads config.toml: every key with its default, its range and
// the message for a value that is wrong.
//
// It opens nothing and knows none of the packages that use the values.
package config
