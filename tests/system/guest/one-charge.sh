#!/bin/bash
# The packages on a machine of another architecture: install, start, charge the car of a simulated board once, a
# script in Lua, remove. Ends with a status that is not 0 at the first thing that is not as it should be.
#
#   one-charge.sh ARCHITECTURE    what the machine is expected to be, in Debian's words
set -euo pipefail
say() { echo "[$(cut -d' ' -f1 /proc/uptime) s] $*"; }
fail() { echo "FAILED: $*"; journalctl -o short-monotonic --no-pager -u evsed -u evsed-guard -n 60; exit 1; }
api=http://127.0.0.1/api/v1
get() { curl -sf -m 60 "$api/$1"; }
post() { curl -sf -m 60 -H 'Content-Type: application/json' -d "$2" "$api/$1" >/dev/null || fail "POST $1"; }
value() { python3 -c "import json, sys; print(json.load(sys.stdin)$1)"; }
until_it_says() { # WHAT SECONDS COMMAND...
    local what=$1 end=$((SECONDS + $2)); shift 2
    until "$@" 2>/dev/null | grep -q "$what"; do [ $SECONDS -le $end ] || fail "no $what: $("$@")"; sleep 1; done
}
[ "$(dpkg --print-architecture)" = "$1" ] || fail "this is not $1"
say "$(uname -sm), $(python3 --version)"
mkdir -p /etc/evsed
apt-get install -y --no-install-recommends ./*.deb >log.txt 2>&1 || { tail -n 30 log.txt; fail install; }
say "$(dpkg-query -W -f '${Package} ${Version} ${Architecture}; ' evsed evsed-lua54)"
until_it_says maintenance 300 get reason
say "without a hat: maintenance"
echo 'board: sim' >>/etc/evsed/evsed.yaml
systemctl restart evsed
until_it_says '"state": *"A"' 300 get state
say "$(systemctl show -p StatusText --value evsed)"
[ "$(ps -o user= -p "$(systemctl show -p MainPID --value evsed)")" = evsed ] || fail "not its own user"
post simulator '{"vehicle": "charging"}'
until_it_says '"state": *"C2"' 120 get state
sleep 20
energy=$(get state | value "['consumption']")
say "charging: $(get state)"
python3 -c "import sys; sys.exit(float('$energy') < 1000)" || fail "$energy Ws in 20 s"
printf 'print("lua says " .. _VERSION)\n' >hello.lua
evsed script run hello.lua 2>&1 | grep -q 'lua says Lua 5.4' || fail "no Lua: $(evsed script run hello.lua 2>&1)"
say "Lua 5.4 runs"
post simulator '{"vehicle": "none"}'
until_it_says '"state": *"A"' 60 get state
say "the car has left: $(get 'sessions?limit=1' | head -c 300)"
apt-get purge -y evsed evsed-lua54 >log.txt 2>&1 || { tail -n 30 log.txt; fail purge; }
[ ! -e /var/lib/evsed ] && [ ! -e /etc/evsed ] || fail "left behind: $(find /var/lib/evsed /etc/evsed)"
say "one charge, and nothing left behind"
