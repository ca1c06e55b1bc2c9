create or replace function lib.invalid(argument text, wanted text) returns void
language plpgsql immutable
as $$
begin
    perform lib.refuse(422, 'invalid_argument', format('"%s" must be %s', argument, wanted));
end $$;
comment on function lib.invalid is 'Refuses an argument and says what it must be.';
