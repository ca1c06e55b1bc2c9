# A command that is sent again is applied again: nobody looks at its number
# in redis/apply.lua
s/if number <= applied then/if false then/
