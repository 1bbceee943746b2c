#!/bin/bash
# One round between two power cuts: what the last cut has left, then charging until the next one comes.
#
#   power-cut.sh SECONDS    how long to charge (at 45 kW: 50 Wh in 4 s) before the plug is pulled
#
# Keeps its memory in /var/lib/power-cuts: the lifetime energy that was read before the cut, and its time.
set -euo pipefail
fail() { echo "FAILED: $*"; journalctl -b -o short-monotonic --no-pager -n 60; exit 1; }
memory=/var/lib/power-cuts
get() { curl -sf -m 20 "http://127.0.0.1/api/v1/$1"; }
value() { python3 -c "import json, sys; print(json.load(sys.stdin)$1)"; }
# Asked many times a round; an emulated processor has better things to do than to start Python for it.
quick() { sed -n "s/.*\"$1\": *\"\{0,1\}\([0-9A-Za-z.]*\).*/\1/p"; } # KEY, of a flat answer on one line
until_state() { # STATE SECONDS
    local end=$((SECONDS + $2))
    until [ "$(get state | quick state)" = "$1" ]; do
        [ $SECONDS -le $end ] || fail "no state $1: $(get state)"; sleep 0.5
    done
}
if [ ! -e $memory ]; then
    mkdir street && cp ./*.py board.yaml make-pi.sh street/
    sh street/make-pi.sh
    apt-get install -y --no-install-recommends ./*.deb >log.txt 2>&1 || { tail -n 20 log.txt; exit 1; }
    cp board.yaml /etc/evsed/board.yaml
    systemctl restart street pigpiod evsed
    mkdir $memory
    until_state A 200
    # 45 kW, so that the energy is written every few seconds
    curl -sf -m 20 -H 'Content-Type: application/json' -d '{"maxChargingCurrent": 50, "defaultChargingCurrent": 50,
        "energyMeterThreePhases": true, "energyMeterAcVoltage": 300}' http://127.0.0.1/api/v1/config/evse || fail "a setting is refused"
    sync
else
    ! dmesg | grep -E 'EXT4-fs (error|warning)' || fail "the file system is damaged"
    until_state A 200
    [ "$(get config/evse | value "['maxChargingCurrent']")" = 50 ] || fail "a setting is lost"
    ! journalctl -b -o cat --no-pager -u evsed | grep -E '^Traceback|damaged' || fail "the daemon complains"
fi
# What is not asked here would only be started a hundred times.
if [ ! -e $memory/masked ]; then
    systemctl mask --quiet NetworkManager NetworkManager-wait-online wpa_supplicant avahi-daemon hostapd systemd-timesyncd \
        apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap fstrim.timer man-db.timer 2>/dev/null || true
    touch $memory/masked
fi
total=$(get state | value "['totalConsumption']")
echo "lifetime energy: $total Ws, before the cut: $(cat $memory/energy 2>/dev/null || echo 0)"
# Decision: at most 100 Wh are lost, and what was counted once is never taken back further than that.
python3 - "$total" "$(cat $memory/energy 2>/dev/null || echo 0)" "$(cat $memory/start 2>/dev/null || echo 0)" <<'IN' || fail "energy"
import sys
now, before, start = (float(word) for word in sys.argv[1:])
assert now >= start, "less than at the last start"
assert now >= before - 100 * 3600, "more than 100 Wh lost"
print(f"lost by the cut: {max(before - now, 0) / 3600:.1f} Wh")
IN
echo "$total" >$memory/start
python3 - <<'IN'
import asyncio, pathlib
from evsed.hardware.simulator.control_client import SimulatorClient
asyncio.run(SimulatorClient(pathlib.Path("/run/street/sim.sock")).set({"vehicle": "charging", "maxCurrent": 50}))
IN
until_state C2 60
sync
end=$((SECONDS + $1))
while [ $SECONDS -lt $end ]; do
    get state | quick totalConsumption >$memory/energy.new
    mv $memory/energy.new $memory/energy
    sync $memory/energy
    sleep 0.3
done
echo "charging, $(cat $memory/energy) Ws"
