/*
 * rds_reply.c: replies of Redis, and what they hold.
 *
 * The reader is hiredis', what it makes is ours: a page of a stream has two
 * dozen values an entry, so a reply takes its memory from blocks, which go
 * with it.
 */

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "rds_node.h"


#define REPLY_BLOCK_MIN  256
#define REPLY_BLOCK_MAX  65536
#define REPLY_ALIGN      sizeof(max_align_t)

struct reply_block {
    struct reply_block  *next;
    size_t               used;
    size_t               size;
    max_align_t          room[];
};

/* The value that hiredis returns, with the blocks of all below it. */
struct reply_whole {
    struct reply_block  *blocks;
    redisReply           value;
};


/* Blocks grow, for most replies are small. */
static void *
reply_room(struct reply_whole *whole, size_t size)
{
    char                *room;
    size_t               block_size = REPLY_BLOCK_MIN;
    struct reply_block  *block = whole->blocks;

    size = (size + REPLY_ALIGN - 1) / REPLY_ALIGN * REPLY_ALIGN;

    if (block == NULL || block->size - block->used < size) {
        if (block != NULL) {
            block_size = block->size < REPLY_BLOCK_MAX / 2 ? block->size * 2
                                                           : REPLY_BLOCK_MAX;
        }
        if (block_size < size) {
            block_size = size;
        }
        block = malloc(sizeof(*block) + block_size);
        if (block == NULL) {
            return NULL;
        }
        block->next = whole->blocks;
        block->used = 0;
        block->size = block_size;
        whole->blocks = block;
    }

    room = (char *) block->room + block->used;
    block->used += size;

    return room;
}


static struct reply_whole *
reply_whole(redisReply *value)
{
    return (struct reply_whole *) ((char *) value
                                   - offsetof(struct reply_whole, value));
}


/* The whole that a value of this task belongs to. */
static struct reply_whole *
reply_of(const redisReadTask *task)
{
    while (task->parent != NULL) {
        task = task->parent;
    }

    return reply_whole(task->obj);
}


/* A value in its place, with room for what it holds; NULL: no memory. */
static redisReply *
reply_value(const redisReadTask *task, size_t size, void **held)
{
    redisReply          *value, *parent;
    struct reply_whole  *whole;

    if (task->parent == NULL) {
        whole = calloc(1, sizeof(*whole));
        if (whole == NULL) {
            return NULL;
        }
        value = &whole->value;

    } else {
        whole = reply_of(task);
        value = reply_room(whole, sizeof(*value));
        if (value == NULL) {
            return NULL;
        }
        *value = (redisReply) { 0 };
    }

    *held = size > 0 ? reply_room(whole, size) : NULL;
    if (size > 0 && *held == NULL) {
        if (task->parent == NULL) {
            free(whole);
        }
        return NULL;
    }

    value->type = task->type;
    if (task->parent != NULL) {
        parent = task->parent->obj;
        parent->element[task->idx] = value;
    }

    return value;
}


static void *
reply_string(const redisReadTask *task, char *text, size_t len)
{
    void        *held;
    redisReply  *value = reply_value(task, len + 1, &held);

    if (value != NULL) {
        value->str = held;
        value->len = len;
        memcpy(value->str, text, len);
        value->str[len] = '\0';
    }

    return value;
}


static void *
reply_array(const redisReadTask *task, int elements)
{
    void        *held;
    size_t       size = (size_t) elements * sizeof(redisReply *);
    redisReply  *value = reply_value(task, size, &held);

    if (value != NULL && elements > 0) {
        value->element = memset(held, 0, size);
        value->elements = (size_t) elements;
    }

    return value;
}


static void *
reply_integer(const redisReadTask *task, long long number)
{
    void        *held;
    redisReply  *value = reply_value(task, 0, &held);

    if (value != NULL) {
        value->integer = number;
    }

    return value;
}


static void *
reply_nil(const redisReadTask *task)
{
    void  *held;

    return reply_value(task, 0, &held);
}


static void
reply_free(void *value)
{
    rds_clear(value);
}


redisReader *
rds_reply_reader(void)
{
    static redisReplyObjectFunctions  functions = {
        .createString = reply_string, .createArray = reply_array,
        .createInteger = reply_integer, .createNil = reply_nil,
        .freeObject = reply_free,
    };

    return redisReaderCreateWithFunctions(&functions);
}


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
    struct reply_block  *block;
    struct reply_whole  *whole;

    if (reply == NULL) {
        return;
    }

    whole = reply_whole(reply);
    while ((block = whole->blocks) != NULL) {
        whole->blocks = block->next;
        free(block);
    }
    free(whole);
}


void
rds_clear_at(rds_reply_t **reply)
{
    rds_clear(*reply);
}
