# accounts.sh: the demo's catalog, plans and customers; sourced by up.sh.  What is
# there already stays, and keeps its keys.

people=$state/demo
(umask 077; mkdir -p "$people")

# plans_of FILE: a line "code<tab>plan" for each plan of the file.
plans_of() {
    perl -MJSON::PP -e 'local $/; my $json = JSON::PP->new->utf8->canonical;
        print "$_->{code}\t", $json->encode($_), "\n"
            for @{ $json->decode(<STDIN>) }' < "$1"
}

load_catalog() {
    local code plan

    tollgate catalog put -f "$root/demo/catalog.json" > /dev/null
    tollgate content load -f "$root/demo/content.json" > /dev/null
    while IFS=$'\t' read -r code plan; do
        tollgate plans put "$code" -f - <<< "$plan" > /dev/null
    done < <(plans_of "$root/demo/plans.json")
}

# customer NAME PLAN CREDITS: an account with an app and a key, once.
customer() {
    local name=$1 plan=$2 credits=$3 account app

    [ ! -s "$people/$name.key" ] || return 0

    account=$(tollgate accounts create "Demo $name" -o name)
    app=$(tollgate apps create "$account" "Demo app of $name" --kind web \
        -o name)
    [ "$plan" = payg ] ||
        tollgate accounts set-plan "$account" "$plan" > /dev/null
    [ "$credits" = 0 ] ||
        tollgate credits grant "$account" "$credits" --source purchase --yes \
            --note "demo purchase" > /dev/null
    printf '%s\n' "$account" > "$people/$name.account"
    (umask 077; tollgate keys create "$app" --name demo -o name 2> /dev/null \
        > "$people/$name.new")
    mv "$people/$name.new" "$people/$name.key"
}

# A wallet that earlier runs have used up is filled again.
top_up() {
    local account balance

    account=$(cat "$people/$1.account")
    balance=$(tollgate accounts get "$account" -o json | member balance)
    [ "${balance%.*}" -ge "$2" ] ||
        tollgate credits grant "$account" "$3" --source purchase --yes \
            --note "demo purchase" > /dev/null
}

write_env() {
    local name

    (umask 077
     {
         echo "GATE=http://127.0.0.1:$port"
         for name in PAYG FREE BASIC PRO ENTERPRISE POOR; do
             echo "KEY_$name=$(cat "$people/$name.key")"
         done
     } > "$state/demo.env.new")
    mv "$state/demo.env.new" "$state/demo.env"
}

load_catalog
customer POOR payg 30
psql_demo < "$root/demo/settings.sql" > /dev/null
customer PAYG payg 1000
customer FREE free 0
customer BASIC basic 0
customer PRO premium 0
customer ENTERPRISE enterprise 0
customer HASTY free 0
top_up PAYG 500 1000
write_env
say "loaded the demo's catalog, plans and customers"
