//! Drives a module: reads its arguments, and calls the methods of its trait in order. This is the only code that knows
//! check mode.

use std::sync::Arc;

use shevek_proto::{Diff, Outcome, Val};

use crate::arg::Settled;
use crate::fault::{Fault, Kind, Result};
use crate::host::Host;
use crate::kind;
use crate::mask::mask;
use crate::module::{Guard, Procedure, Query, Resource, Would};
use crate::overlay::Overlay;
use crate::probe::{Call, Probe};
use crate::schema::{Opt, Problem, Schema};
use crate::state::{self, Change, Field, State};
use crate::system::{Act, Look};

/// What a call runs on.
#[derive(Clone)]
pub enum Ground {
    /// The host itself.
    Real(Arc<dyn Act>),
    /// Check mode: the plan over the host. It has no way to write to the host.
    Planned(Arc<Overlay>),
}

impl Ground {
    fn look(&self) -> Arc<dyn Look> {
        match self {
            Ground::Real(act) => act.clone(),
            Ground::Planned(overlay) => overlay.clone(),
        }
    }

    fn probe(&self, call: &Arc<Call>) -> Probe {
        Probe::new(self.look(), call.clone())
    }
}

/// A module as the registry has it.
#[derive(Clone, Copy)]
pub struct Entry {
    /// What it accepts.
    pub schema: Schema,
    /// Runs it.
    pub drive: Drive,
}

/// What runs a module: [`resource`], [`query`] or [`procedure`], for its type.
pub type Drive = fn(Vec<(String, Val)>, &Schema, &Ground, &Arc<Call>) -> Outcome;

impl Entry {
    /// Runs the module with these arguments.
    pub fn run(&self, args: Vec<(String, Val)>, ground: &Ground, call: &Arc<Call>) -> Outcome {
        (self.drive)(args, &self.schema, ground, call)
    }
}

/// Drives a [`Resource`].
pub fn resource<R: Resource>(
    args: Vec<(String, Val)>,
    schema: &Schema,
    ground: &Ground,
    call: &Arc<Call>,
) -> Outcome {
    around(args, schema, ground, call, &mut |settled| {
        let args = R::read(settled)?;
        turn(&mut Turn { args, now: None, want: None }, ground, call)
    })
}

/// Drives a [`Query`].
pub fn query<Q: Query>(
    args: Vec<(String, Val)>,
    schema: &Schema,
    ground: &Ground,
    call: &Arc<Call>,
) -> Outcome {
    around(args, schema, ground, call, &mut |settled| Q::read(settled)?.ask(&ground.probe(call)))
}

/// Drives a [`Procedure`].
pub fn procedure<P: Procedure>(
    args: Vec<(String, Val)>,
    schema: &Schema,
    ground: &Ground,
    call: &Arc<Call>,
) -> Outcome {
    around(args, schema, ground, call, &mut |settled| proceed(&P::read(settled)?, ground, call))
}

// What follows is the same code for all modules: what is generic is compiled once a module, and the runner must stay
// small. So each trait has a half here that can be called through a pointer.

/// A [`Resource`] with the states it has seen.
struct Turn<R: Resource> {
    args: R,
    now: Option<R::State>,
    want: Option<R::State>,
}

/// Which of the states a result is about.
#[derive(Clone, Copy)]
enum End {
    /// The one observed last.
    Now,
    /// The one that is wanted.
    Want,
}

trait Turning {
    /// Looks at what is there.
    fn observe(&mut self, host: &Probe) -> Result<Option<Vec<Field>>>;
    /// Finds what is wanted.
    fn desire(&mut self, host: &Probe) -> Result<Option<Vec<Field>>>;
    fn event(&self) -> Option<&'static str>;
    fn diff(&self) -> Vec<Diff>;
    fn apply(&self, host: &mut Host) -> Result<()>;
    fn result(&self, end: End, outcome: &mut Outcome, host: &Probe) -> Result<()>;
    fn verify(&self) -> bool;
}

impl<R: Resource> Turn<R> {
    fn change(&self) -> Option<Change<R::State>> {
        match (self.now.clone(), self.want.clone()) {
            (None, None) => None,
            (None, Some(to)) => Some(Change::Create(to)),
            (Some(from), None) => Some(Change::Remove(from)),
            (Some(from), Some(to)) => Some(Change::Update { from, to }),
        }
    }
}

impl<R: Resource> Turning for Turn<R> {
    fn observe(&mut self, host: &Probe) -> Result<Option<Vec<Field>>> {
        self.now = self.args.observe(host)?;
        Ok(self.now.as_ref().map(State::fields))
    }

    fn desire(&mut self, host: &Probe) -> Result<Option<Vec<Field>>> {
        self.want = self.args.desire(self.now.as_ref(), host)?;
        Ok(self.want.as_ref().map(State::fields))
    }

    fn event(&self) -> Option<&'static str> {
        self.args.event(self.now.as_ref())
    }

    fn diff(&self) -> Vec<Diff> {
        self.change().map(|change| self.args.diff(&change)).unwrap_or_default()
    }

    fn apply(&self, host: &mut Host) -> Result<()> {
        self.change().map_or(Ok(()), |change| self.args.apply(change, host))
    }

    fn result(&self, end: End, outcome: &mut Outcome, host: &Probe) -> Result<()> {
        let state = match end {
            End::Now => &self.now,
            End::Want => &self.want,
        };
        self.args.result(state.as_ref(), outcome, host)
    }

    fn verify(&self) -> bool {
        self.args.verify()
    }
}

fn turn(module: &mut dyn Turning, ground: &Ground, call: &Arc<Call>) -> Result<Outcome> {
    let probe = ground.probe(call);
    let now = module.observe(&probe)?;
    let want = module.desire(&probe)?;
    let event = module.event().filter(|_| now.is_some() && want.is_some());
    let as_wanted = match (&now, &want) {
        (Some(now), Some(want)) => state::missed_fields(want, now).is_empty(),
        (None, None) => true,
        _ => false,
    };
    if as_wanted && event.is_none() {
        let mut outcome = Outcome::ok();
        module.result(End::Now, &mut outcome, &probe)?;
        return Ok(outcome);
    }
    // Differs from Ansible: every module of a state shows what it changes (`user`, `group` …), also those that show nothing there.
    let mut diff = if call.diff { module.diff() } else { Vec::new() };
    if let (Some(event), true) = (event, call.diff) {
        diff.push(Diff { prepared: Some(format!("{event}\n")), ..Diff::default() });
    }
    let (mut host, planned) = match ground {
        Ground::Real(act) => (Host::new(act.clone(), call.clone()), None),
        Ground::Planned(overlay) => (Host::new(overlay.clone(), call.clone()), Some(overlay)),
    };
    let sure = planned.is_none_or(|overlay| !overlay.unsure());
    let applied = module.apply(&mut host);
    let mut outcome = std::mem::take(&mut host.outcome);
    outcome.changed = true;
    diff.append(&mut outcome.diff);
    outcome.diff = if call.diff { diff } else { Vec::new() };
    match (applied, planned) {
        (Ok(()), _) => {}
        // A command that was only noted has no output, so what comes after it may stumble; the change as such is known.
        (Err(_), Some(overlay)) if overlay.unsure() || !sure => {}
        (Err(fault), _) => {
            // Something may have been done before it failed; a difference would claim that all of it was.
            let mut failure = fault.outcome();
            keep(&mut failure, outcome.result);
            return Ok(failure);
        }
    }
    let open = want.as_ref().is_some_and(|fields| fields.iter().any(|f| f.value.is_none()));
    let look_again = open || module.verify() || cfg!(any(test, feature = "testing"));
    if planned.is_some() || !look_again {
        module.result(End::Want, &mut outcome, &probe)?;
        return Ok(outcome);
    }
    let got = module.observe(&probe)?;
    let missed = match (&want, &got) {
        (None, None) => Vec::new(),
        (Some(want), Some(got)) => state::missed_fields(want, got),
        (None, Some(_)) | (Some(_), None) => vec!["state"],
    };
    if !missed.is_empty() {
        let message =
            format!("the change was made, but afterwards this was not as wanted: {}", missed.join(", "));
        return Ok(Outcome::failure(message).changed_if(true));
    }
    module.result(End::Now, &mut outcome, &probe)?;
    Ok(outcome)
}

/// Takes over result keys that are not there yet.
fn keep(outcome: &mut Outcome, keys: Vec<(String, Val)>) {
    for (key, value) in keys {
        if outcome.get(&key).is_none() {
            outcome.result.push((key, value));
        }
    }
}

trait Proceeding {
    fn guard(&self, host: &Probe) -> Result<Guard>;
    fn run(&self, host: &mut Host) -> Result<Outcome>;
    fn would(&self, host: &Probe) -> Result<Would>;
}

impl<P: Procedure> Proceeding for P {
    fn guard(&self, host: &Probe) -> Result<Guard> {
        Procedure::guard(self, host)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        Procedure::run(self, host)
    }

    fn would(&self, host: &Probe) -> Result<Would> {
        Procedure::would(self, host)
    }
}

fn proceed(module: &dyn Proceeding, ground: &Ground, call: &Arc<Call>) -> Result<Outcome> {
    let probe = ground.probe(call);
    if let Guard::Done(outcome) = module.guard(&probe)? {
        return Ok(*outcome);
    }
    let overlay = match ground {
        Ground::Real(act) => return run(module, Host::new(act.clone(), call.clone()), call),
        Ground::Planned(overlay) => overlay,
    };
    match module.would(&probe)? {
        Would::Answer(outcome) => {
            if outcome.unknown {
                overlay.become_unsure();
            }
            Ok(*outcome)
        }
        Would::Rehearse => run(module, Host::new(overlay.clone(), call.clone()), call),
        Would::Skip(why) => {
            overlay.become_unsure();
            Ok(Outcome { skipped: true, unknown: true, ..Outcome::ok() }.with("msg", why))
        }
    }
}

fn run(module: &dyn Proceeding, mut host: Host, call: &Call) -> Result<Outcome> {
    let mut outcome = module.run(&mut host)?;
    let said = std::mem::take(&mut host.outcome);
    outcome.diff.extend(said.diff);
    keep(&mut outcome, said.result);
    if !call.diff {
        outcome.diff.clear();
    }
    Ok(outcome)
}

/// What all three have in common: settling the arguments, and making an outcome of whatever comes.
fn around(
    args: Vec<(String, Val)>,
    schema: &Schema,
    ground: &Ground,
    call: &Arc<Call>,
    work: &mut dyn FnMut(&mut Settled) -> Result<Outcome>,
) -> Outcome {
    let mut secrets = secrets(&args, schema);
    let probe = ground.probe(call);
    let again = match ground {
        Ground::Planned(overlay) if overlay.unsure() => Some((args.clone(), overlay)),
        _ => None,
    };
    let mut work = |args| match settle(args, schema, &probe) {
        Err(outcome) => Ok(outcome),
        Ok(mut settled) => work(&mut settled),
    };
    let mut done = work(args);
    if let (Err(Fault { lacks: Some(folder), .. }), Some((args, overlay))) = (&done, again)
        && overlay.suppose(folder).is_ok()
    {
        done = work(args);
    }
    let mut outcome = done.unwrap_or_else(|fault| match ground {
        Ground::Planned(overlay) if undecided(&fault, overlay) => {
            let why = format!("only the real run can tell: {fault}");
            Outcome { unknown: true, skipped: true, ..Outcome::ok() }
                .with("msg", why.clone())
                .with("skip_reason", why)
        }
        _ => fault.outcome(),
    });
    add_path_info(&mut outcome, &probe);
    outcome.warnings.extend(call.take_warnings());
    secrets.extend(call.take_concealed());
    mask(&mut outcome, &secrets);
    outcome
}

/// Adds owner, mode and the like of the path that a result names, as Ansible does for every module.
fn add_path_info(outcome: &mut Outcome, probe: &Probe) {
    let named = outcome.get("path").or_else(|| outcome.get("dest")).and_then(Val::as_str).map(str::to_owned);
    if let Some(path) = named
        && let Ok(info) = crate::attributes::path_info(probe, &path)
    {
        for (key, value) in info {
            outcome.set(key, value);
        }
    }
}

/// Whether a failure in check mode only means that something is not there yet.
fn undecided(fault: &Fault, overlay: &Overlay) -> bool {
    fault.kind == Kind::Unknown || (fault.kind == Kind::Absent && overlay.unsure())
}

fn settle(args: Vec<(String, Val)>, schema: &Schema, probe: &Probe) -> Result<Settled, Outcome> {
    let settled = schema.settle(args).map_err(|problems| refuse(schema, &problems))?;
    let options = schema.options();
    let expanded = settled
        .into_iter()
        .map(|(name, value)| match options.iter().find(|o| o.name == name) {
            Some(option) => (name, expand(&option.kind, value, probe)),
            None => (name, value),
        })
        .collect();
    Ok(Settled::new(expanded))
}

fn refuse(schema: &Schema, problems: &[Problem]) -> Outcome {
    let message = match problems.first() {
        Some(Problem::Unknown { .. }) => {
            let names: Vec<&str> = problems
                .iter()
                .filter_map(|p| match p {
                    Problem::Unknown { name, .. } => Some(name.as_str()),
                    _ => None,
                })
                .collect();
            schema.unsupported(&names)
        }
        Some(problem) => problem.to_string(),
        None => "the arguments are wrong".to_owned(),
    };
    Outcome::failure(message)
}

/// Expands `~` and `$VARIABLE` in options of type path, wherever they are.
fn expand(kind: &kind::Kind, value: Val, probe: &Probe) -> Val {
    match (kind, value) {
        (kind::Kind::Path, Val::Str(path)) => Val::Str(probe.expand(&path)),
        (kind::Kind::List(inner), Val::List(items)) => {
            Val::List(items.into_iter().map(|item| expand(inner, item, probe)).collect())
        }
        (kind::Kind::Sub(options), Val::Map(entries)) => {
            let option = |name: &str| -> Option<&Opt> { options.iter().find(|o| o.name == name) };
            let entries = entries.into_iter().map(|(name, value)| match option(&name) {
                Some(o) => (name, expand(&o.kind, value, probe)),
                None => (name, value),
            });
            Val::Map(entries.collect())
        }
        (_, value) => value,
    }
}

/// The values of options that are secrets.
fn secrets(args: &[(String, Val)], schema: &Schema) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in args {
        if let Some(option) = schema.option(name) {
            gather(option, value, &mut found);
        }
    }
    found
}

fn gather(option: &Opt, value: &Val, found: &mut Vec<String>) {
    match value {
        _ if !option.secret && option.kind.suboptions().is_none() => {}
        Val::Str(s) if option.secret && !s.is_empty() => found.push(s.clone()),
        Val::Int(_) | Val::Float(_) if option.secret => found.push(crate::printed::python_str(value)),
        Val::List(items) => items.iter().for_each(|item| gather(option, item, found)),
        Val::Map(entries) if option.secret => entries.iter().for_each(|(_, v)| gather(option, v, found)),
        Val::Map(entries) => {
            for (name, value) in entries {
                let inner = option.kind.suboptions().unwrap_or_default().iter().find(|o| o.name == name);
                if let Some(inner) = inner {
                    gather(inner, value, found);
                }
            }
        }
        _ => {}
    }
}
