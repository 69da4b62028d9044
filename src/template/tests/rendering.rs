//! Rendering without any filter: the language itself.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::sync::Mutex;

use shevek_diag::{Diagnostic, Origin, Result, Source};
use shevek_template::plugin::{Plugins, TextOptions};
use shevek_template::{Scope, Templar, Truth};
use shevek_value::{Map, Value};

#[derive(Default)]
struct Variables {
    values: HashMap<String, Value>,
    rendered: Mutex<HashMap<String, Value>>,
    warnings: Mutex<Vec<String>>,
}

impl Variables {
    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.values.insert(name.to_owned(), value.into());
        self
    }
    fn template(self, name: &str, text: &str) -> Self {
        self.with(name, Value::template(text))
    }
}

impl Scope for Variables {
    fn get(&self, name: &str) -> Result<Option<Value>> {
        Ok(self.values.get(name).cloned())
    }
    fn names(&self) -> Vec<String> {
        self.values.keys().cloned().collect()
    }
    fn rendered(&self, name: &str) -> Option<Value> {
        self.rendered.lock().unwrap().get(name).cloned()
    }
    fn keep_rendered(&self, name: &str, value: &Value) {
        self.rendered.lock().unwrap().insert(name.to_owned(), value.clone());
    }
    fn warn(&self, warning: Box<Diagnostic>) {
        self.warnings.lock().unwrap().push(warning.message());
    }
}

fn render(text: &str, scope: &Variables) -> Result<Value> {
    Templar::new(Plugins::new()).render(&Value::template(text), scope)
}

fn printed(text: &str) -> String {
    render(text, &Variables::default()).unwrap().repr()
}

#[test]
fn one_expression_keeps_its_type_and_several_are_text() {
    assert_eq!(printed("{{ [1, 2.0, none, (1,)] }}"), "[1, 2.0, None, [1]]");
    assert_eq!(printed("{{ 1 }}{{ 2 }}"), "'12'");
    assert_eq!(printed("{{ none }}"), "None");
    assert_eq!(printed("a{{ none }}b{{ [none] }}"), "'ab[None]'");
    assert_eq!(printed("{{ 'x' }}\n"), "'x\\n'");
}

#[test]
fn backslashes_in_expressions_of_yaml_stand_for_themselves() {
    assert_eq!(printed(r"{{ 'C:\users\n' }}"), r"'C:\\users\\n'");
    assert_eq!(printed(r"{% set x = 'a\tb' %}{{ x }}"), r"'a\tb'");
}

#[test]
fn lists_and_mappings_change_where_they_live() {
    for (text, wanted) in [
        ("{% set l = [1] %}{% set _ = l.append(2) %}{{ l }}", "[1, 2]"),
        (
            "{% set d = {} %}{% for i in [1, 2, 3] %}{% do d.setdefault(i % 2, []).append(i) %}{% endfor %}{{ d }}",
            "{1: [1, 3], 0: [2]}",
        ),
        ("{% set d = {'a': [1]} %}{% set x = d.a %}{% do x.append(2) %}{{ d }}", "{'a': [1, 2]}"),
        ("{% set a = [1] %}{% set b = a %}{% set a = [2] %}{% do b.append(3) %}{{ a + b }}", "[2, 1, 3]"),
        (
            "{% set l = [{}, {}] %}{% for d in l %}{% do d.update(i=loop.index) %}{% endfor %}{{ l }}",
            "[{'i': 1}, {'i': 2}]",
        ),
        (
            "{% set ns = namespace(l=[]) %}{% for i in [1, 2] %}{% do ns.l.append(i) %}{% endfor %}{{ ns.l }}",
            "[1, 2]",
        ),
    ] {
        assert_eq!(printed(text), wanted, "{text}");
    }
}

#[test]
fn variables_are_rendered_when_used_and_only_what_is_used() {
    let scope = Variables::default().template("greeting", "hello {{ who }}").with("who", "you").with(
        "lazy",
        Value::dict([("good", Value::template("{{ who }}")), ("bad", Value::template("{{ nope }}"))]),
    );
    assert_eq!(render("{{ greeting }}!", &scope).unwrap(), "hello you!");
    assert_eq!(render("{{ lazy.good }}", &scope).unwrap(), "you");
    let why = render("{{ lazy }}", &scope).unwrap_err();
    assert_eq!(why.message(), "undefined variable: 'nope' is undefined");
}

#[test]
fn the_scopes_own_lists_change_within_a_template_and_only_there() {
    let user = |name: &str| Value::dict([("name", name)]);
    let scope =
        Variables::default().with("users", Value::list(vec![user("a"), user("b")])).with("l", vec![1]);
    for (text, wanted) in [
        ("{% for u in users %}{% do u.update(n=loop.index) %}{{ u.n }}{% endfor %}{{ users[1].n }}", "122"),
        ("{% set m = l %}{% do m.append(2) %}{{ l + m }}", "[1, 2, 1, 2]"),
        ("{% set m = l %}{% set l = [7] %}{% do m.append(2) %}{{ l + m }}", "[7, 1, 2]"),
        ("{% macro f(x) %}{% do x.append(9) %}{% endmacro %}{% set q = [1] %}{{ f(q) }}{{ q }}", "[1]"),
        ("{% macro f(x) %}{% do x.append(9) %}{% endmacro %}{{ f(l) }}{{ l }}", "[1, 9]"),
        ("{{ users }}{{ l }}", "[{'name': 'a'}, {'name': 'b'}][1]"),
    ] {
        assert_eq!(render(text, &scope).unwrap().text(), wanted, "{text}");
    }
}

#[test]
fn what_comes_from_a_host_is_never_rendered() {
    let scope = Variables::default().with("stdout", "{{ lookup('pipe', 'rm -rf /') }}");
    assert_eq!(render("{{ stdout }}", &scope).unwrap(), "{{ lookup('pipe', 'rm -rf /') }}");
    assert_eq!(render("<{{ stdout }}>", &scope).unwrap(), "<{{ lookup('pipe', 'rm -rf /') }}>");
    assert!(!render("{{ stdout }}", &scope).unwrap().is_template());
}

#[test]
fn a_value_that_needs_itself_is_an_error_that_shows_the_circle() {
    let scope =
        Variables::default().template("a", "{{ b }}").template("b", "x{{ c }}").template("c", "{{ a }}");
    let why = render("{{ a }}", &scope).unwrap_err();
    assert_eq!(why.message(), "recursive loop detected: the value needs itself: a → b → c → a");
}

#[test]
fn absurd_precision_is_no_crash() {
    let text = printed("{{ '%.70000f' % 1 }}");
    assert!(text.contains("1.000"), "{} letters", text.len());
}

#[test]
fn endless_macros_and_deep_data_are_errors_and_no_crash() {
    let why = render("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", &Variables::default()).unwrap_err();
    assert!(why.message().contains("recursive loop detected"), "{why}");
    let deep = "[".repeat(500) + &"]".repeat(500);
    assert!(render(&format!("{{{{ {deep} }}}}"), &Variables::default()).is_err());
    let mut value = Value::template("{{ 1 }}");
    for _ in 0..3000 {
        value = Value::list(vec![value]);
    }
    assert!(Templar::new(Plugins::new()).render(&value, &Variables::default()).is_ok());
}

/// A scope whose variable `x` is rendered by a rendering of its own, as `hostvars` are.
struct Others(Templar);

impl Scope for Others {
    fn get(&self, name: &str) -> Result<Option<Value>> {
        match name {
            "x" => self.0.render(&Value::template("{{ x }}"), self).map(Some),
            _ => Ok(None),
        }
    }
    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

#[test]
fn a_circle_through_other_hosts_is_an_error_and_no_crash() {
    let scope = Others(Templar::new(Plugins::new()));
    let why = scope.0.render(&Value::template("{{ x }}"), &scope).unwrap_err();
    assert!(why.message().contains("recursive loop detected"), "{why}");
}

#[test]
fn no_text_makes_it_crash() {
    let scope = Variables::default().with("a", vec![1]).with("s", "é");
    let templar = Templar::new(Plugins::new());
    let pieces = [
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "-",
        "+",
        "é",
        "'",
        "\"",
        "\\",
        "\\u",
        " a",
        "s",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        ":",
        ",",
        "|",
        ".",
        "if ",
        "else ",
        "for i in ",
        "endfor",
        "endif",
        "set x = ",
        "macro m(",
        "endmacro",
        "call ",
        "raw",
        "endraw",
        "1",
        "0x",
        "1e9",
        "**",
        "//",
        "~",
        "is ",
        "not ",
        "in ",
        "\n",
        "😀",
        "block b",
        "endblock",
        "= ",
        "do ",
        "with ",
        "x",
    ];
    // A small generator of numbers, always the same.
    let mut state = 12_345_u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for _ in 0..20_000 {
        let start = ["{{ ", "{% ", "", "{{ a"][next(4)];
        let middle: String = (0..next(12)).map(|_| pieces[next(pieces.len())]).collect();
        let end = [" }}", " %}", "", " %}{% endfor %}"][next(4)];
        let text = format!("{start}{middle}{end}");
        let source = Source::new("x", text.as_str());
        let value = Value::template(text.as_str()).at(Origin { source, line: 1, column: 1 });
        let _ = templar.render(&value, &scope);
        let _ = templar.condition(&value, &scope);
    }
}

#[test]
fn errors_say_where_in_the_file_and_what_was_meant() {
    let source = Source::new("play.yml", "- debug:\n    msg: \"hi {{ usr }}\"\n");
    let value = Value::template("hi {{ usr }}").at(Origin { source, line: 2, column: 10 });
    let scope = Variables::default().with("user", "x");
    let why = Templar::new(Plugins::new()).render(&value, &scope).unwrap_err();
    assert_eq!(why.to_string(), "undefined variable: 'usr' is undefined (play.yml:2:17)");
    assert_eq!(why.help, ["did you mean `user`?"]);
}

#[test]
fn values_of_different_types_differ_whatever_is_inside() {
    let lazy = Value::dict([("bad", Value::template("{{ nope }}"))]);
    let scope = Variables::default().with("lazy", lazy);
    assert_eq!(render("{{ [1, 2] == lazy }}{{ lazy != 1 }}", &scope).unwrap(), "FalseTrue");
    assert!(render("{{ lazy == {'bad': 1} }}", &scope).is_err());
    assert!(render("{{ [] in {} }}", &scope).is_err());
}

#[test]
fn omit_drops_out_of_containers_and_alone_stays() {
    assert_eq!(printed("{{ [1, omit, {'a': omit, 'b': 2}] }}"), "[1, {'b': 2}]");
    assert!(render("{{ omit }}", &Variables::default()).unwrap().is_omit());
    let args = Value::dict([("a", Value::template("{{ omit }}")), ("b", Value::from(1))]);
    let rendered = Templar::new(Plugins::new()).render(&args, &Variables::default()).unwrap();
    assert_eq!(rendered.repr(), "{'b': 1}");
}

#[test]
fn secrets_stay_secret_through_operations() {
    let scope = Variables::default().with("pw", Value::from("hunter2").secret());
    for text in [
        "{{ pw }}",
        "x{{ pw }}",
        "{{ pw ~ 'x' }}",
        "{{ pw.upper() }}",
        "{{ pw[1:] }}",
        "{{ [pw] }}",
        "{{ '%s' % pw }}",
        "{{ pw + 'a' }}",
    ] {
        assert!(render(text, &scope).unwrap().is_secret(), "{text}");
    }
    assert!(!render("{{ pw == 'x' }}", &scope).unwrap().is_secret());
}

#[test]
fn conditions_are_yes_no_or_undecided() {
    let scope = Variables::default()
        .with("n", 3)
        .with("later", Value::unknown("later"))
        .with("list", Value::list(vec![]))
        .with("evil", "true or true")
        .with("rule", Value::template("n == 3"));
    let templar = Templar::new(Plugins::new());
    let ask = |text: &str| templar.condition(&Value::template(text), &scope);
    assert_eq!(ask("n > 2").unwrap(), Truth::Yes);
    assert_eq!(ask("n > 2 and n != 3").unwrap(), Truth::No);
    assert!(matches!(ask("later.rc == 0").unwrap(), Truth::Undecided(_)));
    assert!(matches!(ask("n == 3 and later").unwrap(), Truth::Undecided(_)));
    assert_eq!(ask("n == 4 and later").unwrap(), Truth::No);
    assert_eq!(ask("{{ rule }}").unwrap(), Truth::Yes);
    assert!(ask("{{ evil }}").is_err());
    assert!(scope.warnings.lock().unwrap().is_empty());
    assert_eq!(ask("").unwrap(), Truth::Yes);
    assert_eq!(ask("list").unwrap(), Truth::No);
    assert_eq!(ask("{{ n }} == 3").unwrap(), Truth::Yes);
    assert_eq!(ask("{{ n }} == {{ n }}").unwrap(), Truth::Yes);
    assert_eq!(ask("'{{ n }}' == '3'").unwrap(), Truth::No);
    assert_eq!(scope.warnings.lock().unwrap().len(), 5);
}

#[test]
fn template_files_have_headers_line_ends_and_their_own_escapes() {
    let templar = Templar::new(Plugins::new());
    let file = |text: &str| {
        let options = TextOptions::default();
        templar.render_text("x.j2", text, (&Map::default(), &options), &Variables::default()).unwrap()
    };
    assert_eq!(file("{% for i in 1, 2 %}\n{{ i }}\n{% endfor %}\n\n"), "1\n2\n\n");
    assert_eq!(file("{{ 'a\\tb' }}\n"), "a\tb\n");
    assert_eq!(
        file("#jinja2: variable_start_string: '[%', variable_end_string: '%]'\n[% 1 %]{{ 2 }}\n"),
        "1{{ 2 }}\n"
    );
    assert_eq!(file("a\r\nb\n"), "a\r\nb\n");
    assert_eq!(file("a\r\n{{ [1] }}\r\n"), "a\n[1]\n");
    assert_eq!(file("a\r\n{% if true %}\r\nb\r\n{% endif %}\r\n\r\n"), "a\nb\n");
    let dos = "#jinja2: newline_sequence: '\\r\\n'\na\n{% raw %}\n{{ x }}{% endraw %}{{ 'b\\nc' }}\n";
    assert_eq!(file(dos), "a\r\n\r\n{{ x }}b\nc\r\n");
}

/// As they come with text copied from a web page: invisible, and skipped by Jinja.
#[test]
fn no_break_spaces_between_words_are_space_and_in_text_stay() {
    assert_eq!(printed("{{\u{a0}'a\u{a0}b'\u{a0}~\u{3000}1 }}"), r"'a\xa0b1'");
    assert_eq!(printed("\u{a0}x{% if\u{a0}true %}\u{a0}y{% endif %}"), r"'\xa0x\xa0y'");
    let wrong = render("{{\u{a0}1 }}{{ ? }}", &Variables::default()).unwrap_err();
    assert!(format!("{wrong:?}").contains("unexpected character '?'"), "{wrong:?}");
}
