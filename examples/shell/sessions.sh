#!/bin/sh
# Signs in, lists, revokes, moves the clock, plans a fault and asks for the verdict, with curl alone.
# Needs a server: tiledesk-fake serve & tiledesk-fake wait
set -eu

server=${TILEDESK_FAKE_URL:-http://127.0.0.1:8000}
world=$server/w/shell-$$

# Calls the control API: METHOD PATH [JSON]. Where that is refused, the answer says what to write.
control() {
    told=$(curl --silent --show-error --fail-with-body --noproxy '*' -X "$1" "$world/_fake$2" \
        -H 'Content-Type: application/json' \
        ${TILEDESK_FAKE_CONTROL_TOKEN:+-H "Authorization: Bearer $TILEDESK_FAKE_CONTROL_TOKEN"} \
        ${3:+--data "$3"}) || { echo "not ok: $1 $2: $told" >&2; return 1; }
    printf '%s\n' "$told"
}

# Calls the API as a client does: METHOD PATH AUTHORIZATION. Prints the status.
status() {
    curl --silent --noproxy '*' -o /dev/null -w '%{http_code}' -X "$1" "$world/v3$2" -H "Authorization: $3"
}

expect() {
    [ "$2" = "$3" ] || { echo "not ok: $1: expected $2, got $3"; exit 1; }
    echo "ok: $1"
}

# The text in the first field of this name.
field() {
    sed -n "s/^[^\"]*\(\"[^\"]*\"[^\"]*\)*\"$1\":\"\([^\"]*\)\".*/\2/p"
}

trap 'control DELETE "" > /dev/null' EXIT

ada=$(control POST /users '{"email": "ada@example.com", "password": "secret"}' | field _id)
control POST "/users/$ada/tokens" '{"jti": "phone"}' > /dev/null
token=$(curl --silent --noproxy '*' "$world/v3/auth/signin" -H 'Content-Type: application/json' \
    --data '{"email": "ada@example.com", "password": "secret"}' | field token)

expect "whoever signed in may list" 200 "$(status GET /jwt/history "$token")"
expect "and revoke" 200 "$(status DELETE /jwt/history/phone "$token")"

control POST /faults '{"operation": "listTokens", "status": 503}' > /dev/null
expect "a fault is met once" 503 "$(status GET /jwt/history "$token")"
expect "and no more" 200 "$(status GET '/jwt/history?page=0' "$token")"

short=$(control POST "/users/$ada/tokens" '{"expires_in_s": 60}' | field authorization)
control POST /clock/advance '{"minutes": 2}' > /dev/null
expect "a token whose time is up opens nothing" 401 "$(status GET /jwt/history "$short")"

# What a test ends with: the text says what the client did wrong.
control GET /verdict | grep -q '"ok":true' || { control GET /verdict; exit 1; }
echo "ok: the verdict"
