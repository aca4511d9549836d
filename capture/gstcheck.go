package capture

/*
#cgo linux LDFLAGS: -ldl
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct gerror { uint32_t domain; int code; char *message; };

// checkPipeline returns what is wrong with a pipeline's text, to be freed, or NULL.
static char *checkPipeline(const char *text) {
	int (*init)(int *, char ***, struct gerror **) = dlsym(RTLD_DEFAULT, "gst_init_check");
	void *(*parse)(const char *, void *, int, struct gerror **) = dlsym(RTLD_DEFAULT, "gst_parse_launch_full");
	void (*unref)(void *) = dlsym(RTLD_DEFAULT, "gst_object_unref");
	void (*freeError)(struct gerror *) = dlsym(RTLD_DEFAULT, "g_error_free");
	if (!init || !parse || !unref || !freeError || !init(NULL, NULL, NULL)) {
		return NULL;
	}
	enum { fatalErrors = 1 }; // GST_PARSE_FLAG_FATAL_ERRORS
	struct gerror *err = NULL;
	void *pipeline = parse(text, NULL, fatalErrors, &err);
	char *wrong = NULL;
	if (err) {
		wrong = strdup(err->message);
		freeError(err);
	}
	if (pipeline) {
		unref(pipeline);
	}
	return wrong;
}
*/
import "C"

import (
	"errors"
	"unsafe"
)

// checkPipeline finds what is wrong with a pipeline before OpenCV does not: it takes what GStreamer could make of the
// text, even without a misspelt source, and then waits for ever for its first frame.
//
// GStreamer is in the program already, because OpenCV needs it, so its functions are looked up rather than linked; an
// OpenCV without GStreamer has none, and then nothing is checked.
func checkPipeline(text string) error {
	ctext := C.CString(text)
	defer C.free(unsafe.Pointer(ctext))
	wrong := C.checkPipeline(ctext)
	if wrong == nil {
		return nil
	}
	defer C.free(unsafe.Pointer(wrong))
	return errors.New(C.GoString(wrong))
}
