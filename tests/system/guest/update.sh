#!/bin/bash
# Updates in a Debian machine with systemd and polkit; runs there as root, without a network.
# Beside it lie the packages of evsed and whatever they need that the machine does not have.
#
#   update.sh SLOW all      install, refuse what is to be refused, update, go back from a broken version
#   update.sh SLOW begin S  install, begin an update and end S seconds into it (the power is then cut)
#   update.sh SLOW after    after that cut: one of the two versions runs, whole
set -euo pipefail
here=$PWD
slow=$1; shift
api=http://127.0.0.1/api/v1

say() { echo "update.sh: $*"; }
fail() {
  say "FAILED: $*"
  journalctl --no-pager -n 60 -o short-monotonic -u evsed -u evsed-update -u evsed-update-resume || true
  cat /var/lib/evsed-update/result.json 2>/dev/null || true
  exit 1
}
expect() { # WHAT WANTED FOUND
  [ "$2" = "$3" ] || fail "$1: wanted $2, found $3"
  say "$1: $3"
}
eventually() { # SECONDS COMMAND...
  local end=$((SECONDS + $1 * slow)); shift
  until "$@" >/dev/null 2>&1; do [ $SECONDS -le $end ] || fail "never came true: $*"; sleep 0.5; done
}
get() { curl -sf -m 20 "$api/$1"; }
post() { curl -sf -m 20 -H 'Content-Type: application/json' -d "$2" "$api/$1" >/dev/null; }
key() { python3 -c 'import json, sys; found = json.load(sys.stdin)
for name in sys.argv[1:]: found = found[name] if found is not None else None
print(found)' "$@"; }
version() { get info | key appVersion; }
outcome() { get firmware/progress | key last outcome; }
runs() { [ "$(version)" = "v$1" ]; }
ended() { [ "$(outcome)" = "$1" ]; }
upload() { curl -s -m 300 -o /tmp/answer -w '%{http_code}' -H 'Content-Type: application/octet-stream' --data-binary "@$1" "$api/firmware/upload"; }
state_is() { [ "$(get state | key state)" = "$1" ]; }

# A package like another one: PACKAGE TARGET VERSION, then sed programs for its control file and its code.
remade() {
  local tree; tree=$(mktemp -d)
  dpkg-deb -R "$1" "$tree"
  sed -i "s/^Version: .*/Version: $3/" "$tree/DEBIAN/control"
  sed -i "s/^__version__ = .*/__version__ = \"$3\"/" "$tree/usr/lib/python3/dist-packages/evsed/__init__.py"
  [ -z "${4:-}" ] || sed -i "$4" "$tree/DEBIAN/control"
  [ -z "${5:-}" ] || sed -i "$5" "$tree/usr/lib/python3/dist-packages/evsed/cli.py"
  (cd "$tree" && find usr -type f ! -path '*/DEBIAN/*' -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
  dpkg-deb --root-owner-group -Zgzip -b "$tree" "$2" >/dev/null
  rm -rf "$tree"
}
sign() {
  minisign -S -s "$here/secret" -m "$1" </dev/null >/dev/null
  python3 -m evsed.services.update.signing "$1" "$1.minisig"
}
# What has to be the same before and after.
kept() { get config; get state | key totalConsumption; cat /etc/evsed/board.yaml; }

# What dpkg misses; some machines leave parts of every package out, from the beginning.
verified() { { dpkg --verify evsed || true; } | grep -v ' c /etc/' | LC_ALL=C sort; }

set_up() {
  export DEBIAN_FRONTEND=noninteractive
  if [ "$slow" != 1 ]; then # limits of the units, for a processor that is emulated
    mkdir -p /etc/systemd/system/evsed.service.d /etc/systemd/system/evsed-update.service.d
    printf '[Service]\nTimeoutStartSec=600\nWatchdogSec=60\nTimeoutStopSec=60\n' >/etc/systemd/system/evsed.service.d/slow.conf
    printf '[Service]\nExecStart=\nExecStart=/usr/bin/python3 -ISB /usr/libexec/evsed/update --ready 900\n' >/etc/systemd/system/evsed-update.service.d/slow.conf
    systemctl daemon-reload
  fi
  mv evsed_*_all.deb evsed.deb && mkdir needed && find . -maxdepth 1 -name '*.deb' ! -name evsed.deb -exec mv {} needed/ \;
  apt-get -qq update || true
  apt-get -q -y --no-install-recommends install $(find needed -name '*.deb' -printf './%p ') ./evsed.deb >install.log 2>&1 || { cat install.log; fail "no installation"; }
  first=$(dpkg-query -W -f '${Version}' evsed)
  verified >/root/verified || true
  minisign -G -W -p release.pub -s secret </dev/null >/dev/null
  install -D -m 644 release.pub /etc/evsed/keys.d/release.pub
  cp /usr/share/evsed/boards/sim.yaml /etc/evsed/board.yaml
  mkdir -p /srv/channel && chmod 755 /srv/channel
  python3 - <<'PYTHON'
import re
file = "/etc/evsed/board.yaml"
text = re.sub(r"(?ms)^ota:.*?(?=^\S|\Z)", "", open(file).read())
open(file, "w").write(text + "ota:\n  channels:\n    - {name: stable, path: 'file:///srv/channel/stable.json'}\n")
PYTHON
  systemctl --no-block restart evsed
  eventually 60 state_is A
  remade evsed.deb new.deb 7.1.0 && sign new.deb
  remade evsed.deb broken.deb 7.2.0 '' '1i raise SystemExit("broken on purpose")' && sign broken.deb
}

charge_a_little() {
  post config/evse '{"maxChargingCurrent": 20, "defaultChargingCurrent": 13.5}'
  post config/scheduler '{"timezone": "Europe/Berlin", "schedules": [{"action": "enable", "mon": 16777215, "windows": [{"days": ["sun"], "start": "22:30", "end": "06:15"}]}]}'
  post state/enabled true # the schedule may have switched off: whatever day it is
  post simulator '{"vehicle": "charging"}'
  eventually 30 state_is C2
  eventually 30 sh -c "[ \$(curl -s $api/state | python3 -c 'import json,sys; print(json.load(sys.stdin)[\"totalConsumption\"])') -gt 3000 ]"
}

refusals() {
  local pid; pid=$(systemctl show -P MainPID evsed)
  expect "while a car is charged" 521 "$(upload new.deb)"
  post simulator '{"vehicle": "none"}'
  eventually 30 state_is A
  kept >before
  remade evsed.deb unsigned.deb 7.1.0
  remade evsed.deb foreign.deb 7.1.0 's/^Architecture: .*/Architecture: s390x/' && sign foreign.deb
  remade evsed.deb other.deb 7.1.0 's/^Package: .*/Package: evsed-$(reboot)/; s/^Package: .*/Package: evsedx/' && sign other.deb
  head -c 100000 new.deb >truncated.deb
  (minisign -G -f -W -p stranger.pub -s stranger </dev/null && cp unsigned.deb strange.deb && minisign -S -s stranger -m strange.deb </dev/null) >/dev/null
  python3 -m evsed.services.update.signing strange.deb strange.deb.minisig
  local one
  for one in unsigned foreign other truncated strange; do
    expect "$one package" 523 "$(upload $one.deb)"
    say "  $(cat /tmp/answer)"
  done
  expect "the daemon is the same" "$pid" "$(systemctl show -P MainPID evsed)"
  expect "installed version" "$first" "$(dpkg-query -W -f '${Version}' evsed)"
  [ ! -e /var/lib/evsed-update ] || fail "the root unit was started"
  kept | cmp - before || fail "something has changed"
}

no_more_rights() {
  if runuser -u evsed -- systemctl --no-ask-password start evsed-guard.service 2>/dev/null; then fail "evsed may start another unit"; fi
  if runuser -u evsed -- systemctl --no-ask-password stop evsed-update.service 2>/dev/null; then fail "evsed may stop the unit"; fi
  # The root unit by itself refuses what the daemon would never stage.
  install -d -o evsed -g evsed -m 750 /var/lib/evsed/update
  install -o evsed -g evsed unsigned.deb /var/lib/evsed/update/evsed.deb
  runuser -u evsed -- systemctl --no-ask-password start evsed-update.service || fail "evsed may not start its unit"
  expect "a package staged behind the daemon's back" refused "$(outcome)"
  ln -sf /etc/shadow /tmp/link && rm -f /var/lib/evsed/update/evsed.deb && runuser -u evsed -- ln -s /etc/shadow /var/lib/evsed/update/evsed.deb
  runuser -u evsed -- systemctl --no-ask-password start evsed-update.service
  expect "a link to a secret" refused "$(outcome)"
  rm -rf /var/lib/evsed/update
}

updates() {
  say "N $first -> N+1 7.1.0"
  expect "upload of a signed package" 200 "$(upload new.deb)"
  eventually 240 runs 7.1.0
  eventually 120 ended installed
  eventually 60 state_is A
  kept | diff before - || fail "settings or totals differ after the update"
  say "settings, totals and board file are equal; $(get firmware/progress)"
  say "N+1 7.1.0 -> N+2 7.2.0, which is broken"
  python3 - <<'PYTHON'
import hashlib, json, shutil
shutil.copy("broken.deb", "/srv/channel/broken.deb")
sha256 = hashlib.sha256(open("broken.deb", "rb").read()).hexdigest()
open("/srv/channel/stable.json", "w").write(json.dumps({"version": "v7.2.0", "path": "broken.deb", "sha256": sha256}))
PYTHON
  chmod 644 /srv/channel/*
  expect "available" v7.2.0 "$(get firmware/check-update | key available)"
  post firmware/update ''
  eventually 400 ended undone
  eventually 60 runs 7.1.0
  eventually 60 state_is A
  kept | diff before - || fail "settings or totals differ after going back"
  expect "dpkg" "7.1.0 install ok installed" "$(dpkg-query -W -f '${Version} ${Status}' evsed)"
  { verified || true; } | LC_ALL=C comm -13 /root/verified - | grep . && fail "files differ from those of the package"
  say "settings, totals and board file are equal; $(get firmware/progress)"
}

case $1 in
  all)
    set_up; charge_a_little; refusals; no_more_rights; updates
    journalctl --no-pager -o cat -u evsed-update | grep evsed-update: || true ;;
  begin)
    set_up; charge_a_little
    post simulator '{"vehicle": "none"}'; eventually 30 state_is A; kept >/root/before
    expect "upload of a signed package" 200 "$(upload new.deb)"
    eventually 120 grep -q installing /var/lib/evsed-update/journal.json
    sleep "$2"
    say "the power goes: $(cat /var/lib/evsed-update/journal.json) $(dpkg-query -W -f '${Version} ${Status}' evsed)"
    sync ;;
  after)
    eventually 300 test ! -e /var/lib/evsed-update/journal.json
    eventually 120 state_is A
    say "after the cut: $(version), $(dpkg-query -W -f '${Version} ${Status}' evsed), $(cat /var/lib/evsed-update/result.json)"
    expect "package and daemon" "v$(dpkg-query -W -f '${Version}' evsed)" "$(version)"
    [ "$(dpkg-query -W -f '${Status}' evsed)" = "install ok installed" ] || fail "half installed"
    dpkg --audit; [ -z "$(dpkg --audit)" ] || fail "dpkg complains"
    { verified || true; } | LC_ALL=C comm -13 /root/verified - | grep . && fail "files differ from those of the package"
    kept | diff /root/before - || fail "settings or totals differ" ;;
esac
say "all is well"
