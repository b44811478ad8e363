"""Hostile markup: depth, floods of tags and attributes, and what HTML's own rules make dear.

Public names: CASES.
"""

from __future__ import annotations

from hostile.case import Case, fill, n, page, zipped

N = 200_000
MB = 1024 * 1024
LAMP = "<h1>Brass lamp</h1><p>Price: $ 20</p>"
DEEP = "nested too deep"


def _page(body: str) -> str:
    return f"<html><head><title>Brass lamp</title></head><body>{LAMP}{body}</body></html>"


def _entities(count: int) -> str:
    names = [f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, count)]
    return f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{"".join(names)}]><x>&l{count - 1};</x>'


_OUTSIDE = '<!ENTITY a SYSTEM "file:///etc/passwd"><!ENTITY b SYSTEM "http://clear.example/barred">'

CASES = (
    # Depth
    Case("nested-div", "200,000 nested divs", zipped(lambda: _page("<div>" * n(N))), says=DEEP),
    Case("nested-b", "200,000 nested bold", zipped(lambda: _page("<b>" * n(N))), says=DEEP),
    Case("nested-font-p", "100,000 styles never closed over as many paragraphs", zipped(lambda: _page("<font><p>x" * n(100_000))), says=DEEP),
    Case("nested-style-mix", "all styles, nested by turns", zipped(lambda: _page("<b><i><u><s><tt><em><big>x" * n(30_000))), says=DEEP),
    Case("nested-a-font", "links and fonts that mend each other", zipped(lambda: _page("<a><font>x" * n(100_000))), says=DEEP),
    Case("nested-misnested", "<b><p></b></p> 60,000 times", zipped(lambda: _page("<b><p></b>x</p>" * n(60_000)))),
    Case("nested-table", "60,000 nested tables", zipped(lambda: _page("<table><tr><td>" * n(60_000))), says=DEEP),
    Case("nested-table-foster", "text and tags that tables push out", zipped(lambda: _page("<table>x<b>" * n(60_000))), says=DEEP),
    Case("nested-table-foster-flat", "one table, 90,000 things pushed out of it", zipped(lambda: _page("<table>" + "<p>x<tr>y" * n(45_000)))),
    Case("nested-list", "100,000 nested lists", zipped(lambda: _page("<ul><li>Ships from: x" * n(100_000))), says=DEEP),
    Case("nested-blockquote", "200,000 nested quotes", zipped(lambda: _page("<blockquote>" * n(N))), says=DEEP),
    Case("nested-form", "100,000 nested forms", zipped(lambda: _page("<form><input type=text name=a>" * n(100_000)))),
    Case("nested-button", "200,000 buttons", zipped(lambda: _page("<button>" * n(N)))),
    Case("nested-object", "200,000 nested objects", zipped(lambda: _page("<object>" * n(N))), says=DEEP),
    Case("nested-template", "100,000 nested templates", zipped(lambda: _page("<template>" * n(100_000))), says=DEEP),
    Case("nested-svg", "100,000 nested svg elements", zipped(lambda: _page("<svg><g>" * n(50_000))), says=DEEP),
    Case("nested-math", "MathML and HTML by turns", zipped(lambda: _page("<math><mi><p><mtext><table>" * n(20_000)))),
    Case("nested-noscript", "100,000 nested noscripts", zipped(lambda: _page("<noscript>" * n(100_000))), says=DEEP),
    Case("nested-select", "100,000 nested selects", zipped(lambda: _page("<select><option>x" * n(100_000)))),
    Case("nested-ruby", "100,000 nested rubies", zipped(lambda: _page("<ruby><rt><rp>x" * n(60_000))), says=DEEP),
    Case("nested-unknown", "200,000 nested elements of no name known", zipped(lambda: _page("<x-y>" * n(N))), says=DEEP),
    Case("nested-names", "100,000 elements, each of another name", zipped(lambda: _page("".join(f"<q{i}>" for i in range(n(100_000))))), says=DEEP),
    Case("nested-headings", "200,000 headings never closed", zipped(lambda: _page("<h1>" * n(N)))),
    Case("nested-dd", "200,000 dt and dd never closed", zipped(lambda: _page("<dl><dt>Price<dd>1" * n(60_000))), says=DEEP),
    Case("nested-frameset", "100,000 framesets", zipped(lambda: "<html><frameset>" + "<frameset>" * n(100_000)), "gate:unknown"),
    Case("end-tags", "500,000 end tags", zipped(lambda: _page("</div></p></b></table></br>" * n(100_000)))),
    # Floods
    Case("links-million", "a million links", zipped(lambda: _page("".join(f"<a href=/{i}>" for i in range(n(1_000_000)))))),
    Case("links-million-same", "a million links to one page", zipped(lambda: _page("<a href=/>x" * n(1_000_000)))),
    Case("links-escaped", "200,000 links to be escaped", zipped(lambda: _page("".join(f'<a href="../{i}?x=%{i} ü">' for i in range(n(N)))))),
    Case("tags-million", "5 million line breaks", zipped(lambda: _page("<br>" * n(4_000_000)))),
    Case("labels-flood", "100,000 labels and values", zipped(lambda: _page("<p>Price: $5</p>" * n(100_000)))),
    Case("labels-dl", "200,000 terms in one list", zipped(lambda: _page("<dl>" + "<dt>Price<dd>1" * n(100_000)))),
    Case("labels-cells", "200,000 cells in one row", zipped(lambda: _page("<table><tr>" + "<td>a" * n(N)))),
    Case("labels-rows", "60,000 rows of label and value", zipped(lambda: _page("<table>" + "<tr><th>Price</th><td>1</td></tr>" * n(60_000)))),
    Case("labels-br", "100,000 lines of label and value", zipped(lambda: _page("Price: 1<br>" * n(100_000)))),
    Case("labels-different", "60,000 different labels", zipped(lambda: _page("".join(f"<p>Label {i}: {i}</p>" for i in range(n(60_000)))))),
    Case("labels-for", "50,000 label elements, each for one field", zipped(lambda: _page("".join(f"<label for=f{i}>Price</label><input id=f{i} value=1>" for i in range(n(50_000)))))),
    Case("options-flood", "100,000 options", zipped(lambda: _page("<select>" + "<option>x" * n(100_000)))),
    Case("options-groups", "60,000 groups of options", zipped(lambda: _page("<select>" + "<optgroup label=x><option>y" * n(60_000)))),
    Case("forms-flood", "100,000 forms with a password", zipped(lambda: _page("<form><input type=password></form>" * n(100_000))), "gate:login"),
    Case("radios-flood", "50,000 radio buttons", zipped(lambda: _page("<label><input type=radio name=a value=b checked>x</label>" * n(50_000)))),
    Case("cards-flood", "30,000 cards of goods", zipped(lambda: _page('<div class=card><a href="/p/1">t</a><span>$5</span></div>' * n(30_000)))),
    Case("posts-flood", "30,000 posts", zipped(lambda: _page("<div class=post><span class=author>x</span><p>hello</p><time>2026-01-01</time></div>" * n(30_000)))),
    Case("headings-flood", "80,000 headings", zipped(lambda: _page("<h1>a</h1>" * n(80_000)))),
    Case("microdata-flood", "40,000 nested scopes of microdata", zipped(lambda: _page("<div itemscope itemprop=offers><span itemprop=price>5" * n(40_000))), says=DEEP),
    Case("json-ld", "JSON nested 500,000 deep", zipped(lambda: _page('<script type="application/ld+json">' + '{"a":[' * n(250_000) + "</script>"))),
    Case("styles-hidden", "60,000 hidden elements", zipped(lambda: _page("<p style='display:none'>x</p>" * n(60_000)))),
    Case("ids-same", "100,000 elements of one id", zipped(lambda: _page("<i id=a class='a b c'>x</i>" * n(60_000)))),
    # Attributes
    Case("attribute-10mb", "an attribute of 10 MB", zipped(lambda: _page(f'<p title="{"x" * 10 * MB}">y'))),
    Case("attribute-class-10mb", "a class of 5 million words", zipped(lambda: _page(f'<p class="{"a " * 5 * MB}">y'))),
    Case("attribute-href-10mb", "an address of 10 MB", zipped(lambda: _page(f'<a href="/{"a/" * 5 * MB}">y'))),
    Case("attribute-style-10mb", "a style of 10 MB", zipped(lambda: _page(f'<p style="{"display:" * MB}">y'))),
    Case("attributes-million", "a million attributes in one tag", zipped(lambda: _page(f"<p {' '.join(f'a{i}=1' for i in range(n(1_000_000)))}>y"))),
    Case("attributes-same", "a million times the same attribute", zipped(lambda: _page("<p " + "a=b " * n(1_000_000) + ">y"))),
    Case("attributes-everywhere", "40 attributes in each of 20,000 tags", zipped(lambda: _page(f"<i {' '.join(f'a{i}' for i in range(40))}>x</i>" * n(20_000)))),
    Case("attributes-odd", "attributes of quotes, signs and NULs", zipped(lambda: _page("<p =\"'<\0 ==='\"/ / a='>' \"b\">x" * n(30_000)))),
    Case("attribute-unclosed", "a quote never closed", zipped(lambda: _page('<p title="' + "x<b>" * n(500_000)))),
    # What never ends
    Case("comment-unclosed", "a comment never closed", zipped(lambda: _page("<!--" + "x-" * 2 * MB))),
    Case("comments-flood", "a million comments begun", zipped(lambda: _page("<!--" * n(1_000_000)))),
    Case("comments-odd", "comments ended in odd ways", zipped(lambda: _page("<!--><!---><!--x--!><!x><?x><//><![CDATA[x]]>" * n(40_000)))),
    Case("script-unclosed", "a script never closed", zipped(lambda: _page("<script>" + "<b>" * n(500_000)))),
    Case("scripts-flood", "200,000 scripts begun", zipped(lambda: _page("<script" * n(N)))),
    Case("scripts-escaped", "scripts with comments that hide their end", zipped(lambda: _page("<script><!--<script></script>" * n(50_000)))),
    Case("title-unclosed", "a title never closed", zipped(lambda: "<html><head><title>" + "Lamp <b>" * n(300_000))),
    Case("title-1mb", "a title of 1 MB", zipped(lambda: f"<html><head><title>{fill('Brass lamp ', MB)}</title></head><body><h1>{fill('Brass lamp ', MB)}</h1>")),
    Case("titles-flood", "100,000 titles", zipped(lambda: "<title>a</title>" * n(100_000) + LAMP)),
    Case("textarea-unclosed", "100,000 text boxes never closed", zipped(lambda: _page("<textarea>" * n(100_000)))),
    Case("textareas-flood", "100,000 text boxes that end in the wrong tag", zipped(lambda: _page("<textarea></textare>" * n(100_000)))),
    Case("plaintext", "plaintext, after which nothing is a tag", zipped(lambda: _page("<plaintext>" + "<b>" * n(500_000)))),
    Case("xmp-noembed", "old elements of raw text, never closed", zipped(lambda: _page("<xmp><noembed><noframes><iframe>" * n(30_000)))),
    Case("cdata-svg", "CDATA in svg never closed", zipped(lambda: _page("<svg><![CDATA[" + "<p>" * n(300_000)))),
    Case("tag-unclosed", "a tag that never ends", zipped(lambda: _page("<p " + "x " * MB))),
    Case("signs-flood", "a million <", zipped(lambda: _page("<" * n(1_000_000)))),
    Case("signs-amp", "a million &", zipped(lambda: _page("&" * n(1_000_000)))),
    Case("signs-entities", "200,000 entities of all sorts", zipped(lambda: _page("&amp;&#0;&#x110000;&#99999999999999;&notit;&CounterClockwiseContourIntegral;" * n(40_000)))),
    Case("spaces", "16 million blanks", zipped(lambda: _page(" " * (15 * MB)))),
    Case("newlines", "10 million line ends", zipped(lambda: _page("\n" * (10 * MB)))),
    # XML
    Case("xml-laughs", "a billion laughs", page(_entities(30), kind="text/xml"), "gate:unknown"),
    Case("xml-laughs-xhtml", "the same as XHTML", page(_entities(30), kind="application/xhtml+xml"), "gate:unknown"),
    Case("xml-quadratic", "one entity of 1 MB, used 10,000 times", zipped(lambda: f'<!DOCTYPE x [<!ENTITY a "{"a" * MB}">]><x>{"&a;" * n(10_000)}</x>', kind="application/xml")),
    Case("xml-outside", "entities from files and the clear net", page(f'<?xml version="1.0"?><!DOCTYPE x [{_OUTSIDE}]><x>&a;&b;</x>', kind="text/xml"), "gate:unknown"),
    Case("xml-dtd-away", "a DTD and a style sheet in the clear net", page('<?xml version="1.0"?><?xml-stylesheet href="http://clear.example/barred"?><!DOCTYPE x SYSTEM "http://clear.example/barred"><x/>', kind="text/xml"), "gate:unknown"),
    Case("xml-svg", "an SVG with scripts and links", page('<svg xmlns="http://www.w3.org/2000/svg" onload="barred()"><script>x</script><image href="http://clear.example/barred"/><a href="http://clear.example/barred">x</a></svg>', kind="image/svg+xml"), "cut-off", "image/svg+xml"),
)  # fmt: skip
