-- What the demo gives away: 100 credits on joining, 10 a day for the active; and what
-- a credit brings at least, 1000 for 350 baht.
insert into setting (name, value)
values ('join_credits', '100000000'), ('daily_credits', '10000000'),
       ('credit_value', '350000000'), ('credit_currency', 'THB')
on conflict (name) do update set value = excluded.value;
