# A grant that is asked for again with its Idempotency-Key is made again
# in sql/functions/api/credit_grant.sql
s/coalesce\(idempotency_key, gen_random_uuid\(\)::text\)/gen_random_uuid()::text/
