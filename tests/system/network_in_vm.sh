#!/bin/bash
# Runs as root inside a virtual machine: simulated radios, an access point to join, and the charger from
# its source tree as the user evsed, with the rights the package gives it. Then network_steps.py looks.
# Arguments: the board, how many times as long as usual things may take, the steps. A board without its
# hat is in maintenance, and manages the network all the same.
set -euo pipefail
board=$1 slow=$2
shift 2

SSID='Home "of" $(touch /pwned); `x`'
PASSPHRASE='correct "horse"'

apt-get install --yes --quiet --no-install-recommends python3-aiohttp python3-pigpio \
  python3-serial python3-spidev python3-yaml python3-zeroconf avahi-utils >apt.log 2>&1 || { cat apt.log; exit 1; }
mkdir -p /opt/evsed /etc/evsed
tar -xf source.tar -C /opt/evsed
for wheel in *.whl; do python3 -m zipfile -e "$wheel" /opt/evsed; done
python3 -m compileall -q /opt/evsed || true
useradd --system --home-dir /var/lib/evsed evsed
install -m 644 50-evsed.rules /etc/polkit-1/rules.d/
systemctl restart polkit
timedatectl set-timezone Asia/Tokyo
# the image has it masked: it must not touch a clock that tests set
systemctl unmask --quiet systemd-timesyncd
timedatectl set-ntp true
cat >/etc/evsed/evsed.yaml <<'CONFIG'
http: {port: 8080, address: 0.0.0.0}
network: {wifi: networkmanager, discovery: always}
clock: {manage: system}
CONFIG

evse-sim-wifi start "$SSID" "$PASSPHRASE"
hostnamectl set-hostname some-pi
systemctl restart avahi-daemon
systemd-run --quiet --unit evsed --uid evsed --property StateDirectory=evsed \
  --property WorkingDirectory=/opt/evsed --property Restart=always --property RestartSec=1 \
  --property ProtectClock=yes --property ProtectProc=invisible --property NoNewPrivileges=yes \
  --property 'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK' \
  python3 -m evsed run --board "$board" --config /etc/evsed/evsed.yaml --state-dir /var/lib/evsed

status=0
SLOW="$slow" SSID="$SSID" PASSPHRASE="$PASSPHRASE" python3 network_steps.py "$@" || status=$?
journalctl --unit evsed --no-pager --output cat >evsed.log || true
journalctl --unit NetworkManager --no-pager --output cat >NetworkManager.log || true
[ ! -e /pwned ] || { echo "a network's name was run as a command"; status=1; }
exit "$status"
