"""Notices go out by real SMTP and HTTP servers on loopback, which answer well, badly, late or not at all."""

from __future__ import annotations

import email
import hashlib
import hmac
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.policy import default as POLICY
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pysequoia import Cert, Tsk, decrypt

from jobs.noticehook import SIGNATURE, send_hook, sign_body, write_body
from jobs.noticemail import read_keys, send_mail, write_mail
from jobs.notices import SendCounts, gather_notices, send_notices
from jobs.noticesettings import Mail, NoticeError, Webhook
from jobs.noticewire import Route, WireError, open_socket
from jobs.places import Places
from storage.engine import open_engine
from storage.issues import raise_issue
from storage.sites import register_site

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
QUICK = Route(timeout=5, deadline=20)
HASTY = Route(timeout=5, deadline=0.5)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine that nobody else trusts, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "invented")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=30))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "cert.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return path


class Server:
    """Takes connections one after the other; `talk` answers each. What it was told stands in `said`."""

    def __init__(self, talk: Callable[[Server, socket.socket], None]) -> None:
        self.said: list[str] = []
        self.done = threading.Event()
        self.connections = 0
        self.live: list[socket.socket] = []
        self._talk = talk
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self.live.append(connection)
            connection.settimeout(20)
            try:
                self._talk(self, connection)
            except OSError:
                pass
            finally:
                while self.live:
                    self.live.pop().close()

    def wrap(self, connection: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
        """Speak TLS on it; closed with the others when the talk is over."""
        wrapped = context.wrap_socket(connection, server_side=True)
        self.live.append(wrapped)
        return wrapped

    def close(self) -> None:
        self.done.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)


@pytest.fixture
def start() -> Iterator[Callable[[Callable[[Server, socket.socket], None]], Server]]:
    servers: list[Server] = []

    def begin(talk: Callable[[Server, socket.socket], None]) -> Server:
        servers.append(Server(talk))
        return servers[-1]

    yield begin
    for server in servers:
        server.close()


def mail_server(
    *, answers: dict[str, str] | None = None, context: ssl.SSLContext | None = None, tls: bool = False
) -> Callable[[Server, socket.socket], None]:
    """A small SMTP server. answers: other than the usual ones, by the first word said ("." after the letter, "hi" first)."""
    other = answers or {}

    def talk(server: Server, connection: socket.socket) -> None:
        if tls and context is not None:
            connection = server.wrap(connection, context)
        lines = connection.makefile("rb")

        def say(word: str, usual: str) -> bool:
            text = other.get(word, usual)
            if text == "hang":
                server.done.wait(20)
                return False
            if text == "cut":
                return False
            if text == "endless":
                while not server.done.is_set():
                    connection.sendall(b"250-" + b"x" * 4000 + b"\r\n")
            connection.sendall(text.encode() + b"\r\n")
            return True

        if not say("hi", "220 invented"):
            return
        while line := lines.readline():
            text = line.decode().rstrip("\r\n")
            server.said.append(text)
            word = text.split(" ")[0].upper()
            if word == "EHLO":
                offers = (
                    ["250-invented", "250-AUTH PLAIN"]
                    + (["250-STARTTLS"] if context and not tls else [])
                    + ["250 HELP"]
                )
                if not say(word, "\r\n".join(offers)):
                    return
            elif word == "STARTTLS" and context is not None:
                if not say(word, "220 go on"):
                    return
                connection = server.wrap(connection, context)
                lines = connection.makefile("rb")
            elif word == "AUTH":
                if not say(word, "235 in"):
                    return
            elif word == "DATA":
                if not say(word, "354 go on"):
                    return
                letter = []
                while (piece := lines.readline()) not in (b".\r\n", b""):
                    letter.append(piece)
                server.said.append(b"".join(letter).decode())
                if not say(".", "250 taken"):
                    return
            elif word == "QUIT":
                say(word, "221 bye")
                return
            elif not say(
                "RCPT " + text.partition("<")[2].partition("@")[0] if word == "RCPT" else word, "250 ok"
            ):
                return

    return talk


def make_mail(port: int, **changes: Any) -> Mail:
    values = {
        "server": "127.0.0.1", "port": port, "security": "none", "from": "tuskwatch@ngo.example",
        "to": ["ana@ngo.example", "ben@ngo.example"], **changes,
    }  # fmt: skip
    return Mail.model_validate(values)


def letter_for(mail: Mail, text: str = "run 12 of site 3 waits for a person\n") -> Any:
    return write_mail(mail, subject="Tuskwatch: 1 notice", text=text, message_id="abc", now=NOW)


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def find_letter(server: Server) -> Any:
    return email.message_from_string(
        next(text for text in server.said if "Message-ID" in text), policy=POLICY
    )


def test_a_letter_arrives_as_it_was_written(start: Any) -> None:
    server = start(mail_server())
    mail = make_mail(server.port)
    assert send_mail(mail, letter_for(mail), QUICK) == ""
    letter = find_letter(server)
    assert letter["Subject"] == "Tuskwatch: 1 notice"
    assert letter["Message-ID"] == "<abc@ngo.example>"
    assert letter["To"] == "ana@ngo.example, ben@ngo.example"
    assert letter.get_content().strip() == "run 12 of site 3 waits for a person"
    assert [line for line in server.said if line.startswith(("mail", "MAIL", "rcpt", "RCPT"))] == [
        "mail FROM:<tuskwatch@ngo.example>",
        "rcpt TO:<ana@ngo.example>",
        "rcpt TO:<ben@ngo.example>",
    ]


def test_this_machine_does_not_give_its_name(start: Any) -> None:
    server = start(mail_server())
    mail = make_mail(server.port)
    send_mail(mail, letter_for(mail), QUICK)
    assert server.said[0] == "ehlo [127.0.0.1]"
    assert socket.gethostname() not in "".join(server.said)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_letters_and_password_go_over_tls(start: Any, certificate: Path, security: str) -> None:
    server = start(mail_server(context=server_context(certificate), tls=security == "tls"))
    mail = make_mail(
        server.port,
        server="localhost",
        security=security,
        ca_file=certificate,
        user="u",
        password="pass word",
    )
    assert send_mail(mail, letter_for(mail), QUICK) == ""
    assert find_letter(server)["Subject"] == "Tuskwatch: 1 notice"
    auth = next(place for place, line in enumerate(server.said) if line.startswith("AUTH"))
    assert security == "tls" or server.said[:auth].index("STARTTLS") > 0


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_is_refused(
    start: Any, certificate: Path, security: str
) -> None:
    server = start(mail_server(context=server_context(certificate), tls=security == "tls"))
    mail = make_mail(server.port, server="localhost", security=security, user="u", password="secret words")
    with pytest.raises(WireError, match="no safe connection"):
        send_mail(mail, letter_for(mail), QUICK)
    assert not [text for text in server.said if "AUTH" in text or "Message-ID" in text]


def test_a_server_that_hides_starttls_gets_no_letter(start: Any) -> None:
    server = start(mail_server())
    mail = make_mail(server.port, security="starttls", user="u", password="secret words")
    with pytest.raises(WireError, match="STARTTLS"):
        send_mail(mail, letter_for(mail), QUICK)
    assert not [text for text in server.said if "AUTH" in text or "Message-ID" in text]


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({"hi": "421 too busy"}, "said 421: too busy"),
        ({"hi": "cut"}, "could not be used|broke"),
        ({"MAIL": "550 not you"}, "said 550: not you"),
        ({"DATA": "451 later"}, "said 451: later"),
        ({".": "554 no \x1b[31mthanks"}, r"said 554: no \[31mthanks"),
        ({".": "cut"}, "could not be used|broke"),
        ({"RCPT ana": "550 who", "RCPT ben": "550 who"}, "refused all recipients: 550 who"),
        ({"EHLO": "not smtp at all", "HELO": "nor this"}, "said -1|could not be used"),
        ({"MAIL": "endless"}, "too much|too long|too many"),
    ],
)
def test_what_goes_wrong_is_said_in_words(start: Any, answers: dict[str, str], says: str) -> None:
    server = start(mail_server(answers=answers))
    mail = make_mail(server.port)
    with pytest.raises(WireError, match=says):
        send_mail(mail, letter_for(mail), QUICK)


@pytest.mark.parametrize("where", ["hi", "MAIL", "."])
def test_a_server_that_hangs_is_left(start: Any, where: str) -> None:
    server = start(mail_server(answers={where: "hang"}))
    mail = make_mail(server.port)
    with pytest.raises(WireError, match=r"no end came within 0\.5 seconds"):
        send_mail(mail, letter_for(mail), HASTY)


def test_a_goodbye_that_fails_is_no_failure(start: Any) -> None:
    server = start(mail_server(answers={"QUIT": "cut"}))
    mail = make_mail(server.port)
    assert send_mail(mail, letter_for(mail), QUICK) == ""


def test_one_refused_recipient_of_two_is_told(start: Any) -> None:
    server = start(mail_server(answers={"RCPT ben": "550 no such box"}))
    mail = make_mail(server.port)
    assert send_mail(mail, letter_for(mail), QUICK) == "1 of 2 recipients were refused: 550 no such box"


def test_a_server_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    mail = make_mail(port)
    with pytest.raises(WireError, match="cannot be reached"):
        send_mail(mail, letter_for(mail), QUICK)


# Encryption


@pytest.fixture(scope="module")
def person() -> Any:
    return Tsk.generate("Ana <ana@ngo.example>")


def write_key(folder: Path, cert: Any, name: str = "ana.asc") -> Path:
    path = folder / name
    path.write_text(str(cert.extract_certificate() if isinstance(cert, Tsk) else cert))
    return path


def read_sealed(letter: Any, person: Any) -> str:
    assert letter.get_content_type() == "multipart/encrypted"
    assert letter.get_param("protocol") == "application/pgp-encrypted"
    version, sealed = letter.iter_parts()
    assert version.get_content_type() == "application/pgp-encrypted"
    assert b"Version: 1" in version.get_payload(decode=True)
    opened = decrypt(decryptor=person.decryptor(), bytes=sealed.get_payload(decode=True))
    return str(email.message_from_bytes(opened.bytes, policy=POLICY).get_content())


def test_an_encrypted_letter_says_nothing_in_clear_and_opens(start: Any, person: Any, tmp_path: Path) -> None:
    server = start(mail_server())
    other = Tsk.generate("Ben <ben@ngo.example>")
    keys = [str(write_key(tmp_path, person)), str(write_key(tmp_path, other, "ben.asc"))]
    mail = make_mail(server.port, pgp_keys=keys)
    send_mail(mail, letter_for(mail, "run 12 of site 3 waits – für dich\n"), QUICK)
    sent = "".join(server.said)
    assert "run 12" not in sent
    assert "1 notice" not in sent
    letter = find_letter(server)
    assert letter["Subject"] == "Tuskwatch"
    for each in (person, other):
        text = read_sealed(letter, each).replace("\r\n", "\n")
        assert text == "Tuskwatch: 1 notice\n\nrun 12 of site 3 waits – für dich\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"),
        ("", "no OpenPGP key"),
        ("hello", "no OpenPGP key"),
        (str, "secret key"),
    ],
)
def test_without_a_usable_key_nothing_is_written(
    tmp_path: Path, person: Any, content: Any, says: str
) -> None:
    path = tmp_path / "key.asc"
    if content is not None:
        path.write_text(content if isinstance(content, str) else content(person))
    mail = make_mail(25, pgp_keys=[str(path)])
    with pytest.raises(WireError, match=says):
        letter_for(mail)


def test_a_revoked_key_is_not_written_to(tmp_path: Path) -> None:
    gone = Tsk.generate("Gone <gone@ngo.example>")
    public = gone.extract_certificate()
    revoked = Cert.from_bytes(bytes(public) + bytes(public.revoke(gone.certifier())))
    with pytest.raises(WireError, match="revoked"):
        read_keys([write_key(tmp_path, revoked)], now=NOW)


def test_a_key_that_is_over_is_not_written_to(tmp_path: Path, person: Any) -> None:
    old = Tsk.generate("Old <old@ngo.example>", validity_seconds=3600)
    paths = [write_key(tmp_path, person), write_key(tmp_path, old, "old.asc")]
    assert len(read_keys(paths, now=datetime.now(UTC))) == 2
    with pytest.raises(WireError, match=r"old\.asc has expired"):
        read_keys(paths, now=datetime.now(UTC) + timedelta(hours=2))


def test_two_keys_in_one_file_are_not_taken_for_one(tmp_path: Path, person: Any) -> None:
    both = str(person.extract_certificate()) + str(
        Tsk.generate("Ben <ben@ngo.example>").extract_certificate()
    )
    (tmp_path / "both.asc").write_text(both)
    with pytest.raises(WireError, match="a file of its own"):
        read_keys([tmp_path / "both.asc"], now=NOW)


def test_a_digest_goes_all_the_way_and_holds_nothing_of_a_site(
    start: Any, places: Places, person: Any
) -> None:
    server = start(mail_server())
    write_key(places.data, person)
    (places.data / "notices.yml").write_text(
        f"mail: {{server: 127.0.0.1, port: {server.port}, security: none, from: t@ngo.example, to: [ana@ngo.example], "
        f"pgp_keys: [{places.data}/ana.asc], kinds: {{disk: off}}}}\n"
    )
    (places.data / "notices.yml").chmod(0o600)
    engine = open_engine(places.database_url)
    site = register_site(
        engine, name="oldport", title="Old Port", config_sha256="0", onions=["a" * 56 + ".onion"], now=NOW
    )
    for kind, level in (("drift-kinds", "fail"), ("canary", "fail")):
        words = "Ivory tusk http://" + "a" * 56 + ".onion/\r\nSubject: hello\r\n\r\n.\r\nQUIT\r\n"
        raise_issue(
            engine, site_id=site, run_id=None, page_id=None, kind=kind, level=level, message=words, now=NOW
        )
    assert gather_notices(places, engine, now=NOW) == 2
    assert send_notices(places, engine, now=NOW, route=QUICK) == SendCounts(sent=2)
    engine.dispose()
    text = read_sealed(find_letter(server), person).replace("\r\n", "\n")
    assert text == (
        "Tuskwatch: 2 notices\n\n"
        "Now\n- site 1 has trouble with Tor (since 2026-11-22 12:00 UTC)\n\n"
        "Soon\n- site 1 has changed: what is read from it may be wrong (since 2026-11-22 12:00 UTC)\n\n"
        'The whole list: "tuskwatch needs list", or the first page of the screens.\n'
    )


# Webhooks


def hook_server(
    answer: bytes, *, hang: bool = False, endless: bool = False
) -> Callable[[Server, socket.socket], None]:
    def talk(server: Server, connection: socket.socket) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(
            next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")).split(
                b":"
            )[1]
        )
        while len(body) < length:
            body += connection.recv(65536)
        server.said += [head.decode(), body.decode()]
        if hang:
            server.done.wait(20)
            return
        connection.sendall(answer)
        while endless and not server.done.is_set():
            connection.sendall(b"x" * 65536)

    return talk


def make_hook(port: int, **changes: Any) -> Webhook:
    return Webhook.model_validate({"url": f"http://127.0.0.1:{port}/in/token?x=1", **changes})


BODY = write_body({"id": "m1", "notices": [{"text": "run 12 of site 3 waits – für dich"}]})


def test_a_hook_gets_signed_json(start: Any) -> None:
    server = start(hook_server(b"HTTP/1.1 204 No Content\r\n\r\n"))
    send_hook(make_hook(server.port, secret="shared words"), BODY, message_id="m1", route=QUICK)
    head, body = server.said
    assert head.startswith("POST /in/token?x=1 HTTP/1.1\r\n")
    assert json.loads(body)["notices"][0]["text"] == "run 12 of site 3 waits – für dich"
    proof = hmac.new(b"shared words", body.encode(), hashlib.sha256).hexdigest()
    assert f"{SIGNATURE}: sha256={proof}\r\n" in head + "\r\n"
    assert "Idempotency-Key: m1" in head


def test_a_signature_changes_with_body_and_secret() -> None:
    assert len({sign_body(b"a", "s"), sign_body(b"b", "s"), sign_body(b"a", "t")}) == 3


def test_without_a_secret_there_is_no_signature(start: Any) -> None:
    server = start(hook_server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
    send_hook(make_hook(server.port), BODY, message_id="m1", route=QUICK)
    assert SIGNATURE not in server.said[0]


def test_a_hook_over_tls(start: Any, certificate: Path) -> None:
    def talk(server: Server, connection: socket.socket) -> None:
        hook_server(b"HTTP/1.1 200 OK\r\n\r\n")(server, server.wrap(connection, server_context(certificate)))

    server = start(talk)
    url = f"https://localhost:{server.port}/"
    send_hook(make_hook(server.port, url=url, ca_file=certificate), BODY, message_id="m", route=QUICK)
    assert server.said[1] == BODY.decode()
    with pytest.raises(WireError, match="certificate"):
        send_hook(make_hook(server.port, url=url), BODY, message_id="m", route=QUICK)
    assert len(server.said) == 2


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 500 Oh\r\n\r\n", "answered 500"),
        (b"HTTP/1.1 404 No\r\n\r\n", "answered 404"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", "a redirect, which is not followed"),
        (b"hello\r\n\r\n", "no answer that is HTTP"),
        (b"", "no answer that is HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n", "no answer that is HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000, "no answer that is HTTP"),
    ],
)
def test_what_a_hook_answers_else_is_a_failure(start: Any, answer: bytes, says: str) -> None:
    server = start(hook_server(answer))
    with pytest.raises(WireError, match=says):
        send_hook(make_hook(server.port), BODY, message_id="m", route=QUICK)
    assert server.connections == 1


def test_a_huge_answer_is_not_read(start: Any) -> None:
    server = start(hook_server(b"HTTP/1.1 200 OK\r\n\r\n", endless=True))
    send_hook(make_hook(server.port), BODY, message_id="m", route=QUICK)


def test_a_hook_that_hangs_is_left(start: Any) -> None:
    server = start(hook_server(b"", hang=True))
    with pytest.raises(WireError, match=r"no end came within 0\.5 seconds"):
        send_hook(make_hook(server.port), BODY, message_id="m", route=HASTY)


def test_a_secret_that_cannot_be_read_sends_nothing(start: Any, tmp_path: Path) -> None:
    server = start(hook_server(b"HTTP/1.1 200 OK\r\n\r\n"))
    with pytest.raises(NoticeError, match="cannot be read"):
        send_hook(
            make_hook(server.port, secret_file=str(tmp_path / "none")), BODY, message_id="m", route=QUICK
        )
    assert server.connections == 0


def test_names_are_looked_up_by_the_proxy_on_a_circuit_of_their_own(start: Any) -> None:
    asked = []

    def talk(server: Server, connection: socket.socket) -> None:
        connection.recv(10)
        connection.sendall(b"\x05\x02")
        login = connection.recv(600)
        connection.sendall(b"\x01\x00")
        wanted = connection.recv(600)
        asked.append((login, wanted))
        connection.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")

    server = start(talk)
    for _ in range(2):
        open_socket("hooks.ngo.example", 443, Route(proxy=("127.0.0.1", server.port))).close()
    (login, wanted), (again, _) = asked
    assert wanted == b"\x05\x01\x00\x03\x11hooks.ngo.example\x01\xbb"
    assert login != again
    assert b"tuskwatch-notice" in login


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ([b"\x05\xff"], "takes no name and password"),
        ([b"\x05\x02", b"\x01\x01"], "refused our name"),
        ([b"\x05\x02", b"\x01\x00", b"\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00"], "cannot be reached"),
        ([b"\x05\x02", b"\x01\x00", b"\x05\x63\x00\x01"], "answer 99"),
        ([b"\x05"], "hung up"),
        ([b"HT"], "takes no name and password"),
    ],
)
def test_a_proxy_that_refuses_is_said(start: Any, answers: list[bytes], says: str) -> None:
    def talk(server: Server, connection: socket.socket) -> None:
        for answer in answers:
            connection.recv(600)
            connection.sendall(answer)

    server = start(talk)
    with pytest.raises(WireError, match=f"the proxy did not connect to hooks.ngo.example:443 .*{says}"):
        open_socket("hooks.ngo.example", 443, Route(proxy=("127.0.0.1", server.port)))


def test_a_proxy_that_is_not_there_lets_nothing_past() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    with pytest.raises(WireError, match="the proxy cannot be reached"):
        open_socket("hooks.ngo.example", 443, Route(proxy=("127.0.0.1", port)))
