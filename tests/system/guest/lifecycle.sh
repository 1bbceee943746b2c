#!/bin/bash
# The life of the package in a virtual Pi: install, maintenance, a hat, every failure while a car is charging,
# upgrade, removal, purge. Ends with a status that is not 0 at the first thing that is not as it should be.
#
#   lifecycle.sh SLOW    limits are this many times as long
#
# Beside it: the packages, those they depend on that the machine's archive lacks, and the other files of this folder.
set -euo pipefail
say() { echo "[$(cut -d' ' -f1 /proc/uptime) s] $*"; }
fail() { echo "FAILED: $*"; journalctl -o short-monotonic --no-pager -n 60; exit 1; }
files() {
    find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/tmp -o -path /var/log \
        -o -path /var/cache -o -path /var/lib/apt -o -path /var/lib/dpkg -o -path /var/lib/systemd -o -path /host \
        -o -path /root -o -name __pycache__ \) -prune -o -print | LC_ALL=C sort
}
quiet() { "$@" >log.txt 2>&1 || { tail -n 30 log.txt; fail "$*"; }; }
active() { # UNIT SECONDS
    local end=$((SECONDS + $2))
    until systemctl is-active --quiet "$1"; do [ $SECONDS -le $end ] || fail "$1 is $(systemctl is-active "$1")"; sleep 0.5; done
}
reason() { curl -sf -m 20 http://127.0.0.1/api/v1/reason | python3 -c "import json, sys; print(json.load(sys.stdin)['$1'])"; }

here=$PWD
mkdir street && cp ./*.py board.yaml make-pi.sh street/
sh street/make-pi.sh
dependencies=()
for deb in ./*.deb; do case $deb in ./evsed_*|./evsed-lua54_*) ;; *) dependencies+=("$deb") ;; esac; done
if [ ${#dependencies[@]} != 0 ]; then quiet apt-get install -y --no-install-recommends "${dependencies[@]}"; fi
files >/root/files-before

say "install"
quiet apt-get install -y --no-install-recommends ./evsed_*.deb ./evsed-lua54_*.deb
active evsed 200
say "installed, $(dpkg-query -W -f '${Package} ${Version} ${Architecture}; ' evsed evsed-lua54)"
systemctl is-enabled --quiet evsed evsed-guard || fail "not enabled"
[ "$(ps -o user= -p "$(systemctl show -p MainPID --value evsed)")" = evsed ] || fail "not its own user"
say "without a hat: $(reason maintenance)"
[ "$(reason reason)" = maintenance ] || fail "not in maintenance"
for unit in evsed evsed-guard; do
    quiet systemd-analyze verify "$(systemctl show -p FragmentPath --value $unit)"
    score=$(systemd-analyze security --no-pager $unit.service | sed -n 's/.* exposure level for .*: \([0-9.]\+\) .*/\1/p')
    say "exposure of $unit: $score"
    awk -v "score=$score" 'BEGIN { exit !(score ~ /^[0-9.]+$/ && score + 0 <= 2.0) }' || fail "exposure of $unit"
done

say "a hat"
cp board.yaml /etc/evsed/board.yaml
systemctl restart street pigpiod evsed
active evsed 200
grep -q '^contactor 17 0$' /run/evsed/pins || fail "no pins noted"
say "$(systemctl show -p StatusText --value evsed)"
python3 street/failures.py --slow "$1" || fail "see the table"
journalctl -o cat --no-pager -u evsed -u evsed-guard -u pigpiod | grep -E 'safe-off:|guard:' | sort | uniq -c

say "upgrade"
echo "# mine" >>/etc/evsed/board.yaml
quiet apt-get install -y --reinstall --no-install-recommends ./evsed_*.deb
active evsed 200
grep -q '^# mine$' /etc/evsed/board.yaml || fail "the upgrade has replaced the board file"

say "remove"
quiet apt-get remove -y evsed
[ -e /etc/evsed/board.yaml ] && [ -d /var/lib/evsed ] || fail "removal took settings with it"
! systemctl is-active --quiet evsed evsed-guard || fail "still running"

say "purge"
quiet apt-get purge -y evsed evsed-lua54
files | LC_ALL=C comm -13 /root/files-before - >new.txt
cat /var/lib/dpkg/info/*.list | LC_ALL=C sort -u | LC_ALL=C comm -23 new.txt - | grep -v "^$here" >left.txt || true
[ ! -s left.txt ] || { cat left.txt; fail "left behind"; }
say "nothing left behind"
