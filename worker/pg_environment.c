/* pg_environment.c: where Postgres is, for programs that are run. */

#include <libpq-fe.h>
#include <stdlib.h>

#include "pg.h"


bool
pg_environment(const char *dsn)
{
    bool               ok = true;
    PQconninfoOption  *options = PQconninfoParse(dsn, NULL), *option;

    for (option = options; option != NULL && option->keyword != NULL;
         option++)
    {
        if (option->val != NULL && option->envvar != NULL) {
            ok = setenv(option->envvar, option->val, 1) == 0 && ok;
        }
    }
    PQconninfoFree(options);

    return ok && options != NULL;
}
