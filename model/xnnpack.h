// The three functions of TensorFlow Lite's XNNPACK delegate that Passfail uses.
// The library has them; the packages of C headers do not declare them.
#ifndef PASSFAIL_XNNPACK_H
#define PASSFAIL_XNNPACK_H

#include <stdint.h>

typedef struct TfLiteDelegate TfLiteDelegate;

// Of the options only the beginning is known and used. They are returned
// through memory, so there must be room for as much as any version returns.
typedef struct {
  int32_t num_threads;
  uint32_t flags;
  uint8_t rest[504];
} TfLiteXNNPackDelegateOptions;

enum {
  PF_XNNPACK_QS8 = 1, // take signed 8-bit operators,
  PF_XNNPACK_QU8 = 2, // and unsigned ones: by default the delegate leaves both to the slow kernels
};

TfLiteXNNPackDelegateOptions TfLiteXNNPackDelegateOptionsDefault(void);
TfLiteDelegate *TfLiteXNNPackDelegateCreate(const TfLiteXNNPackDelegateOptions *options);
void TfLiteXNNPackDelegateDelete(TfLiteDelegate *delegate);

const char *TfLiteVersion(void);

// The library announces each delegate on standard error, and the C API has no
// way to stop that. This is the C++ function that has (severity 2: warnings),
// where the library exports it.
void pf_minimum_severity(int severity) __asm__(
    "_ZN6tflite13LoggerOptions21SetMinimumLogSeverityENS_11LogSeverityE") __attribute__((weak));

static inline TfLiteDelegate *pf_xnnpack_new(int32_t threads) {
  if (pf_minimum_severity) pf_minimum_severity(2);
  TfLiteXNNPackDelegateOptions o = TfLiteXNNPackDelegateOptionsDefault();
  o.num_threads = threads;
  o.flags |= PF_XNNPACK_QS8 | PF_XNNPACK_QU8;
  return TfLiteXNNPackDelegateCreate(&o);
}

#endif
