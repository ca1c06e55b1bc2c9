/*
 * fuzz.h: what the targets share: an input that is cut into pieces, and a
 * check that ends the run where an oracle says no.
 */
#ifndef TOLLGATE_FUZZ_H
#define TOLLGATE_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libFuzzer keeps the input of a run that aborts. */
#define CHECK(claim)                                                          \
    do {                                                                      \
        if (!(claim)) {                                                       \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__,        \
                    #claim);                                                  \
            abort();                                                          \
        }                                                                     \
    } while (0)

struct input {
    const uint8_t  *data;
    size_t          size;
};


/* The next byte, 0 after the end. */
static inline unsigned
input_byte(struct input *input)
{
    if (input->size == 0) {
        return 0;
    }
    input->size--;

    return *input->data++;
}


/* Cuts the piece before the separator off the front; false at the end. */
static inline bool
input_cut(struct input *input, char separator, struct input *piece)
{
    const uint8_t  *end;

    if (input->size == 0) {
        return false;
    }

    end = memchr(input->data, separator, input->size);
    piece->data = input->data;
    piece->size = end ? (size_t) (end - input->data) : input->size;
    input->data += piece->size + (end != NULL);
    input->size -= piece->size + (end != NULL);

    return true;
}


/* A copy of its own size and a zero, so that no read beyond it goes unseen. */
static inline char *
input_text(struct input piece)
{
    char  *text = malloc(piece.size + 1);

    CHECK(text != NULL);
    if (piece.size != 0) {
        memcpy(text, piece.data, piece.size);
    }
    text[piece.size] = '\0';

    return text;
}

#endif
