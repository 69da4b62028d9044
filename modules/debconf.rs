//! Answer questions of Debian packages beforehand.
//!
//! ```yaml
//! - debconf: { name: locales, question: locales/default_environment_locale, value: fr_FR.UTF-8, vtype: select }
//! - debconf: { name: tzdata }
//! ```
use shevek_kit::prelude::*;
use shevek_kit::printed::python_str;

/// Arguments of `debconf`.
#[derive(Args)]
#[module(procedure)]
#[rule(together("question", "vtype", "value"))]
pub struct Debconf {
    /// The package.
    #[arg(alias = "pkg")]
    name: String,
    /// The question; left out: the answers are only told.
    #[arg(aliases("selection", "setting"))]
    question: Option<String>,
    /// Of which type the question is.
    vtype: Option<Type>,
    /// The answer.
    #[arg(alias = "answer")]
    value: Option<Val>,
    /// Leave the question marked as not asked yet.
    #[arg(default = false)]
    unseen: bool,
}

/// Types of questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Type {
    /// Yes or no.
    Boolean,
    /// An error to show.
    Error,
    /// Several of a list.
    Multiselect,
    /// A note to show.
    Note,
    /// A password.
    Password,
    /// Whether the question was asked.
    Seen,
    /// One of a list.
    Select,
    /// Text of a line.
    String,
    /// Text to show.
    Text,
    /// A title.
    Title,
}

impl Procedure for Debconf {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        host.need("debconf-show")?;
        let before = self.answers(host)?;
        let (Some(question), Some(kind), Some(value)) = (&self.question, self.vtype, &self.value) else {
            return Ok(Outcome::ok().with("msg", "").with("current", before));
        };
        let old = before.iter().find(|(name, _)| name == question).map(|(_, value)| python_str(value));
        let mut now = old.clone();
        let mut wanted = match value {
            Val::List(items) => items.iter().map(python_str).collect::<Vec<_>>(),
            other => vec![python_str(other)],
        };
        match kind {
            Type::Boolean => {
                wanted.iter_mut().for_each(|word| *word = word.to_lowercase());
                now = now.map(|word| word.to_lowercase());
            }
            Type::Password if now.is_some() => now = Some(self.password(question, host)?),
            Type::Multiselect if matches!(value, Val::List(_)) => {
                wanted.sort();
                now = now.map(|words| {
                    let mut words: Vec<&str> = words.split(',').map(str::trim).collect();
                    words.sort_unstable();
                    words.join(", ")
                });
            }
            _ => {}
        }
        let wanted = wanted.join(", ");
        let planned = format!("debconf {} {question}", self.name);
        if now.as_ref() == Some(&wanted) || host.planned(Thing::Other, &planned).as_ref() == Some(&wanted) {
            return Ok(Outcome::ok().with("msg", "").with("current", before));
        }
        host.need("debconf-set-selections")?;
        let line = format!("{} {question} {} {wanted}", self.name, kind.word());
        let effect = Effect::Set { thing: Thing::Other, name: planned, state: wanted.clone() };
        let ran = host.run(cmd("debconf-set-selections").flag("-u", self.unseen).stdin(line).does(effect))?;
        let shown = |text: &str| Val::Map(vec![(question.clone(), text.into())]);
        let (previous, current) = (shown(old.as_deref().unwrap_or_default()), shown(&wanted));
        host.diff(Diff { before: previous.clone(), after: current.clone(), ..Diff::default() });
        Ok(Outcome::ok()
            .changed_if(true)
            .with("msg", ran.out())
            .with("current", current)
            .with("previous", previous))
    }
}

impl Debconf {
    fn answers(&self, host: &Probe) -> Result<Vec<(String, Val)>> {
        let out = host.ask(cmd("debconf-show").arg(&self.name))?.out();
        let read = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.trim_start_matches('*').trim().to_owned(), Val::from(value.trim())))
        };
        Ok(out.lines().filter_map(read).collect())
    }

    /// `debconf-show` hides passwords.
    fn password(&self, question: &str, host: &Probe) -> Result<String> {
        host.need("debconf-get-selections")?;
        let out = host.ask(cmd("debconf-get-selections"))?.out();
        let fields = out.lines().map(|line| line.split('\t').collect::<Vec<_>>());
        let ours = fields.into_iter().find(|fields| {
            fields.first() == Some(&self.name.as_str())
                && fields.get(1) == Some(&question)
                && fields.get(2) == Some(&"password")
        });
        Ok(ours.and_then(|fields| fields.get(3).map(|s| (*s).to_owned())).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        let shown = "* locales/default_environment_locale: None\n  locales/to_be: b, a\n  tzdata/x: true\n";
        World::new()
            .program("debconf-show")
            .program("debconf-set-selections")
            .says("debconf-show locales", shown)
    }

    #[test]
    fn an_answer_that_differs_is_given() {
        let args =
            "{ name: locales, question: locales/default_environment_locale, value: fr, vtype: select }";
        let done = conform::<Debconf>(args, world()).changed().ran(["debconf-set-selections"]);
        done.gives("current", vec![("locales/default_environment_locale".to_owned(), "fr".into())])
            .diff("~ locales/default_environment_locale: None -> fr");
    }

    #[test]
    fn an_answer_that_is_given_already_stays() {
        conform::<Debconf>("{ name: locales, question: tzdata/x, value: true, vtype: boolean }", world())
            .unchanged();
        let args = "{ name: locales, question: locales/to_be, value: [a, b], vtype: multiselect }";
        conform::<Debconf>(args, world()).unchanged().ran([]);
        conform::<Debconf>("{ name: locales }", world()).unchanged();
        conform::<Debconf>("{ name: locales, question: a }", world()).failed("vtype");
    }

    #[test]
    fn a_password_is_compared_though_it_is_not_shown() {
        let world = || {
            world()
                .program("debconf-get-selections")
                .says("debconf-show app", "* app/pw: (password omitted)\n")
                .says("debconf-get-selections", "other\tapp/pw\tpassword\tx\napp\tapp/pw\tpassword\ts\n")
        };
        let args =
            |value: &str| format!("{{ name: app, question: app/pw, value: {value}, vtype: password }}");
        conform::<Debconf>(&args("s"), world()).unchanged();
        conform::<Debconf>(&args("x"), world()).changed();
    }
}
