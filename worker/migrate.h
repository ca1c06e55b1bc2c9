/*
 * migrate.h: brings the database to what the files of sql/ say.
 */
#ifndef TOLLGATE_MIGRATE_H
#define TOLLGATE_MIGRATE_H

#include <stdbool.h>

#include "conf.h"

enum migrate_outcome {
    MIGRATE_DONE,
    MIGRATE_UNREACHABLE,    /* worth another try */
    MIGRATE_REFUSED,        /* an operator has to look; logged */
};

enum migrate_outcome migrate_run(const struct conf *conf);

/*
 * Whether the database is what the files say; describes it in text.  Changes
 * nothing.
 */
bool migrate_is_current(const struct conf *conf, char *text, int size);

#endif
