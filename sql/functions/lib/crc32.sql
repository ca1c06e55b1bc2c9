create or replace function lib.crc32(bytes bytea) returns bigint
language plpgsql immutable strict
as $$
declare
    crc bigint := 4294967295;
begin
    for i in 0 .. length(bytes) - 1 loop
        crc := crc # get_byte(bytes, i);
        for bit in 1 .. 8 loop
            crc := (crc >> 1) # (case when crc & 1 = 1 then 3988292384 else 0 end);
        end loop;
    end loop;
    return crc # 4294967295;
end $$;
comment on function lib.crc32 is 'CRC-32 as zlib computes it (polynomial edb88320).';
