/* rds_reply.c: what a reply of Redis holds. */

#include <hiredis/hiredis.h>

#include "rds.h"


int64_t
rds_int(const rds_reply_t *reply)
{
    return reply != NULL && reply->type == REDIS_REPLY_INTEGER
           ? reply->integer : INT64_MIN;
}


const char *
rds_text(const rds_reply_t *reply)
{
    return reply != NULL
           && (reply->type == REDIS_REPLY_STRING
               || reply->type == REDIS_REPLY_STATUS)
           ? reply->str : NULL;
}


const char *
rds_refusal(const rds_reply_t *reply)
{
    return reply != NULL && reply->type == REDIS_REPLY_ERROR
           ? reply->str : NULL;
}


size_t
rds_len(const rds_reply_t *reply)
{
    if (reply == NULL) {
        return 0;
    }

    return reply->type == REDIS_REPLY_ARRAY ? reply->elements
           : rds_text(reply) != NULL ? (size_t) reply->len : 0;
}


const rds_reply_t *
rds_at(const rds_reply_t *reply, size_t i)
{
    return reply != NULL && reply->type == REDIS_REPLY_ARRAY
           && i < reply->elements ? reply->element[i] : NULL;
}


void
rds_clear(rds_reply_t *reply)
{
    if (reply != NULL) {
        freeReplyObject(reply);
    }
}


void
rds_clear_at(rds_reply_t **reply)
{
    rds_clear(*reply);
}
