# What the scripts of this example have in common; each can be told by the environment.
SPAWNER=${SPAWNER:-http://127.0.0.1:8008}      # the spawner API
SITE=${SITE:-http://localhost:8080}            # the gateway
PREFIX=${PREFIX:-}                             # with path routing: what comes before names
IMAGE=${IMAGE:-mock-app:latest}
IDLE=${IDLE:-1m}                               # after how long a minion ends that nobody asks
MINIONS=${MINIONS:-1 2 3}
COOKIE=${COOKIE:-instance}
SPAWNER_USER=${SPAWNER_USER:-home}
PASSWORD_FILE=${PASSWORD_FILE:-home.password}  # what `reveille spawner-user add home` printed

# A token for the spawner API, good for an hour.
token() {
  curl --fail-with-body -sS "$SPAWNER/login" -H 'Content-Type: application/json' \
    -d "{\"username\":\"$SPAWNER_USER\",\"password\":\"$(cat "$PASSWORD_FILE")\"}" |
    sed -n 's/.*"token":"\([^"]*\)".*/\1/p'
}

# deploy <method> <path> [<body>]: asks the spawner API, with the token of this run.
deploy() {
  TOKEN=${TOKEN:-$(token)}
  [ -n "$TOKEN" ] || { echo "could not log in at $SPAWNER as $SPAWNER_USER" >&2; return 1; }
  curl --fail-with-body -sS -X "$1" -H "token: $TOKEN" -H 'Content-Type: application/json' \
    ${3:+-d "$3"} "$SPAWNER/deploy/${2:-}"
  echo
}
