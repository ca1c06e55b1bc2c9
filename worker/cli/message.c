/* message.c: what the tool says on stderr. */
#include "cli.h"

#include <stdarg.h>

static void message_line(const char *prefix, const char *code,
    const char *format, va_list list);


/* `tollgate: <detail> (<code>)` */
void
message_error(const char *code, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    message_line("tollgate: ", code, format, list);
    va_end(list);
}


void
message_hint(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    message_line("hint: ", NULL, format, list);
    va_end(list);
}


void
message_note(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    message_line("tollgate: ", NULL, format, list);
    va_end(list);
}


/* Texts of the API or a user must not steer the terminal. */
static void
message_line(const char *prefix, const char *code,
    const char *format, va_list list)
{
    char text[2048];

    vsnprintf(text, sizeof(text), format, list);
    for (char *p = text; *p != '\0'; p++) {
        if ((unsigned char) *p < 0x20 || *p == 0x7f) {
            *p = ' ';
        }
    }
    fflush(stdout);
    if (code == NULL) {
        fprintf(stderr, "%s%s\n", prefix, text);
    } else {
        fprintf(stderr, "%s%s (%s)\n", prefix, text, code);
    }
}
