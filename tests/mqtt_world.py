"""A real Mosquitto on the loopback, and the programs that come with it to look from outside."""

import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

MOSQUITTO = "/usr/sbin/mosquitto"
PATIENCE_S = 20


def free_port():
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Mosquitto:
    """A broker in a folder of its own, which can be stopped and started again at the same port."""

    def __init__(self, folder, *, users=None, web=False, tls=None):
        folder.mkdir()
        self.folder, self.port = folder, free_port()
        self._log = folder / "log"
        self._users, self._web, self._tls = users or {}, web, tls
        self._process = None

    def start(self):
        (self.folder / "mosquitto.conf").write_text("\n".join(self._settings()))
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [MOSQUITTO, "-v", "-c", str(self.folder / "mosquitto.conf")],
                stdout=log,
                stderr=log,
            )
        give_up = time.monotonic() + PATIENCE_S
        while not self._listens():
            assert self._process.poll() is None, self.log
            assert time.monotonic() < give_up, self.log
            time.sleep(0.02)
        return self

    def stop(self):
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE_S)
            self._process = None

    @property
    def log(self):
        return self._log.read_text(errors="replace")

    def uri(self, scheme="mqtt", who=""):
        return f"{scheme}://{who}127.0.0.1:{self.port}"

    def publish(self, topic, data, *options):
        """Publish as somebody else, with the program of the Mosquitto project."""
        subprocess.run(
            ["mosquitto_pub", *self._where(), "-q", "1", "-t", topic, _payload(data), *options],
            input=data,
            check=True,
            timeout=PATIENCE_S,
        )

    @contextmanager
    def flood(self, topic, lines):
        """Publish every line of a file as fast as it goes."""
        command = ["mosquitto_pub", *self._where(), "-q", "0", "-t", topic, "-l"]
        with lines.open("rb") as given:
            process = subprocess.Popen(command, stdin=given)
        try:
            yield
        finally:
            process.kill()
            process.wait(PATIENCE_S)

    @contextmanager
    def listener(self, topic_filter, *options):
        """Subscribe as somebody else; gives a function that waits for so many lines."""
        command = ["mosquitto_sub", *self._where(), "-q", "1", "-t", topic_filter, *options]
        before = self.log.count("SUBACK")
        process = subprocess.Popen(
            [*command, "-F", "%r %t %x"], stdout=subprocess.PIPE, text=True, bufsize=1
        )
        try:
            give_up = time.monotonic() + PATIENCE_S
            while self.log.count("SUBACK") == before:
                assert time.monotonic() < give_up, self.log
                time.sleep(0.01)
            yield lambda count: [process.stdout.readline().strip() for _ in range(count)]
        finally:
            process.kill()
            process.wait(PATIENCE_S)
            process.stdout.close()

    def _where(self):
        who = [word for user in list(self._users)[:1] for word in ("-u", user)]
        who += [word for word in list(self._users.values())[:1] for word in ("-P", word)]
        return ["-h", "127.0.0.1", "-p", str(self.port), *who]

    def _settings(self):
        yield from ("user root", "persistence false")
        yield "max_inflight_messages 0"  # else the 21st without PUBACK is overtaken by QoS 0
        if self._web:  # Mosquitto 2.0.11 refuses to have no other kind of listener
            yield f"listener {free_port()} 127.0.0.1"
        yield f"listener {self.port} 127.0.0.1"
        if self._web:
            yield "protocol websockets"
        if self._tls:
            yield f"certfile {self._tls.certificate}"
            yield f"keyfile {self._tls.key}"
        if self._users:
            passwords = self.folder / "passwords"
            passwords.write_text("".join(f"{user}:{word}\n" for user, word in self._users.items()))
            subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True)
            yield f"password_file {passwords}"
        yield f"allow_anonymous {str(not self._users).lower()}"

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def mosquitto(folder, **how):
    """Run a broker."""
    broker = Mosquitto(folder, **how).start()
    try:
        yield broker
    finally:
        broker.stop()


class Certificates:
    """A throw-away authority and a certificate it gave to a host."""

    def __init__(self, folder: Path, host="127.0.0.1"):
        folder.mkdir()
        self.authority = folder / "ca.pem"
        self.certificate, self.key = folder / "server.pem", folder / "server.key"
        kind = "IP" if host[0].isdigit() else "DNS"
        ca_key, request, names = folder / "ca.key", folder / "server.csr", folder / "names"
        names.write_text(f"subjectAltName={kind}:{host}\n")
        new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        _openssl(
            *("req", "-x509", *new_key, "-keyout", ca_key, "-out", self.authority),
            *("-subj", "/CN=throw-away authority", "-days", "2"),
        )
        _openssl("req", *new_key, "-keyout", self.key, "-out", request, "-subj", "/CN=broker")
        _openssl(
            *("x509", "-req", "-in", request, "-CA", self.authority, "-CAkey", ca_key),
            *("-CAcreateserial", "-days", "2", "-extfile", names, "-out", self.certificate),
        )


def _payload(data):
    """The whole of what comes in; nothing at all has an option of its own."""
    return "-s" if data else "-n"


def _openssl(*words):
    subprocess.run(
        ["openssl", *map(str, words)], check=True, capture_output=True, timeout=PATIENCE_S
    )
