#!/usr/bin/env python3
"""Writes cases.jsonl: what lxml makes of documents and paths. Needs lxml."""
import io
import json
import os

from lxml import etree

DOCUMENTS = [
    '<r><a/><a><b c="1"/><!-- x --><?q?></a><b/><x:y xmlns:x="u"/><z xmlns="v"><w/></z></r>',
    '<business type="bar">\n  <name>Tasty Beverage Co.</name>\n  <beers>\n    <beer>Rochefort 10</beer>\n    <beer>St. Bernardus Abbot 12</beer>\n    <beer>Schlitz</beer>\n  </beers>\n'
    '  <rating subjective="true">10</rating>\n  <website>\n    <mobilefriendly/>\n    <address>http://tastybeverageco.com</address>\n  </website>\n</business>\n',
    '<foo xmlns="http://x.test" xmlns:attr="http://z.test">\n  <bar>\n    <baz xmlns="http://y.test" attr:my="true" plain="x"/>\n  </bar>\n</foo>',
    '<n><v>1</v><v>2.5</v><v> 3 </v><v>x</v><v/><d xml:lang="en-GB" xml:id="k">text<e>in</e>tail<!--c--></d></n>',
    '<?xml version="1.0" standalone="yes"?>\n<!-- a -->\n<?pi x  y?>\n<!DOCTYPE r [\n<!ENTITY e "x<b>\u00e9</b>">\n <!ENTITY g \'say "hi" &#38;#38; go\'>\n<!ENTITY f SYSTEM "foo">\n<!ELEMENT r (a,b?)*>\n'
    '<!ATTLIST r x CDATA #IMPLIED y (a|b) "a" z NMTOKEN #FIXED "q">\n<!NOTATION n SYSTEM "q">\n<!-- c -->\n<?pp q?>\n]>\n<!-- z --><r a="\u00e9\t\'&quot;&#10;&gt;&g;">&e;\u00e9&#13;\r\n>]]&gt;&g;</r>\n<!-- after -->\n<?q?>\n',
    '<!-- a -->\n<!DOCTYPE r SYSTEM "foo.dtd">\n<r/><!-- q -->\n',
    '<!DOCTYPE r PUBLIC "-//X//DTD Y//EN" "http://x/y.dtd">\n<r a="&#xe9;&#x1F600;"/>',
    '<r>\n <a>\n  <b/>t\n <c/> </a> <d>  </d><e> x <f/> <g/></e><h xml:space="preserve"> <i/> </h><j> <!-- c --> <?p q?> </j><k><![CDATA[ ]]> <l/></k></r>',
    '<r><![CDATA[a<]]>b<![CDATA[]]></r>',
    '<r xmlns="u" xmlns:a="v" b="1" a:c="2"><x xmlns=""/><a:y xmlns:a="v"/></r>',
    '<k><b/> &lt; <b/> </k>', '<k>&lt; <b/> </k>', '<k> &lt; <b/> </k>', '<k><l/><![CDATA[x]]> <l/></k>', '<k> <!-- c -->t <b/> </k>', '<k><b/> <c/>t<d/> <e/> </k>',
    '<k>t<b> <c/> </b> </k>', '<k><b/>\r\n<c/>\r\n</k>', '<k> <b/>&#32;<c/></k>', '<k><?p?> <b/> </k>', '<k>\n</k>', '<k><a> </a> <a>\n\n</a></k>', '<k> <a/>x<b> <c/> </b> <d/></k>',
    '<k xml:space="preserve"> <a xml:space="default"> <b/> </a> </k>', '<a></a >', '<a  b = "1"\n c=\'2"\' ></a>', '<\u00e9l\u00e9ment \u00fc="1"/>', '<?xml version="1.1"?><a/>', '\ufeff<a/>', '<a>\t<b/></a>',
    '<server>\n    <Listener className="x"/>\n    <!-- <Valve a="b"/> -->\n    <Service name="Catalina">\n\t<Connector port="8080" protocol="HTTP/1.1"\n               redirectPort="8443" />\n    </Service>\n</server>\n',
    # What is not well-formed.
    '<a><b></a>', '<a', '<a/><b/>', '<a>&foo;</a>', '<a b=1/>', '<a b="1" b="2"/>', 'x', '<a:b/>', '<a b="<"/>', '<a>&</a>', '<a>\x01</a>', '<a b="1"c="2"/>', ' <?xml version="1.0"?><a/>', '<a>]]></a>', '<1/>',
    '<a><b>', '<a>&#0;</a>', '<a', '<!-- x', '<a b>', '<a><![CDATA[x</a>', '</a>', '<!DOCTYPE a', '<!DOCTYPE a [<!ENTITY x "&y;"><!ENTITY y "&x;">]><a>&x;</a>',
]
PATHS = [
    ['/', '/r', 'a', '//a', '//b', '/r/a[2]/b', '//@c', '//@*', '..', '.', '/r/a[1]', '/r/a[last()]', '//comment()', '//processing-instruction()', '//processing-instruction("q")', '//processing-instruction("p")', '//x:y', '//p:y', '//v:w', 'p:*', '//*',
     '//node()', '//text()', 'count(//*)', 'count(//a) = 2', '//a | //b', '//b | //a', '(//a)[1]', '//a[1]', '//b/parent::*', '//b/ancestor::*', '//b/ancestor::*[1]', '//b/ancestor-or-self::*[2]', '//b/following::*', '//w/preceding::*', '//w/preceding::*[1]',
     '/r/*[3]/preceding-sibling::*', '/r/*[3]/preceding-sibling::*[1]', '/r/*[3]/following-sibling::*[1]', '//b[@c]', '//b[not(@c)]', '//*[@c="1"]', '//*[local-name()="w"]', '//*[name()="x:y"]', '//*[namespace-uri()="u"]', 'descendant::b', 'descendant-or-self::node()',
     'self::r', 'self::a', '///a', '////a', 'count(//r/a)', 'count(///a)', '//a/..', '//a/../b', 'a[b]', 'a[b/@c=1]', '//a[position()=2]', '//a[position()<2]', 'a[2][b]', '/r/a[b][1]', 'a/b[../..]', 'name(/*)', 'string(//@c)',
     '//', 'a[', 'a]', 'foo(', '1 +', '"abc', '@', 'a b', 'foo()', '$x', 'q:y', 'a::b', './/', 'a/', 'child::', 'not()', 'count(1)', 'last(1)', '5[1]', '"a"=\'b\'', '-a', 'a|1', '1 | 2', 'a[1', '()', '', '//*[', 'a and b', 'a or', 'div div div', '* * *', 'a*2'],
    ['/business/beers/beer', '/business/beers/beer[text()="Rochefort 10"]', '/business/rating/@subjective', '//beer[2]', '//beer[contains(., "St.")]', '//beer[starts-with(text(),"S")]', 'count(//beer)', 'string(//name)', 'normalize-space(//website)', '//*[@*]', '//beer/text()',
     'sum(//rating)', '//rating + 1', '//rating > 9', '//rating[. = 10]', '//rating[@subjective="true" and . > 5]', '//beer[not(. = "Schlitz")]', '//beer[position() mod 2 = 1]', 'string-length(//name)', '/business/*[not(self::beers)]', '//website/*', 'name(//website/*[1])',
     '//*[count(*)=0]', '//*[text()="10"]/..', '/business/@type', '/business[@type="bar"]/name', 'concat(//name, " / ", //rating)', 'translate(//name, "aeiou", "AEI")', 'substring(//name, 2, 3)', 'substring(//name, 0)', 'substring(//name, 1.5, 2.6)', 'substring("12345", -42, 1 div 0)',
     'substring-before(//address, "://")', 'substring-after(//address, "://")', 'boolean(//nope)', 'not(//nope)', 'true()', 'false() or true()', '1 div 0', '-1 div 0', '0 div 0', '5 mod 2', '-5 mod 2', '5 mod -2', '1.5 mod 0.5', '2 * 3 - 1', 'floor(2.6)', 'ceiling(2.2)', 'round(2.5)', 'round(-2.5)',
     'string(1.0)', 'string(0.1)', 'string(-0)', 'string(100000000)', 'string(1 div 3)', 'number("1e3")', 'number(" 12 ")', 'number("")', 'number("+1")', 'number(true())', 'string(true())', '//beer = "Schlitz"', '//beer != "Schlitz"', '//beer = //name', '//nope = ""', '//beer < 3', '"a" < "b"', 'true() = "x"', '//nope = false()',
     'last()', 'position()', '.5 + .5', '5.', '1=1=1', '3 > 2 > 1', '//beers[beer[3]]', '//beers[beer[4]]', '//beer[last()-1]', '//beer[. = ../beer[1]]', 'string(//beer[2]/following::*[1])', '//text()[normalize-space()]'],
    ['/x:foo/x:bar/y:baz', '//y:baz/@z:my', '//y:baz/@*', '//@z:*', '//bar', '//x:bar/*', '//namespace::*', 'count(//y:baz/namespace::*)', 'name(//@z:my)', 'local-name(//@z:my)', 'namespace-uri(//@z:my)', 'name(//y:baz)', '//*[@plain]', '//x:nope'],
    ['sum(//v)', '//v[. > 1]', '//v[number() = number()]', 'id("k")', '//*[lang("en")]', '//*[lang("EN-gb")]', '//*[lang("de")]', '//e/text()', 'string(//d)', '//d/text()', '//d/node()', 'string(//d/comment())', '//v[5]', 'string(//v[5])', '//v[not(node())]', '//d/text()[2]', 'sum(//nope)', '//d[@xml:id]', '@xml:lang | //@xml:lang'],
]
PREFIXES = {'p': 'u', 'x': 'http://x.test', 'y': 'http://y.test', 'z': 'http://z.test', 'v': 'v'}


def shown(tree, value):
    if isinstance(value, list):
        return [shown(tree, item) for item in value]
    if isinstance(value, etree._Element):
        return tree.getpath(value)
    if isinstance(value, tuple):
        return 'namespace'
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        return 'number %r' % value
    return '"' + str(value)


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'cases.jsonl'), 'w') as out:
    for text in DOCUMENTS:
        for pretty, merge in ((False, False), (True, False), (True, True)):
            case = dict(read=text, pretty=pretty, merge=merge)
            try:
                tree = etree.parse(io.BytesIO(text.encode()), etree.XMLParser(remove_blank_text=pretty, strip_cdata=merge))
            except etree.XMLSyntaxError as error:
                if not pretty:
                    out.write(json.dumps(dict(case, wrong=error.msg)) + '\n')
                continue
            written = io.BytesIO()
            tree.write(written, xml_declaration=True, encoding='UTF-8', pretty_print=pretty)
            case.update(gives=written.getvalue().decode(), ascii=etree.tostring(tree, pretty_print=pretty).decode(), paths=[tree.getpath(node) for node in tree.getroot().iter()],
                        parts=[etree.tostring(node).decode() for node in tree.getroot().iter()])
            out.write(json.dumps(case) + '\n')
    for text, paths in zip(DOCUMENTS, PATHS):
        tree = etree.parse(io.BytesIO(text.encode()))
        for path in paths:
            case = dict(find=path, document=text)
            try:
                used = {prefix: uri for prefix, uri in PREFIXES.items()}
                case['gives'] = shown(tree, tree.xpath(path, namespaces=used))
            except (etree.XPathSyntaxError, etree.XPathEvalError) as error:
                case['wrong'] = str(error)
            out.write(json.dumps(case) + '\n')
