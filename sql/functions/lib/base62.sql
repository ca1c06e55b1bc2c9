create or replace function lib.base62(number bigint, width int) returns text
language sql immutable strict
as $$
    with recursive digits (rest, text) as (
        select number, ''
        union all
        select rest / 62,
               substr('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
                      (rest % 62)::int + 1, 1) || text
        from digits
        where length(text) < width
    )
    select text from digits where length(text) = width;
$$;
comment on function lib.base62 is 'The last digits of a number in base62, most significant first, padded with 0.';
