"""Hostile redirects and headers: away from the onion, round in circles, into other schemes; cookies and headers that command.

Public names: CASES, BARRED, other_onion.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from hostile.case import LAMP, Asking, Case, fill, page, raw, reply, zipped


def other_onion() -> str:
    """A well-formed v3 onion of nobody, and not the site's."""
    key = hashlib.sha256(b"invented other").digest()
    checksum = hashlib.sha3_256(b".onion checksum" + key + b"\x03").digest()[:2]
    return base64.b32encode(key + checksum + b"\x03").decode().lower() + ".onion"


OTHER = other_onion()
BARRED = "barred"
"""Stands in every address that must never be asked for."""
NO, PLACE, LOOP = "redirect-barred", "to another place", "more than 5 steps"


def _to(location: str | bytes, *, status: str = "302 Found") -> Asking:
    where = location.encode() if isinstance(location, str) else location

    def answer(asked: Any) -> bytes:
        place = where.replace(b"{host}", asked.host.encode())
        return f"HTTP/1.1 {status}\r\nLocation: ".encode() + place + b"\r\nContent-Length: 0\r\n\r\n"

    return answer


def _chain(asked: Any) -> bytes:
    """Each step to a new address, without end."""
    base, _, number = asked.path.partition("?n=")
    return reply("", f"Location: {base}?n={int(number or 0) + 1}", status="302 Found")


def _growing(asked: Any) -> bytes:
    return reply(
        "", f"Location: {asked.path}{'' if '?' in asked.path else '?'}{'x' * 300}", status="302 Found"
    )


def _pair(asked: Any) -> bytes:
    base, mark, _ = asked.path.partition("?b")
    return reply("", f"Location: {base}{'' if mark else '?b'}", status="301 Moved")


def _growing_cookie(asked: Any) -> bytes:
    held = asked.header("Cookie") or ""
    return reply(LAMP, f"Set-Cookie: g{len(held)}={'c' * (len(held) + 500)}")


def _headers(*lines: str) -> Asking:
    return page(LAMP, *lines)


REDIRECTS = (
    Case("redirect-endless", "every step to a new address", _chain, NO, LOOP),
    Case("redirect-loop", "to itself", lambda asked: reply("", f"Location: {asked.path}", status="302 Found"), NO, LOOP),
    Case("redirect-pair", "to and fro between two addresses", _pair, NO, LOOP),
    Case("redirect-growing", "to an address that grows", _growing, NO, LOOP),
    Case("redirect-clear-net", "to http:// in the clear net", _to("http://clear.example/barred"), NO, PLACE),
    Case("redirect-clear-net-tls", "to https:// in the clear net", _to("https://clear.example/barred"), NO, PLACE),
    Case("redirect-onion", "to another onion", _to(f"http://{OTHER}/barred"), NO, PLACE),
    Case("redirect-subdomain", "to a name under the onion", _to("http://x.{host}/barred"), NO, PLACE),
    Case("redirect-onion-dot", "to the onion with a dot behind it", _to("http://{host}./barred"), NO, PLACE),
    Case("redirect-lookalike", "to the onion under a clear-net name", _to("http://{host}.clear.example/barred"), NO, PLACE),
    Case("redirect-tls", "to https:// of the same onion", _to("https://{host}/barred"), NO, PLACE),
    Case("redirect-port", "to another port of the onion", _to("http://{host}:8080/barred"), NO, PLACE),
    Case("redirect-port-zero", "to port 0", _to("http://{host}:0/lost"), "redirect-followed"),
    Case("redirect-port-huge", "to a port of 30 digits", _to("http://{host}:" + "9" * 30 + "/barred"), NO, "nowhere"),
    Case("redirect-userinfo", "user:word@ before the onion", _to("http://user:word@{host}/lost"), "redirect-followed"),
    Case("redirect-userinfo-away", "the onion as a user name", _to("http://{host}@clear.example/barred"), NO, PLACE),
    Case("redirect-protocol-relative", "//clear.example", _to("//clear.example/barred"), NO, PLACE),
    Case("redirect-backslashes", "backslashes for slashes", _to("\\\\clear.example\\lost"), "redirect-followed"),
    Case("redirect-three-slashes", "///clear.example", _to("///clear.example/lost"), "redirect-followed"),
    Case("redirect-loopback", "to 127.0.0.1", _to("http://127.0.0.1/barred"), NO, PLACE),
    Case("redirect-localhost", "to localhost, port 9051", _to("http://localhost:9051/barred"), NO, PLACE),
    Case("redirect-decimal-ip", "to an address written as a number", _to("http://2130706433/barred"), NO, PLACE),
    Case("redirect-ipv6", "to [::1]", _to("http://[::1]/barred"), NO, PLACE),
    Case("redirect-bad-ipv6", "to an unclosed [", _to("http://[::1/barred"), NO, "nowhere"),
    Case("redirect-metadata", "to 169.254.169.254", _to("http://169.254.169.254/barred"), NO, PLACE),
    Case("redirect-file", "to file:///etc/passwd", _to("file:///etc/passwd"), NO, PLACE),
    Case("redirect-javascript", "to javascript:", _to("javascript:alert(1)"), NO, PLACE),
    Case("redirect-data", "to data:", _to("data:text/html,barred"), NO, PLACE),
    Case("redirect-ftp", "to ftp:", _to("ftp://{host}/barred"), NO, PLACE),
    Case("redirect-gopher", "to gopher:", _to("gopher://127.0.0.1:9051/_barred"), NO, PLACE),
    Case("redirect-magnet", "to magnet:", _to("magnet:?xt=urn:btih:" + "a" * 40), NO, PLACE),
    Case("redirect-http-no-slashes", "http:barred", _to("http:"), NO),
    Case("redirect-empty", "an empty Location", _to(""), "kept"),
    Case("redirect-none", "302 without a Location", raw(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"), "kept"),
    Case("redirect-huge", "a Location of 15 KB", _to("/" + "x" * 15_000), NO),
    Case("redirect-1mb", "a Location of 1 MB", _to("/" + "x" * 1024 * 1024), "bad-response"),
    Case("redirect-binary", "a Location of odd bytes", _to(b"/\xff\xfe\x00\x01\x80"), "redirect-followed"),
    Case("redirect-crlf", "escaped line breaks in it", _to("/c/x%0d%0aSet-Cookie:%20a=b"), "redirect-followed"),
    Case("redirect-bare-cr", "a bare CR in it", _to(b"/c/cr\rX-Y: z"), "redirect-followed"),
    Case("redirect-spaces", "blanks and tabs in it", _to("  /c/a b\tc  "), "redirect-followed"),
    Case("redirect-dots", "hundreds of ../", _to("../" * 400 + "c/dots"), "redirect-followed"),
    Case("redirect-percent", "broken escapes", _to("/c/%zz%%%2"), "redirect-followed"),
    Case("redirect-two-locations", "two Locations, the second away", raw(b"HTTP/1.1 302 Found\r\nLocation: /c/first\r\nLocation: http://clear.example/barred\r\nContent-Length: 0\r\n\r\n"), NO, PLACE),
    Case("redirect-idn", "to a name in other letters", _to("http://пример.example/barred"), NO, PLACE),
    Case("redirect-logout", "to what the site file skips", _to("/logout?barred"), NO, "never fetched"),
    Case("redirect-picture", "to a picture", _to("/barred.jpg"), NO, "never fetched"),
    Case("redirect-fragment", "to itself with a fragment", lambda asked: reply("", f"Location: {asked.path}#x", status="303 See Other"), NO, LOOP),
    Case("redirect-307", "307 to the clear net", _to("http://clear.example/barred", status="307 Temporary"), NO, PLACE),
    Case("redirect-308", "308 to another onion", _to(f"http://{OTHER}/barred", status="308 Permanent"), NO, PLACE),
    Case("redirect-300", "300 with a Location away", _to("http://clear.example/barred", status="300 Choices"), "kept"),
    Case("redirect-201", "201 with a Location away", _to("http://clear.example/barred", status="201 Created"), "gate:unknown"),
)  # fmt: skip
HEADERS = (
    Case("cookie-1mb", "a cookie of 1 MB", _headers("Set-Cookie: big=" + "c" * 1024 * 1024), "bad-response"),
    Case("cookie-15kb", "a cookie of 15 KB", _headers("Set-Cookie: big=" + "c" * 15_000)),
    Case("cookie-flood", "190 cookies", _headers(*(f"Set-Cookie: c{n}={'v' * 200}" for n in range(190)))),
    Case("cookie-flood-more", "300 cookies", _headers(*(f"Set-Cookie: c{n}=v" for n in range(300))), "bad-response"),
    Case("cookie-growing", "a cookie that grows with each page", _growing_cookie),
    Case("cookie-clear-net", "a cookie for the clear net", _headers("Set-Cookie: barred=1; Domain=clear.example")),
    Case("cookie-all-onions", "a cookie for all onions", _headers("Set-Cookie: barred=1; Domain=.onion")),
    Case("cookie-other-onion", "a cookie for another onion", _headers(f"Set-Cookie: barred=1; Domain={OTHER}")),
    Case("cookie-odd-bytes", "a cookie of odd bytes", _headers("Set-Cookie: odd=\xff\xfe\x01\x7f")),
    Case("cookie-nameless", "cookies without a name", _headers("Set-Cookie: =1", "Set-Cookie: ", "Set-Cookie: ;;;=;")),
    Case("cookie-dates", "cookies with impossible dates", _headers("Set-Cookie: d=1; Expires=Thu, 99 Foo 99999 99:99:99", "Set-Cookie: e=1; Max-Age=" + "9" * 300)),
    Case("cookie-attributes", "a cookie of 3,000 attributes", _headers("Set-Cookie: a=1" + "; x=y" * 2500)),
    Case("cookie-commas", "Set-Cookie of commas and quotes", _headers("Set-Cookie: " + ',"' * 4000)),
    Case("cookie2", "Set-Cookie2 with a port and a version", _headers('Set-Cookie2: a="1"; Version="1"; Port="80,' + "1," * 2000 + '"')),
    Case("header-refresh", "Refresh to the clear net", _headers("Refresh: 0; url=http://clear.example/barred")),
    Case("header-link", "Link headers: preload, next, canonical", _headers("Link: </barred>; rel=preload, <http://clear.example/barred>; rel=next", "Link: <http://clear.example/barred>; rel=canonical")),
    Case("header-onion-location", "Onion-Location to another onion", _headers(f"Onion-Location: http://{OTHER}/barred")),
    Case("header-alt-svc", "Alt-Svc, HSTS, ETag, Clear-Site-Data", _headers('Alt-Svc: h2="clear.example:443"; ma=99999999', "Strict-Transport-Security: max-age=99999999999", 'ETag: "' + "e" * 8000 + '"', 'Clear-Site-Data: "*"')),
    Case("header-reports", "NEL, Report-To and a CSP that reports", _headers('Report-To: {"endpoints":[{"url":"https://clear.example/barred"}]}', "NEL: {}", "Content-Security-Policy: report-uri http://clear.example/barred")),
    Case("header-retry-after", "Retry-After of a century, status 200", _headers("Retry-After: 3153600000")),
    Case("header-type-flood", "60 Content-Types", raw(b"HTTP/1.1 200 OK\r\n" + b"Content-Type: text/html\r\n" * 60 + b"Content-Length: %d\r\n\r\n" % len(LAMP) + LAMP.encode())),
    Case("header-type-two", "text first, picture second", raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n" % len(LAMP) + LAMP.encode())),
    Case("header-type-15kb", "a Content-Type of 15 KB", page(LAMP, kind="text/html; charset=" + "u" * 15_000)),
    Case("header-type-odd", "Content-Type: text/html\\0, upper case, tabs", page(LAMP, kind="TEXT/HTML\t;;;charset==;\x00")),
    Case("header-type-nonsense", "Content-Type: nonsense", page(LAMP, kind="nonsense"), "cut-off", "nonsense"),
    Case("header-type-script", "Content-Type with markup in it", page(LAMP, kind="<script>alert(1)</script>"), "cut-off", "only text"),
    Case("header-disposition", "Content-Disposition with ../ in it", _headers('Content-Disposition: attachment; filename="../../../etc/cron.d/x"')),
    Case("header-huge-age", "numbers out of range in dates and ages", _headers("Age: " + "9" * 500, "Date: Xyz, 99 Foo 0000", "Last-Modified: -1", "Expires: never")),
    Case("header-early-link", "103 with a link, then the page", raw(b"HTTP/1.1 103 Early Hints\r\nLink: </barred>; rel=preload\r\n\r\n" + reply(LAMP))),
    Case("header-markup", "markup and escape codes in a header", _headers("Server: <script>alert(1)</script>\x1b]0;x\x07", "X-Powered-By: " + fill("../", 3000))),
)  # fmt: skip
LINKED = (
    Case("meta-refresh-away", "meta refresh to the clear net", page('<meta http-equiv=refresh content="0;url=http://clear.example/barred"><h1>Brass lamp</h1>' + "<p>Fine. " * 200)),
    Case("meta-refresh-data", "meta refresh to data: and javascript:", page('<meta http-equiv=refresh content="0;url=data:text/html,barred"><meta http-equiv=refresh content="0;url=javascript:barred"><h1>Lamp</h1>' + "<p>Fine. " * 200)),
    Case("meta-refresh-flood", "50,000 meta refreshes", zipped(lambda: "".join(f'<meta http-equiv=refresh content="{n};url=http://clear{n}.example/barred">' for n in range(50_000)) + LAMP)),
    Case("base-away", "a base in the clear net", page('<base href="http://clear.example/barred/"><a href="x">x</a><a href="/y">y</a>' + LAMP)),
    Case("base-broken", "a base that is no address", page('<base href="http://[' + "x" * 2000 + '">' + "<a href=//[>x</a>" * 9000 + LAMP)),
    Case("base-javascript", "a base of javascript:", page('<base href="javascript:barred"><a href="x">x</a><a href="//clear.example/barred">y</a>' + LAMP)),
    Case("base-many", "20,000 bases", zipped(lambda: "".join(f'<base href="http://b{n}.example/barred/">' for n in range(20_000)) + '<a href="x">x</a>' + LAMP)),
    Case("canonical-cycle", "canonical, alternate and next in a circle", page("".join(f'<link rel={rel} href="/p/canonical-cycle?barred={rel}">' for rel in ("canonical", "alternate", "next", "prev", "amphtml")) + LAMP)),
    Case("links-of-all-schemes", "links of 40 schemes", page("".join(f'<a href="{s}://clear.example/barred">x</a><a href="{s}:barred">y</a>' for s in ("file", "ftp", "javascript", "data", "vbscript", "ws", "wss", "gopher", "mailto", "tel", "magnet", "blob", "about", "view-source", "resource", "chrome", "jar", "smb", "ldap", "ssh")) + LAMP)),
    Case("links-foreign-flood", "100,000 links to as many places", zipped(lambda: "".join(f'<a href="http://s{n}.example/barred">' for n in range(100_000)) + LAMP)),
    Case("links-with-users", "links with user names and odd hosts", page("".join(f'<a href="http://{u}/barred">x</a>' for u in ("user:word@clear.example", "a@b@c", "%31%32%37.0.0.1", "0x7f.1", "①②⑦.0.0.1", "[::ffff:127.0.0.1]", "..", " ", "\t", "clear.example:99999")) + LAMP)),
    Case("link-of-15mb", "a link of 15 MB", zipped(lambda: '<a href="/' + "barred" * 2_500_000 + '">x</a>' + LAMP)),
    Case("form-away", "forms that post to the clear net", page('<form action="http://clear.example/barred" method=post><input name=q></form>' * 50 + LAMP)),
    Case("frames-cyclic", "a page framed in itself, 2,000 times", page('<iframe src="/p/frames-cyclic"></iframe><frame src="/p/frames-cyclic">' * 1000 + LAMP)),
    Case("sources-away", "pictures, sheets, scripts and pings in the clear net", page('<img src=http://clear.example/barred><link rel=stylesheet href=http://clear.example/barred><script src=http://clear.example/barred></script><video poster=http://clear.example/barred><source srcset=http://clear.example/barred></video><object data=http://clear.example/barred></object><link rel=dns-prefetch href=//clear.example/barred>' + LAMP)),
)  # fmt: skip
CASES = REDIRECTS + HEADERS + LINKED
