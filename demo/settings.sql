-- What the demo gives away: 100 credits on joining, 10 a day for the active.
insert into setting (name, value)
values ('join_credits', '100000000'), ('daily_credits', '10000000')
on conflict (name) do update set value = excluded.value;
