/*
 * token.h: pieces of text that something else owns.
 */
#ifndef TOLLGATE_TOKEN_H
#define TOLLGATE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Redis computes with doubles: a number of the product is never over 2^53. */
#define TOKEN_INT_MAX  (INT64_C(1) << 53)

struct token {
    const char  *text;
    size_t       len;
};

/*
 * Cuts the piece before the separator off the front of rest.  After the last
 * piece rest->text is NULL, and the next call returns false.
 */
bool token_cut(struct token *rest, char separator, struct token *piece);

bool token_is(struct token token, const char *text);

/* One to 256 visible ASCII characters. */
bool token_is_word(struct token token);

/* A decimal integer from min to TOKEN_INT_MAX, without a plus or spaces. */
bool token_int(struct token token, int64_t min, int64_t *number);

#endif
