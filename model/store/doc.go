// Package store keeps every trained model with its report, and which of them is active.
//
// A store is a folder. Each version is a sub-folder of it that is made beside and
// renamed, so it is there whole or not at all, and is never changed after:
//
//	models/
//	    20261124-231502-a1b2c3/    UTC, and the beginning of the model's SHA-256
//	        model.tflite
//	        meta.json              Meta
//	        report.json, report.html, …
//	    active                     every activation, a line each; the last one counts
//	    .lock                      held by the process that writes
//
// What is written is written beside, made durable and then renamed: a power cut
// at any instant leaves the old state or the new one. The file active is the
// record of all activations, so that which model judges and how to get back lie
// in one place that changes in one step.
//
// Several processes may use a store at a time. The package runs no model.
package store
