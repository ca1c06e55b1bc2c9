/* token.c: cuts text into pieces and reads them strictly. */

#include <string.h>

#include "token.h"


#define TOKEN_WORD_MAX    256
#define TOKEN_DIGITS_MAX  16


bool
token_cut(struct token *rest, char separator, struct token *piece)
{
    const char  *end;

    if (rest->text == NULL) {
        return false;
    }

    *piece = *rest;
    end = memchr(rest->text, separator, rest->len);

    if (end == NULL) {
        *rest = (struct token) { 0 };
    } else {
        piece->len = (size_t) (end - rest->text);
        rest->text = end + 1;
        rest->len -= piece->len + 1;
    }

    return true;
}


bool
token_is(struct token token, const char *text)
{
    return token.len == strlen(text)
           && memcmp(token.text, text, token.len) == 0;
}


bool
token_is_word(struct token token)
{
    if (token.len == 0 || token.len > TOKEN_WORD_MAX) {
        return false;
    }

    for (size_t i = 0; i < token.len; i++) {
        if (token.text[i] < 0x21 || token.text[i] > 0x7e) {
            return false;
        }
    }

    return true;
}


bool
token_int(struct token token, int64_t min, int64_t *number)
{
    bool     negative;
    int64_t  value = 0;

    negative = token.len > 0 && token.text[0] == '-';
    if (negative) {
        token.text++;
        token.len--;
    }
    if (token.len == 0 || token.len > TOKEN_DIGITS_MAX) {
        return false;
    }

    for (size_t i = 0; i < token.len; i++) {
        if (token.text[i] < '0' || token.text[i] > '9') {
            return false;
        }
        value = value * 10 + (token.text[i] - '0');
    }
    *number = negative ? -value : value;

    return *number >= min && value <= TOKEN_INT_MAX;
}
