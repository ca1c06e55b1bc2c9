create or replace function lib.micro(args jsonb, argument text) returns bigint
language sql immutable
as $$
    select lib.decimal(args, argument, 6,
                       'an amount of credits as "12.5", with at most 6 decimals and below 9007199254.740992');
$$;
comment on function lib.micro is 'An argument of credits as micro-credits.';
