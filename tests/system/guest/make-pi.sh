#!/bin/sh
# Makes this machine a Pi with a hat, before the package is installed: the GPIO chip's name, the converter,
# the pin daemon's unit, and the street behind them. The circuit needs the package's own simulator: its unit
# waits until that is installed.
set -eu
here=$(dirname "$(readlink -f "$0")")
mkdir -p /usr/local/lib/street
cp "$here"/*.py "$here"/*.yaml /usr/local/lib/street/
cat >/usr/local/lib/street/header.sh <<'IN'
#!/bin/sh
set -eu
for module in "/lib/modules/$(uname -r)"/updates/*.ko*; do
    name=${module##*/}
    case $name in *spi*) modprobe "${name%%.ko*}" ;; esac
done
modprobe gpio-sim
chip=/sys/kernel/config/gpio-sim/street
[ ! -d $chip ] || exit 0
mkdir -p $chip/bank0
echo 54 >$chip/bank0/num_lines
echo pinctrl-bcm2835 >$chip/bank0/label
echo 1 >$chip/live
udevadm settle
IN
chmod +x /usr/local/lib/street/header.sh
cat >/etc/systemd/system/street-header.service <<'IN'
[Unit]
Description=GPIO chip and converter of the virtual Pi
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/lib/street/header.sh
[Install]
WantedBy=multi-user.target
IN
cat >/etc/systemd/system/street.service <<'IN'
[Unit]
Description=Vehicle, contactor and hat of the virtual Pi
Requires=street-header.service
After=street-header.service
ConditionPathExists=/usr/bin/evsed
[Service]
Type=notify
ExecStart=/usr/bin/python3 /usr/local/lib/street/street.py /usr/local/lib/street/board.yaml
[Install]
WantedBy=multi-user.target
IN
cat >/etc/systemd/system/pigpiod.service <<'IN'
[Unit]
Description=Pin daemon of the virtual Pi
Wants=street.service
After=street.service
[Service]
ExecStart=/usr/bin/python3 /usr/local/lib/street/pin_daemon.py
[Install]
WantedBy=multi-user.target
IN
systemctl daemon-reload
systemctl enable --quiet street-header street pigpiod
systemctl start street-header
