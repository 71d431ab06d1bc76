/* What did the classifier look at? Usage: explain PHOTOGRAPH OVERLAY.ppm */
#include <gradex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void check(GradexStatus status) {
    if (status == GRADEX_STATUS_OK) return;
    char message[512];
    gradex_error(message, sizeof message);
    fprintf(stderr, "error %d: %s\n", (int)status, message);
    exit(1);
}

static uint8_t *content_of(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) return NULL;
    long end = ftell(file);
    rewind(file);
    uint8_t *bytes = end > 0 ? malloc((size_t)end) : NULL;
    *length = bytes ? fread(bytes, 1, (size_t)end, file) : 0;
    fclose(file);
    return bytes;
}

static void write_ppm(const char *path, const uint8_t *rgba, GradexSize size) {
    FILE *file = fopen(path, "wb");
    if (!file) { perror(path); exit(1); }
    fprintf(file, "P6 %zu %zu 255\n", size.width, size.height);
    for (size_t pixel = 0; pixel < size.height * size.width; pixel++) fwrite(rgba + 4 * pixel, 1, 3, file);
    if (fclose(file) != 0) { perror(path); exit(1); }
}

int main(int count, char **arguments) {
    if (count != 3) { fprintf(stderr, "usage: %s PHOTOGRAPH OVERLAY.ppm\n", arguments[0]); return 2; }
    size_t length = 0;
    uint8_t *file = content_of(arguments[1], &length);
    if (!file) { perror(arguments[1]); return 1; }

    GradexModel *model = NULL;
    GradexView *view = NULL;
    GradexExplanation *explanation = NULL;
    check(gradex_model_embedded(&model));
    check(gradex_view_decode(model, file, length, NULL, &view)); /* one forward pass */
    free(file);
    gradex_model_free(model); /* the view keeps what it needs */

    GradexPrediction best[3];
    size_t found = 0;
    check(gradex_view_top(view, best, 3, &found));
    for (size_t place = 0; place < found; place++) {
        char label[64];
        size_t needed = 0;
        check(gradex_name(GRADEX_LIST_LABELS, best[place].class_, label, sizeof label, &needed));
        printf("%5.1f %%  %s (%zu)\n", 100 * best[place].probability, label, best[place].class_);
    }

    check(gradex_view_explain(view, best[0].class_, NULL, NULL, &explanation)); /* one backward pass a class */
    GradexSize size;
    check(gradex_view_size(view, &size));
    size_t capacity = 4 * size.height * size.width;
    uint8_t *rgba = malloc(capacity);
    if (!rgba) return 1;
    check(gradex_explanation_overlay(explanation, "viridis", 0.7f, rgba, capacity));
    write_ppm(arguments[2], rgba, size);
    free(rgba);
    gradex_explanation_free(explanation);
    gradex_view_free(view);
    return 0;
}
