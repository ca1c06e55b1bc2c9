# show.sh: sends real requests through the gate, and shows what they did and what
# became of them in the ledger; sourced by up.sh.

. "$state/demo.env"
hasty=$(cat "$people/HASTY.key")
answer=$state/demo/answer

# show TITLE METHOD PATH KEY [CURL-OPTION...]: one request and its answer.
show() {
    local title=$1 method=$2 path=$3 key=$4
    shift 4

    printf '\n--- %s\n' "$title"
    if [ -n "$key" ]; then
        say "curl -X $method -H 'Authorization: Bearer ${key:0:12}...' \$GATE$path"
    else
        say "curl -X $method \$GATE$path"
    fi
    call "$method" "$path" "$key" "$@"
    tr -d '\r' < "$answer" | grep -v -i -E \
        '^(server|date|connection|transfer-encoding|content-length|etag|vary|last-modified|accept-ranges|keep-alive):' |
        cut -c1-300 | head -40
}

call() {
    local method=$1 path=$2 key=$3
    shift 3

    curl -s -i -X "$method" "$@" ${key:+-H "Authorization: Bearer $key"} \
        "$GATE$path" > "$answer" || die "no answer from $GATE$path"
}

# Until the gate has learnt of the customers.
wait_for_customers() {
    local name

    for name in PAYG FREE BASIC PRO ENTERPRISE POOR HASTY; do
        wait_for 30 "the gate to know KEY_$name" passes \
            "$(cat "$people/$name.key")"
    done
}

# The gate itself lets this key in: not 401, not 503.
passes() {
    call GET /hello "$1"
    ! head -1 "$answer" | grep -q -E ' (401|503) '
}

# POOR can pay an image, but no video: what daily credits have added is spent.
spend_poor() {
    call POST /poster-editor/quick-edit "$KEY_POOR"
    call POST "/video-generator/generate?modelId=standard" "$KEY_POOR"
}

# More requests at once than the plan's rate allows, until one is refused.
hurry() {
    local tries

    for tries in $(seq 200); do
        call GET /video/view/1 "$hasty"
        ! head -1 "$answer" | grep -q ' 429 ' || return 0
    done
    die "200 requests in a row were not refused" "see run/nginx/error.log"
}

settled() {
    tollgate ledger verify > /dev/null &&
        psql_demo <<< "select 1 from charge where account = '$1'
            having count(*) >= $2" | grep -q 1
}

wait_for_customers
spend_poor

show "a request that is paid for by credits" \
    POST /poster-editor/quick-edit "$KEY_PAYG" -H "X-User: somchai"
show "a failed call of the backend is refunded" \
    POST /poster-editor/quick-edit "$KEY_PAYG" -H "X-Demo-Fail: 1"
show "a model that the plan includes" \
    POST "/video-generator/generate?modelId=veo-3" "$KEY_PRO"
show "no key: 401" POST /poster-editor/quick-edit ""
show "too few credits: 402" \
    POST "/video-generator/generate?modelId=standard" "$KEY_POOR"
show "a model of a higher tier: 403" \
    POST "/video-generator/generate?modelId=veo-3" "$KEY_BASIC"
hurry
show "too many requests: 429" GET /video/view/1 "$hasty"

payg=$(cat "$people/PAYG.account")
poor=$(cat "$people/POOR.account")
wait_for 30 "the charges to be settled" settled "$payg" 1
wait_for 30 "the charges to be settled" settled "$poor" 1

printf '\n--- what they became in the ledger: tollgate statement %s\n' \
    "$payg"
tollgate statement "$payg"
printf '\n--- and that of the poor: tollgate statement %s\n' "$poor"
tollgate statement "$poor"
printf '\n--- edge and ledger compared: tollgate ledger verify\n'
tollgate ledger verify

cat <<TEXT

The gate answers on $GATE. Try next:

  . run/demo.env
  curl -i -X POST -H "Authorization: Bearer \$KEY_PAYG" "\$GATE/video-mixer/generate"
  curl -s -H "Authorization: Bearer \$KEY_PRO" "\$GATE/api/quota/status"
  export TOLLGATE_SOCKET=\$PWD/run/worker/admin.sock
  build/tollgate accounts list
  build/tollgate doctor

What is gated, and at which price: demo/gate.conf and demo/catalog.json.
Stop it with \`make down\`; gate your own backend with
  UPSTREAM=http://127.0.0.1:3000 make up
TEXT
