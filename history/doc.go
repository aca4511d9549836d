// Package history keeps what was inspected: a row for every part in an SQLite
// database, pictures of those worth seeing again, and counters that survive a
// restart.
//
// The line calls [History.Record] and [History.Count], which never wait: they
// copy what they are given into queues that were made at the start. When a queue
// is full, a row or a picture is dropped and counted; the counters lose nothing.
// Once a second all that came is written in one transaction, so a power cut loses
// the last second at most. A picture is on the disk before the row that names it.
//
// The folder of a history holds
//
//	history.db                        the rows and the counters
//	pictures/2026-11-25/14/17.jpg     the picture of row 17, taken at 14 o'clock local time
//	damaged-20261125-140312/          what could not be read at that time, moved aside
//
// One program records ([Open]); any number may read and correct beside it
// ([OpenReader]).
package history
