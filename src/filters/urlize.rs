//! `urlize`: links around the addresses in a text.

use shevek_diag::{Diagnostic, Result};
use shevek_pyre::{Flags, Regex};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{bind, flag, given, integer};
use shevek_python::html::escape;
use shevek_python::regex::{compile, exhausted};
use shevek_python::text::{length, prefix, str_of};

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["urlize"], markers: Markers::Propagate, run: urlize }];

const WEB: &str = r"(?xi)^(
    (https?://|www\.)(([\w%-]+\.)+)?([a-z]{2,63}|xn--[\w%]{2,59})
    |([\w%-]{2,63}\.)+(com|net|int|edu|gov|org|info|mil)
    |(https?://)((([\d]{1,3})(\.[\d]{1,3}){3})|(\[([\da-f]{0,4}:){2}([\da-f]{0,4}:?){1,6}]))
    )(?::[\d]{1,5})?(?:[/?\#]\S*)?$";
const MAIL: &str = r"^\S+@\w[\w.-]*\.\w+$";

struct Links {
    limit: Option<usize>,
    attributes: String,
    schemes: Vec<String>,
    web: Regex,
    mail: Regex,
}

fn urlize(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [limit, nofollow, target, rel, schemes]) =
        bind(arguments, ["value"], ["trim_url_limit", "nofollow", "target", "rel", "extra_schemes"])?;
    let rel = given(rel).map(str_of).unwrap_or_default();
    let mut rels: Vec<&str> = rel.split_whitespace().chain(["noopener"]).collect();
    if flag(nofollow) {
        rels.push("nofollow");
    }
    rels.sort_unstable();
    rels.dedup();
    let mut attributes = format!(" rel=\"{}\"", escape(&rels.join(" ")));
    if let Some(target) = given(target).filter(|target| target.is_true()) {
        attributes.push_str(&format!(" target=\"{}\"", escape(&str_of(target))));
    }
    let schemes: Vec<String> = match given(schemes) {
        None => Vec::new(),
        Some(schemes) => context.iterate(schemes)?.iter().map(|scheme| str_of(scheme).into_owned()).collect(),
    };
    let form = compile(&Value::from(r"^([\w.+-]{2,}:(/){0,2})$"), Flags::NONE)?;
    for scheme in &schemes {
        if form.full_match(scheme).map_err(exhausted)?.is_none() {
            return Err(Diagnostic::new("not a URI scheme")
                .detail(format!("'{scheme}' is not a valid URI scheme prefix.")));
        }
    }
    let limit = given(limit).map(|limit| integer(limit, "trim_url_limit")).transpose()?;
    let links = Links {
        limit: limit.map(|limit| usize::try_from(limit).unwrap_or(0)),
        attributes,
        schemes,
        web: compile(&Value::from(WEB), Flags::NONE)?,
        mail: compile(&Value::from(MAIL), Flags::NONE)?,
    };
    let text = escape(&str_of(value));
    let mut out = String::with_capacity(text.len());
    for part in compile(&Value::from(r"(\s+)"), Flags::NONE)?.split(&text, 0).map_err(exhausted)? {
        links.word(part.unwrap_or(""), &mut out)?;
    }
    Ok(Value::from(out))
}

impl Links {
    fn word(&self, word: &str, out: &mut String) -> Result<()> {
        let after_head = trim_start(word, &["(", "<", "&lt;"]);
        let (head, rest) = word.split_at(word.len() - after_head.len());
        let before_tail = trim_end(rest, &[")", ">", ".", ",", "\n", "&gt;"]);
        let (middle, tail) = rest.split_at(before_tail.len());
        let (mut middle, mut tail) = (middle.to_owned(), tail);
        // Brackets that were opened in the address are closed in it.
        for (open, close) in [("(", ")"), ("<", ">"), ("&lt;", "&gt;")] {
            let opened = middle.matches(open).count();
            if opened <= middle.matches(close).count() {
                continue;
            }
            for _ in 0..opened.min(tail.matches(close).count()) {
                let Some(end) = tail.find(close).map(|at| at + close.len()) else { break };
                let (moved, kept) = tail.split_at(end);
                middle.push_str(moved);
                tail = kept;
            }
        }
        out.push_str(head);
        self.link(&middle, out)?;
        out.push_str(tail);
        Ok(())
    }

    fn link(&self, text: &str, out: &mut String) -> Result<()> {
        let is_mail = |text: &str| self.mail.is_match(text).map_err(exhausted);
        if self.web.is_match(text).map_err(exhausted)? {
            let scheme =
                if text.starts_with("https://") || text.starts_with("http://") { "" } else { "https://" };
            let shown = match self.limit {
                Some(limit) if length(text) > limit => format!("{}...", prefix(text, limit)),
                _ => text.to_owned(),
            };
            out.push_str(&format!("<a href=\"{scheme}{text}\"{}>{shown}</a>", self.attributes));
            return Ok(());
        }
        if let Some(address) = text.strip_prefix("mailto:")
            && is_mail(address)?
        {
            out.push_str(&format!("<a href=\"{text}\">{address}</a>"));
            return Ok(());
        }
        let may_be_mail =
            text.contains('@') && !text.starts_with("www.") && !text.starts_with('@') && !text.contains(':');
        if may_be_mail && is_mail(text)? {
            out.push_str(&format!("<a href=\"mailto:{text}\">{text}</a>"));
            return Ok(());
        }
        match self.schemes.iter().find(|scheme| text != scheme.as_str() && text.starts_with(scheme.as_str()))
        {
            Some(_) => out.push_str(&format!("<a href=\"{text}\"{}>{text}</a>", self.attributes)),
            None => out.push_str(text),
        }
        Ok(())
    }
}

fn trim_start<'a>(text: &'a str, marks: &[&str]) -> &'a str {
    let mut rest = text;
    while let Some(after) = marks.iter().find_map(|mark| rest.strip_prefix(mark)) {
        rest = after;
    }
    rest
}

fn trim_end<'a>(text: &'a str, marks: &[&str]) -> &'a str {
    let mut rest = text;
    while let Some(before) = marks.iter().find_map(|mark| rest.strip_suffix(mark)) {
        rest = before;
    }
    rest
}
