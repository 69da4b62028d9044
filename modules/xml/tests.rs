use super::*;

const FILE: &str = "/srv/beer.xml";
const TEXT: &str = r#"<?xml version="1.0"?>
<!-- ours -->
<business type="bar">
  <name>Tasty Beverage Co.</name>
  <beers>
    <beer>Rochefort 10</beer>
    <beer><![CDATA[St. Bernardus]]></beer>
  </beers>
  <rating subjective="true">10</rating>
</business>
"#;
const HEAD: &str = "<?xml version='1.0' encoding='UTF-8'?>\n<!-- ours -->";
const NAMESPACES: &str = r#"<foo xmlns="http://x.test" xmlns:attr="http://z.test">
  <bar><baz xmlns="http://y.test" attr:mine="true"/></bar>
</foo>"#;

fn world() -> World {
    World::new().file(FILE, TEXT)
}

/// Runs a task on the file, and gives its text afterwards.
fn text(rest: &str) -> String {
    let args = format!("{{ path: {FILE}, {rest} }}");
    let done = conform::<Xml>(&args, world()).changed();
    let text = done.probe().read_text(FILE).unwrap();
    done.then(&args).unchanged();
    text
}

/// The same for text instead of a file.
fn changed(xml: &str, rest: &str) -> String {
    let done =
        conform::<Xml>(&format!("{{ xmlstring: {}, {rest} }}", python_repr(&xml.into())), World::new());
    let text = done.changed().outcome().get("xmlstring").unwrap().as_str().unwrap().to_owned();
    text.strip_prefix("<?xml version='1.0' encoding='UTF-8'?>\n").unwrap().to_owned()
}

#[test]
fn text_and_attributes_are_set_and_all_else_stays() {
    let expected =
        TEXT.replace("<?xml version=\"1.0\"?>\n<!-- ours -->\n", HEAD).trim_end().replace(">10<", ">11<");
    assert_eq!(text("xpath: /business/rating, value: 11"), expected);
    let mine = text("xpath: /business/rating, attribute: subjective, value: 'false'");
    assert!(mine.contains("<rating subjective=\"false\">10</rating>"), "{mine}");
    let same = format!("{{ path: {FILE}, xpath: /business/rating, value: '10' }}");
    conform::<Xml>(&same, world()).unchanged().holds(FILE, TEXT);
}

#[test]
fn what_is_missing_is_made() {
    assert_eq!(changed("<a/>", "xpath: /a/b/c/text()='x'"), "<a><b><c>x</c></b></a>");
    assert_eq!(
        changed("<a/>", "xpath: '/a/b[@c=\"1\" and d/text()=\"2\"]'"),
        "<a><b c=\"1\"><d>2</d></b></a>"
    );
    let there = "{ xmlstring: <a><b>x</b></a>, xpath: /a/b/text()='x' }";
    conform::<Xml>(there, World::new()).unchanged();
    assert_eq!(changed("<a/>", "xpath: /a/b/@c"), "<a><b c=\"\"/></a>");
    assert_eq!(changed("<a/>", "xpath: /a/b, attribute: c, value: d"), "<a><b c=\"d\"/></a>");
    let args = "{ xmlstring: <a/>, xpath: '/a[position()=2]', value: x }";
    conform::<Xml>(args, World::new())
        .failed("Can't process Xpath /a[position()=2] in order to spawn nodes!");
}

#[test]
fn what_is_found_is_removed() {
    assert_eq!(changed("<a><b/> tail<c d=\"1\"/></a>", "xpath: //b, state: absent"), "<a><c d=\"1\"/></a>");
    assert_eq!(changed("<a><c d=\"1\"/></a>", "xpath: //@d, state: absent"), "<a><c/></a>");
    conform::<Xml>("{ xmlstring: <a/>, xpath: //b, state: absent }", World::new()).unchanged();
    conform::<Xml>("{ xmlstring: <a/>, xpath: /a, state: absent }", World::new())
        .failed("Couldn't delete xpath target: /a (");
}

#[test]
fn children_are_added_at_the_end_or_beside() {
    let add = |where_: &str| changed("<a><b/><b/></a>", &format!("add_children: [c, {{ d: x }}], {where_}"));
    assert_eq!(add("xpath: /a"), "<a><b/><b/><c/><d>x</d></a>");
    assert_eq!(add("xpath: /a/b, insertbefore: yes"), "<a><c/><d>x</d><b/><b/></a>");
    assert_eq!(add("xpath: /a/b, insertafter: yes"), "<a><b/><b/><c/><d>x</d></a>");
    let building = "{ building: { name: Scumm bar, +value: unreal, _: [floor: Pirate hall, { size: 5 }] } }";
    assert_eq!(
        changed("<a/>", &format!("xpath: /a, add_children: [{building}]")),
        "<a><building name=\"Scumm bar\">unreal<floor>Pirate hall</floor><size>5</size></building></a>"
    );
    let xml = "xpath: /a, input_type: xml, add_children: ['<b c=\"1\"><d/></b>']";
    assert_eq!(changed("<a/>", xml), "<a><b c=\"1\"><d/></b></a>");
}

#[test]
fn children_are_set_once() {
    let args =
        "xpath: /business/beers, set_children: [{ beer: 90 Minute IPA }, { beer: Harvest Pumpkin Ale }]";
    let set = text(args);
    assert!(
        set.contains("<beers>\n    <beer>90 Minute IPA</beer><beer>Harvest Pumpkin Ale</beer></beers>"),
        "{set}"
    );
    let again = format!("{{ path: {FILE}, {args} }}");
    conform::<Xml>(&again, World::new().file(FILE, set)).unchanged();
    assert_eq!(changed("<a><b/></a>", "xpath: /a, set_children: []"), "<a/>");
}

#[test]
fn namespaces_are_those_of_the_document() {
    let args =
        "xpath: '/x:foo/x:bar/y:baz', namespaces: { x: http://x.test, y: http://y.test, z: http://z.test }";
    let set = changed(NAMESPACES, &format!("{args}, attribute: 'z:mine', value: no way"));
    assert!(set.contains("attr:mine=\"no way\""), "{set}");
    let made = changed(NAMESPACES, &args.replace("y:baz'", "z:new'"));
    assert!(made.contains("<attr:new/></bar>"), "{made}");
    let unprefixed =
        format!("{{ xmlstring: {}, xpath: /foo/bar, value: x }}", python_repr(&NAMESPACES.into()));
    conform::<Xml>(&unprefixed, World::new())
        .failed("XML document has namespace(s) defined, but no namespace");
}

#[test]
fn what_is_there_is_told() {
    let ask = |rest: &str| {
        conform::<Xml>(&format!("{{ path: {FILE}, xpath: //beer, {rest} }}"), world()).unchanged()
    };
    ask("count: yes").gives("count", 2).gives("msg", "found 2 nodes");
    ask("print_match: yes")
        .gives("msg", "selector '//beer' match: [\"/business/beers/beer[1]\", \"/business/beers/beer[2]\"]");
    let texts = |text: &str| Val::Map(vec![("beer".into(), text.into())]);
    ask("content: text").gives("matches", Val::List(vec![texts("Rochefort 10"), texts("St. Bernardus")]));
    let rating = format!("{{ path: {FILE}, xpath: //rating, content: attribute }}");
    let attributes = Val::Map(vec![("subjective".to_owned(), "true".into())]);
    let rated = Val::List(vec![Val::Map(vec![("rating".to_owned(), attributes)])]);
    conform::<Xml>(&rating, world()).gives("matches", rated).gives("msg", 1);
}

#[test]
fn a_document_is_indented_when_asked() {
    let args = "{ path: /a, pretty_print: yes, backup: yes }";
    let done = conform::<Xml>(args, World::new().file("/a", "<a><b> x </b><c> <d/></c></a>")).changed();
    let pretty = "<?xml version='1.0' encoding='UTF-8'?>\n<a>\n  <b> x </b>\n  <c>\n    <d/>\n  </c>\n</a>\n";
    assert!(done.outcome().get("backup_file").is_some());
    done.holds("/a", pretty).then(args).unchanged();
    assert_eq!(
        changed("<a><![CDATA[<]]><b/></a>", "xpath: /a/c, strip_cdata_tags: yes"),
        "<a>&lt;<b/><c/></a>"
    );
}

#[test]
fn what_is_wrong_is_said() {
    let failed = |args: &str, message: &str| {
        conform::<Xml>(args, world()).failed(message);
    };
    failed("{ path: /none, xpath: /a, value: x }", "The target XML source '/none' does not exist.");
    failed(
        "{ xmlstring: <a>, xpath: /a, value: x }",
        "Error while parsing document: xml_string (Premature end",
    );
    failed("{ xmlstring: <a/>, xpath: '//[', value: x }", "Syntax error in xpath expression: //[ (");
    failed("{ xmlstring: <a/>, xpath: 'x:a', value: x }", "Undefined namespace prefix");
    failed("{ xmlstring: <a/>, xpath: /a, add_children: [5] }", "Invalid child type: <class 'int'>");
    failed("{ xmlstring: <a/>, xpath: /a, add_children: ['a b'] }", "Invalid tag name 'a b'");
    failed("{ xmlstring: <a/>, xpath: /a, value: [1] }", "got 'list'");
    failed("{ xmlstring: <a/> }", "Don't know what to do");
    failed("{ xmlstring: <a/>, value: x }", "missing parameter(s) required by 'value': xpath");
}
