/* gradex: what did a convolutional image classifier look at?
 *
 * Generated from crates/ffi/src; the test `header` of gradex-ffi says how. Link with -lgradex (pkg-config gradex).
 *
 * A GradexModel is a network with its weights, a GradexView a photograph that it has looked at, a GradexExplanation
 * the answer for one class. Handles are immutable: several threads may use one at once, and each keeps alive what it
 * came from, so they may be freed in any order. Freeing is the one thing that nobody else may be using it during.
 *
 * Functions return a GradexStatus; gradex_error has the message of the calling thread's last failure. Outputs are
 * copied into buffers of the caller. Where a buffer is too small (GRADEX_STATUS_SMALL), how much is needed was written
 * to the output beside it: call with capacity 0 first, or guess.
 */

#ifndef GRADEX_H
#define GRADEX_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

// How a call ended.
typedef enum {
  // As asked.
  GRADEX_STATUS_OK = 0,
  // A pointer that must lead somewhere is null or not aligned, or a length is absurd.
  GRADEX_STATUS_POINTER = 1,
  // A text is not UTF-8.
  GRADEX_STATUS_TEXT = 2,
  // gradex refused: a name that does not exist, damaged bytes, weights of another network.
  GRADEX_STATUS_REFUSED = 3,
  // The buffer is too small. How much is needed was written all the same.
  GRADEX_STATUS_SMALL = 4,
  // The watcher stopped it.
  GRADEX_STATUS_STOPPED = 5,
  // A defect of gradex, or not enough memory. The handles are as they were.
  GRADEX_STATUS_PANIC = 6,
} GradexStatus;

// A list of names.
typedef enum {
  // The labels of the 1000 classes of ImageNet, in the order of the logits.
  GRADEX_LIST_LABELS = 0,
  // The methods.
  GRADEX_LIST_METHODS = 1,
  // The modes of extrapolation.
  GRADEX_LIST_EXTRAPOLATIONS = 2,
  // The architectures.
  GRADEX_LIST_ARCHITECTURES = 3,
  // The colour maps.
  GRADEX_LIST_COLOUR_MAPS = 4,
} GradexList;

// The answer for one class. Several threads may read it at once.
typedef struct GradexExplanation GradexExplanation;

// A network with its weights. Several threads may use it at once.
typedef struct GradexModel GradexModel;

// A photograph after one forward pass. Several threads may ask it at once.
typedef struct GradexView GradexView;

// The shape of a map, row-major: a map of evidence has one channel, a map of components several.
typedef struct {
  // Channels.
  size_t channels;
  // Rows.
  size_t height;
  // Columns.
  size_t width;
} GradexShape;

// Rows and columns.
typedef struct {
  // Rows.
  size_t height;
  // Columns.
  size_t width;
} GradexSize;

// What is asked. All zero is the default: Grad-CAM at its default point, extrapolated, of the whole photograph.
typedef struct {
  // The method's name, or null.
  const char *method;
  // The name of the node whose output the map is taken at, or null.
  const char *point;
  // `activated`, `published` or `none`, or null.
  const char *extrapolation;
  // `squash` or `crop`, or null.
  const char *fit;
  // Samples, steps or masks of methods that have such; 0 for the method's own number.
  size_t samples;
  // The seed of what is random.
  uint64_t seed;
} GradexQuestion;

// A class and the probability that the network gives it.
typedef struct {
  // The class.
  size_t class_;
  // Its probability, by softmax.
  double probability;
} GradexPrediction;

// Is told how many passes of a method are done, by the thread that asked; anything but 0 stops it.
typedef int (*GradexWatch)(void *context, size_t done, size_t total);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Frees an explanation; null is fine.
//
// # Safety
// `explanation` is null or an explanation that was not freed, and no other thread is using it.
void gradex_explanation_free(GradexExplanation *explanation);

// The same explanation without extrapolation: its fine map is the method's own, resized.
//
// # Safety
// `explanation` is a live explanation, `plain` leads to a pointer that may be written. Free what is put there by
// [`gradex_explanation_free`].
GradexStatus gradex_explanation_plain(const GradexExplanation *explanation,
                                      GradexExplanation **plain);

// The method's own map at its point: raw, signed, not normalised.
//
// # Safety
// `explanation` is a live explanation, `values` leads to `capacity` floats (or is null where `capacity` is 0), `shape`
// to a shape that may be written.
GradexStatus gradex_explanation_coarse(const GradexExplanation *explanation,
                                       float *values,
                                       size_t capacity,
                                       GradexShape *shape);

// The map at the network's input size, in [0, 1]; all zero where there is a reason.
//
// # Safety
// As [`gradex_explanation_coarse`].
GradexStatus gradex_explanation_fine(const GradexExplanation *explanation,
                                     float *values,
                                     size_t capacity,
                                     GradexShape *shape);

// Why the fine map is blank, and what to try, ended by a zero byte; empty where it is not blank. `length` becomes the
// bytes that it takes, the zero byte included.
//
// # Safety
// `explanation` is a live explanation, `buffer` leads to `capacity` bytes that may be written (or is null where
// `capacity` is 0), `length` to a number that may be written.
GradexStatus gradex_explanation_reason(const GradexExplanation *explanation,
                                       char *buffer,
                                       size_t capacity,
                                       size_t *length);

// The fine map drawn over the photograph, of its size (`gradex_view_size`): rows of pixels of four bytes, red, green,
// blue and 255. `colour_map` is one of `GRADEX_LIST_COLOUR_MAPS`, or null; `opacity`, from 0 to 1, is the part that is
// colour in the hottest places.
//
// # Safety
// `explanation` is a live explanation, `colour_map` is null or a text that ends with a zero byte, `rgba` leads to
// `capacity` bytes that may be written.
GradexStatus gradex_explanation_overlay(const GradexExplanation *explanation,
                                        const char *colour_map,
                                        float opacity,
                                        uint8_t *rgba,
                                        size_t capacity);

// The model inside the library, EfficientNet-Lite0. A library built without it refuses.
//
// # Safety
// `model` leads to a pointer that may be written. Free what is put there by [`gradex_model_free`].
GradexStatus gradex_model_embedded(GradexModel **model);

// A model with weights from the `length` bytes of a .safetensors or .npz file. The bytes are not needed afterwards.
// `architecture` is one of `GRADEX_LIST_ARCHITECTURES`; with null it is the one that the file names, else
// efficientnet-lite0.
//
// # Safety
// `architecture` is null or a text that ends with a zero byte, `weights` leads to `length` bytes, `model` to a pointer
// that may be written. Free what is put there by [`gradex_model_free`].
GradexStatus gradex_model_from_bytes(const char *architecture,
                                     const uint8_t *weights,
                                     size_t length,
                                     GradexModel **model);

// Frees a model; null is fine. Views of it stay whole.
//
// # Safety
// `model` is null or a model that was not freed, and no other thread is using it.
void gradex_model_free(GradexModel *model);

// The size that the network sees photographs at.
//
// # Safety
// `model` is a live model, `size` leads to a size that may be written.
GradexStatus gradex_model_input(const GradexModel *model, GradexSize *size);

// The architecture's name, ended by a zero byte; `length` becomes the bytes that it takes, the zero byte included.
//
// # Safety
// `model` is a live model, `buffer` leads to `capacity` bytes that may be written (or is null where `capacity` is 0),
// `length` to a number that may be written.
GradexStatus gradex_model_name(const GradexModel *model,
                               char *buffer,
                               size_t capacity,
                               size_t *length);

// The version of the library. The text is static.
const char *gradex_version(void);

// The name at `index`, from 0, of `list` (a `GradexList`), ended by a zero byte; `length` becomes the bytes that it
// takes, the zero byte included. Beyond the last one it is `GRADEX_STATUS_REFUSED`.
//
// # Safety
// `buffer` leads to `capacity` bytes that may be written (or is null where `capacity` is 0), `length` to a number that
// may be written.
GradexStatus gradex_name(uint32_t list,
                         size_t index,
                         char *buffer,
                         size_t capacity,
                         size_t *length);

// Copies the message of this thread's last failure into `buffer`, cut to `capacity` bytes and ended by a zero byte.
// Returns how many bytes the whole message takes, the zero byte included; `buffer` may be null where `capacity` is 0.
//
// # Safety
// `buffer` leads to `capacity` bytes that may be written.
size_t gradex_error(char *buffer,
                    size_t capacity);

// Shows a photograph, the `length` bytes of a PNG, JPEG, WebP, BMP, GIF or TIFF file, to the model.
// The bytes and the question are not needed afterwards.
//
// # Safety
// `model` is a live model, `file` leads to `length` bytes, `question` is null or leads to a question whose texts end
// with a zero byte, `view` leads to a pointer that may be written. Free what is put there by [`gradex_view_free`].
GradexStatus gradex_view_decode(const GradexModel *model,
                                const uint8_t *file,
                                size_t length,
                                const GradexQuestion *question,
                                GradexView **view);

// Shows a photograph to the model, as rows of pixels of four bytes: red, green, blue and one that is not read.
//
// # Safety
// As [`gradex_view_decode`]; `rgba` leads to `4 * height * width` bytes.
GradexStatus gradex_view_pixels(const GradexModel *model,
                                const uint8_t *rgba,
                                size_t height,
                                size_t width,
                                const GradexQuestion *question,
                                GradexView **view);

// Frees a view; null is fine. Explanations of it stay whole.
//
// # Safety
// `view` is null or a view that was not freed, and no other thread is using it.
void gradex_view_free(GradexView *view);

// The photograph's size.
//
// # Safety
// `view` is a live view, `size` leads to a size that may be written.
GradexStatus gradex_view_size(const GradexView *view, GradexSize *size);

// The most probable classes, best first, at most `capacity` of them; `count` becomes how many were written.
//
// # Safety
// `view` is a live view, `predictions` leads to `capacity` predictions and `count` to a number that may be written.
GradexStatus gradex_view_top(const GradexView *view,
                             GradexPrediction *predictions,
                             size_t capacity,
                             size_t *count);

// The logits, one a class; `count` becomes how many there are.
//
// # Safety
// `view` is a live view, `logits` leads to `capacity` floats (or is null where `capacity` is 0) and `count` to a number
// that may be written.
GradexStatus gradex_view_logits(const GradexView *view,
                                float *logits,
                                size_t capacity,
                                size_t *count);

// Why this class? `watch` (or null) is told of the progress of long methods, with `context`.
//
// # Safety
// `view` is a live view, `watch` may be called with `context` and does not unwind, `explanation` leads to a pointer that
// may be written. Free what is put there by [`gradex_explanation_free`](crate::gradex_explanation_free).
GradexStatus gradex_view_explain(const GradexView *view,
                                 size_t class_,
                                 GradexWatch watch,
                                 void *context,
                                 GradexExplanation **explanation);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* GRADEX_H */
