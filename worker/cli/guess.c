/* guess.c: which word a mistyped one was meant to be. */
#include "cli.h"

#include <string.h>

#define GUESS_LEN 32

static size_t guess_distance(const char *a, const char *b);
static size_t guess_least(size_t a, size_t b, size_t c);


/* A word may be wrong in a third of its letters, at least in two. */
void
guess_start(struct guess *guess, const char *typed)
{
    size_t len = strlen(typed);

    guess->typed = typed;
    guess->best = NULL;
    guess->distance = (len < 6 ? 2 : len / 3) + 1;
}


void
guess_try(struct guess *guess, const char *candidate)
{
    size_t distance = guess_distance(guess->typed, candidate);

    if (distance < guess->distance && distance < strlen(candidate)) {
        guess->distance = distance;
        guess->best = candidate;
    }
}


/* Edits that make b of a, where two swapped letters are one edit. */
static size_t
guess_distance(const char *a, const char *b)
{
    size_t row[GUESS_LEN + 1][GUESS_LEN + 1];
    size_t a_len = strlen(a), b_len = strlen(b);

    if (a_len > GUESS_LEN || b_len > GUESS_LEN) {
        return GUESS_LEN;
    }
    for (size_t i = 0; i <= a_len; i++) {
        for (size_t j = 0; j <= b_len; j++) {
            if (i == 0 || j == 0) {
                row[i][j] = i + j;
                continue;
            }
            row[i][j] = guess_least(row[i - 1][j] + 1, row[i][j - 1] + 1,
                row[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]
                && row[i - 2][j - 2] + 1 < row[i][j])
            {
                row[i][j] = row[i - 2][j - 2] + 1;
            }
        }
    }
    return row[a_len][b_len];
}


static size_t
guess_least(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}
