-- Wallets made again at speed: what is written to a recovery twice has room in its page, so that no index is touched.

alter table recovery set (fillfactor = 20);

drop function if exists ledger.recover_shard;
drop function if exists ledger.recover_report;
