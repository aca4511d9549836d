// Package reflection reads a FlatBuffers schema in the form that flatc --binary
// --schema gives it. All else here is generated; see deploy/schema.sh.
package reflection
