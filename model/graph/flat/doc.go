// Package flat checks FlatBuffers that come from outside, by their schema,
// before the code that flatc generates reads them.
//
// Generated Go code believes every offset: a damaged file makes it panic, and
// one that was made on purpose unfolds into more memory than the machine has.
// And it forgets, silently, what its schema does not know, so that a program
// would mutilate a file by reading and writing it. Verify looks at the bytes
// first and says what is wrong, and where, or what would be lost.
//
// What a table holds, it knows from the schema's own reflection data (flatc
// --binary --schema). The format is described in the FlatBuffers project's
// "Internals" document.
package flat
