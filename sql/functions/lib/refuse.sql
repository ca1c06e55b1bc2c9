create or replace function lib.refuse(status int, code text, detail text) returns void
language plpgsql immutable
as $$
begin
    raise exception using errcode = 'PT' || status, message = code, detail = detail;
end $$;
comment on function lib.refuse is 'Ends a call of the API with this status, stable code and detail.';
