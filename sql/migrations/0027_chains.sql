-- What makes an account's events go the long way has to be found fast.

create index void_request_account on void_request (account, at) where credits is null;
create index unpaid_use_at on unpaid_use (account, at) where state <> 'paid';
create index unpaid_use_charging on unpaid_use (account) where state = 'charging';
