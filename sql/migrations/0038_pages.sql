-- Wallets made again at speed: pages tell which recoveries they are of, and to mark a wallet writes nothing to its account.

drop function if exists ledger.recover_due;

-- accounts are never removed, and each row is made from one; the check would lock every account's row, which is a write
alter table recovery drop constraint recovery_account_fkey;
