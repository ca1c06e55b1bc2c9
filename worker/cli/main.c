/* main.c: START HERE. One command, from its words to its exit status. */
#include "cli.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static void main_interrupt(int signal_no);
static int main_finish(int status);

static volatile sig_atomic_t main_stopped;


int
main(int argc, char **argv)
{
    /* No SA_RESTART: a question ends at once; a second signal kills. */
    struct sigaction action = {
        .sa_handler = main_interrupt, .sa_flags = SA_RESETHAND
    };
    struct cli_call call = {0};
    int status;

    /* API texts are UTF-8 whatever the user's language is. */
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) {
        setlocale(LC_CTYPE, "");
    }
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);

    call.params = json_object();
    call.settings = json_object();
    if (call.params == NULL || call.settings == NULL) {
        abort();
    }

    status = args_parse(&call, argc, argv);
    if (status == CLI_OK && call.command != NULL) {
        status = call.command->run(&call);
    }

    json_decref(call.params);
    json_decref(call.settings);
    free(call.token);
    free(call.idempotency_key);
    return main_finish(status);
}


static void
main_interrupt(int signal_no)
{
    (void) signal_no;
    main_stopped = 1;
}


bool
cli_interrupted(void)
{
    return main_stopped != 0;
}


/* An answer that could not be written is a failure, as on a full disk. */
static int
main_finish(int status)
{
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        message_error("output", "the answer cannot be written: %s",
                      strerror(errno == 0 ? EIO : errno));
        return status == CLI_OK ? CLI_FAILURE : status;
    }
    return status;
}
