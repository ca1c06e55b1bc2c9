# The ledger takes any event for the next one of its register
# in sql/functions/ledger/settle_check.sql
s/ *when seq <> before_seq \+ 1 then 'a gap in the register'\n//
