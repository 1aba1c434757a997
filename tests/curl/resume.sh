#!/usr/bin/env bash
# A job is followed with nothing but curl while the broker is killed in the middle of it.
#
#   tests/curl/resume.sh [CALLBOARD]      or CALLBOARD=… tests/curl/resume.sh
#
# One watcher follows the job; the broker gets SIGKILL after the first progress and comes back on
# the same port and store; the watcher goes on with `Last-Event-ID`. A second watcher comes back
# late, after the end, with the same position. Both must read a story without gap and repeat that
# ends exactly once. The worker is played here too, under one lease from beginning to end.
set -Eeuo pipefail

callboard=${1:-${CALLBOARD:-}}
[ -x "$callboard" ] || {
  echo "usage: $0 CALLBOARD (the binary; build it with: cargo build -p callboard)" >&2
  exit 2
}

WAIT_S=20 # for any state; nothing expires for 16 s after a restart
CALL_S=10 # for any call
job=curl-resume-1
whole_story="job_accepted job_assigned job_status_changed complete_job "
dir=$(mktemp -d)
touch "$dir/broker.log" "$dir/first" "$dir/second" "$dir/late"
broker_pid=
watcher_pid=

# shellcheck disable=SC2317,SC2329  # called by the trap
clean_up() {
  trap - ERR
  set +e
  for pid in $broker_pid $watcher_pid; do kill -KILL "$pid" 2>"$dir/ignored" && wait "$pid" 2>"$dir/ignored"; done
  rm -rf "$dir"
}
trap clean_up EXIT
trap 'echo "resume: FAILED at line $LINENO: $BASH_COMMAND" >&2' ERR

step() { echo "resume: $*"; }

fail() {
  echo "resume: FAILED: $*" >&2
  for file in broker.log first second late; do
    [ ! -s "$dir/$file" ] || sed "s/^/  $file: /" "$dir/$file" | tail -n 20 >&2
  done
  exit 1
}

# until_true WHAT COMMAND…: polls until COMMAND succeeds.
until_true() {
  local what=$1 end=$((SECONDS + WAIT_S))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || fail "waited $WAIT_S s in vain for: $what"
    sleep 0.05
  done
}

# call STATUS METHOD PATH [BODY] [CURL ARGUMENT…]: prints the answer, which must have that status.
call() {
  local wanted=$1 method=$2 path=$3 body=${4:-} status
  shift $(($# < 4 ? $# : 4))
  status=$(curl -sS -m "$CALL_S" -o "$dir/answer" -w '%{http_code}' -X "$method" \
    -H 'Content-Type: application/json' ${body:+--data "$body"} "$@" "$url$path") ||
    fail "$method $path was not answered"
  [ "$status" = "$wanted" ] || fail "$method $path answered $status, not $wanted: $(cat "$dir/answer")"
  cat "$dir/answer"
}

# field NAME: the first string or number of that name in the JSON on stdin.
field() { grep -o "\"$1\":\"\{0,1\}[^\",}]*" | head -n 1 | sed "s/^\"$1\":\"\{0,1\}//"; }

# Answers are kept for a look at failures; the silent states are asked for here.
is_ready() { curl -sS -m "$CALL_S" -f -o "$dir/ready" "$url/health/ready" 2>"$dir/ignored"; }
has() { grep -q "$2" "$dir/$1"; }
is_gone() { ! kill -0 "$1" 2>"$dir/ignored"; }
told_address() { url=$(grep -o 'http://127\.0\.0\.1:[1-9][0-9]*' "$dir/broker.log" | tail -n 1); [ -n "$url" ]; }

start_broker() {
  NO_COLOR=1 "$callboard" serve --listen "$1" --store "sqlite:$dir/callboard.db" >>"$dir/broker.log" 2>&1 &
  broker_pid=$!
}

# follow FILE [LAST-EVENT-ID]: the job's stream, into a file.
follow() {
  curl -sN -m 60 ${2:+-H "Last-Event-ID: $2"} "$url/api/jobs/$job/events" >"$dir/$1" &
  watcher_pid=$!
}

# The watcher must end by itself; its exit code goes to watcher_code.
watcher_ends() {
  until_true "the end of the stream $1" is_gone "$watcher_pid"
  watcher_code=0
  wait "$watcher_pid" || watcher_code=$?
  watcher_pid=
}

# Durable messages only: "<id> <json>", in order. A bookmark has no data and is left out.
durable() { cat "$@" | tr -d '\r' | sed -n '/^id: /{s///;h;n;/^data: /{s///;H;x;s/\n/ /;p;};}'; }
ids() { cat "$@" | sed -n 's/^id: //p'; }
seqs() { cut -d- -f2; }

beat() { call 200 POST /api/machines/curl-machine/heartbeat "{\"phase\":\"ready\",\"leases\":[$1]}" >"$dir/beat"; }

# Reads the two parts of one watcher's story and checks all that was promised.
check_story() {
  local name=$1 before="$dir/first" after="$dir/$2" ends all
  durable "$before" >"$dir/story"
  durable "$after" >>"$dir/story"
  ends=$(grep -c '"type":"complete_job"' "$dir/story" || true)
  [ "$ends" = 1 ] || fail "$name: complete_job was told $ends times, not once"
  grep '"type":"complete_job"' "$dir/story" | grep -q '"answer":42' || fail "$name: the result is not the worker's"
  all=$(cut -d' ' -f1 "$dir/story")
  [ -z "$(echo "$all" | sort | uniq -d)" ] || fail "$name: an event came twice: $(echo "$all" | sort | uniq -d)"
  echo "$all" | seqs | sort -n -c -u 2>"$dir/ignored" || fail "$name: the ids do not grow: $all"
  [ "$(ids "$after" | head -n 1 | seqs)" -gt "$(echo "$last" | seqs)" ] || fail "$name: it does not go on after $last"
  ! grep -q '"type":"resync"' "$after" || fail "$name: the position was not taken: $(grep resync "$after")"
  # What must be told of this one run is known, so what is missing would be seen here.
  all=$(grep -o ' {"type":"[a-z_]*' "$dir/story" | cut -d'"' -f4 | tr '\n' ' ')
  [ "$all" = "$whole_story" ] || fail "$name: read $all- not $whole_story"
  step "$name: ${all}- no gap, no repeat"
}

start_broker 127.0.0.1:0
until_true "the broker's address in its log" told_address
until_true "a broker that is ready" is_ready
step "broker $broker_pid at $url"

call 201 POST /api/jobs "{\"job_id\":\"$job\",\"service_required\":\"curl\",\"payload\":{\"by\":\"hand\"}}" >"$dir/submitted"
follow first
until_true "job_accepted in the stream" has first '"type":"job_accepted"'
step "job $job submitted and followed"

call 200 PUT /api/machines/curl-machine '{"hostname":"curl"}' >"$dir/machine"
session=$(call 200 PUT /api/workers/curl-worker '{"machine_id":"curl-machine","services":["curl"]}' | field session)
call 200 POST '/api/workers/curl-worker/next?wait_ms=5000' '{"have":[]}' -H "X-Worker-Session: $session" >"$dir/next"
lease=$(field lease_id <"$dir/next")
attempt=$(field attempt <"$dir/next")
[ -n "$lease" ] || fail "next gave no lease: $(cat "$dir/next")"
step "worker joined and given the job, attempt $attempt"

call 200 POST "/api/leases/$lease/progress" '{"progress":0.25,"message":"a quarter"}' >"$dir/progress"
until_true "the first progress in the stream" has first '"progress":0.25'
until_true "the start of the work in the stream" has first '"type":"job_status_changed"'
beat "\"$lease\""

{ kill -KILL "$broker_pid" && wait "$broker_pid" || true; } 2>"$dir/ignored" # bash says "Killed"
broker_pid=
watcher_ends first
[ "$watcher_code" != 0 ] || fail "the killed broker's stream ended as if it were whole"
last=$(ids "$dir/first" | tail -n 1)
step "broker killed in the middle; the watcher stands at $last"

start_broker "${url#http://}"
until_true "a broker that is ready again" is_ready
step "broker $broker_pid at the same address and store"

follow second "$last"
beat "\"$lease\""
call 200 POST "/api/leases/$lease/renew" '{}' >"$dir/renewed"
call 200 POST "/api/leases/$lease/progress" '{"progress":0.75}' >"$dir/progress"
until_true "the second progress in the resumed stream" has second '"progress":0.75'
beat "\"$lease\""
call 200 POST "/api/leases/$lease/finish" '{"result":{"answer":42}}' >"$dir/finished"
step "the worker went on under the same lease and finished"

watcher_ends second
[ "$watcher_code" = 0 ] || fail "the stream did not end by itself after the job's end (curl: $watcher_code)"
follow late "$last"
watcher_ends late
check_story "the watcher that came back at once" second
check_story "the watcher that came back late" late

call 200 GET "/api/jobs/$job" >"$dir/job"
has job '"status":"completed"' || fail "the job is not completed: $(cat "$dir/job")"
[ "$(field worker_id <"$dir/job")" = curl-worker ] || fail "another worker's name is on it: $(cat "$dir/job")"
[ "$(grep -o '"attempt":' "$dir/job" | wc -l)" -le 1 ] || fail "it was run more than once: $(cat "$dir/job")"
step "the job is completed, in one run"

end=$(ids "$dir/second" | tail -n 1)
call 204 GET "/api/jobs/$job/events" '' -H "Last-Event-ID: $end"
step "resuming after the end answers 204"
echo ok
