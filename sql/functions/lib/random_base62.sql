create or replace function lib.random_base62(width int) returns text
language sql volatile strict
set search_path = public, pg_temp
as $$
    select string_agg(substr('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
                             byte % 62 + 1, 1), '')
    from (select get_byte(bytes, i) as byte
          from (select gen_random_bytes(width * 4 + 32) as bytes) random,
               generate_series(0, width * 4 + 31) i
          where get_byte(bytes, i) < 248
          limit width) fair;
$$;
comment on function lib.random_base62 is 'So many random digits; bytes over 247 are left out, so that all digits are equally likely.';
