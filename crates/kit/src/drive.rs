//! Drives a module: reads its arguments, and calls the methods of its trait in order. This is the only code that knows
//! check mode.

use std::sync::Arc;

use shevek_proto::{Diff, Outcome, Val};

use crate::arg::{Args, Settled};
use crate::fault::{Fault, Kind, Result};
use crate::host::Host;
use crate::kind;
use crate::mask::mask;
use crate::module::{Guard, Procedure, Query, Resource, Would};
use crate::overlay::Overlay;
use crate::probe::{Call, Probe};
use crate::schema::{Opt, Problem, Schema};
use crate::state::{self, Change};
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
    around::<R>(args, schema, ground, call, |args| {
        let probe = ground.probe(call);
        let now = args.observe(&probe)?;
        let want = args.desire(now.as_ref(), &probe)?;
        let event = args.event(now.as_ref());
        let change = match (Change::between(now.as_ref(), want.clone()), event) {
            (None, Some(_)) => match (&now, want) {
                (Some(from), Some(to)) => Change::Update { from: from.clone(), to },
                _ => return finish(args, now.as_ref(), Outcome::ok(), &probe),
            },
            (None, None) => return finish(args, now.as_ref(), Outcome::ok(), &probe),
            (Some(change), _) => change,
        };
        let mut diff = if call.diff { args.diff(&change) } else { Vec::new() };
        if let (Some(event), true) = (event, call.diff) {
            diff.push(Diff { prepared: Some(format!("{event}\n")), ..Diff::default() });
        }
        let goal = change.goal().cloned();
        let (mut host, planned) = match ground {
            Ground::Real(act) => (Host::new(act.clone(), call.clone()), None),
            Ground::Planned(overlay) => (Host::new(overlay.clone(), call.clone()), Some(overlay)),
        };
        let sure = planned.is_none_or(|overlay| !overlay.unsure());
        let applied = args.apply(change, &mut host);
        let mut outcome = std::mem::take(&mut host.outcome);
        outcome.changed = true;
        diff.append(&mut outcome.diff);
        outcome.diff = if call.diff { diff } else { Vec::new() };
        match (applied, planned) {
            (Ok(()), _) => {}
            // A command that was only noted has no output, so what comes after it may stumble; the change as such is known.
            (Err(_), Some(overlay)) if overlay.unsure() || !sure => {}
            (Err(fault), _) => {
                let mut failure = fault.outcome();
                for (key, value) in outcome.result {
                    if failure.get(&key).is_none() {
                        failure.result.push((key, value));
                    }
                }
                // Something may have been done before it failed; a difference would claim that all of it was.
                return Ok(failure);
            }
        }
        if planned.is_some() {
            return finish(args, goal.as_ref(), outcome, &probe);
        }
        let open = goal.as_ref().is_some_and(|g| !state::is_known(g));
        if !open && !args.verify() && !cfg!(any(test, feature = "testing")) {
            return finish(args, goal.as_ref(), outcome, &probe);
        }
        let got = args.observe(&probe)?;
        let missed = match (&goal, &got) {
            (None, None) => Vec::new(),
            (Some(goal), Some(got)) => state::missed(goal, got),
            (None, Some(_)) | (Some(_), None) => vec!["state"],
        };
        if !missed.is_empty() {
            return Ok(Fault::new(format!(
                "the change was made, but afterwards this was not as wanted: {}",
                missed.join(", ")
            ))
            .outcome()
            .changed_if(true));
        }
        finish(args, got.as_ref(), outcome, &probe)
    })
}

fn finish<R: Resource>(
    args: &R,
    end: Option<&R::State>,
    mut outcome: Outcome,
    probe: &Probe,
) -> Result<Outcome> {
    args.result(end, &mut outcome, probe)?;
    Ok(outcome)
}

/// Drives a [`Query`].
pub fn query<Q: Query>(
    args: Vec<(String, Val)>,
    schema: &Schema,
    ground: &Ground,
    call: &Arc<Call>,
) -> Outcome {
    around::<Q>(args, schema, ground, call, |args| args.ask(&ground.probe(call)))
}

/// Drives a [`Procedure`].
pub fn procedure<P: Procedure>(
    args: Vec<(String, Val)>,
    schema: &Schema,
    ground: &Ground,
    call: &Arc<Call>,
) -> Outcome {
    around::<P>(args, schema, ground, call, |args| {
        let probe = ground.probe(call);
        if let Guard::Done(outcome) = args.guard(&probe)? {
            return Ok(*outcome);
        }
        let run = |mut host: Host| {
            let mut outcome = args.run(&mut host)?;
            let said = std::mem::take(&mut host.outcome);
            outcome.diff.extend(said.diff);
            for (key, value) in said.result {
                if outcome.get(&key).is_none() {
                    outcome.result.push((key, value));
                }
            }
            if !call.diff {
                outcome.diff.clear();
            }
            Ok(outcome)
        };
        let overlay = match ground {
            Ground::Real(act) => return run(Host::new(act.clone(), call.clone())),
            Ground::Planned(overlay) => overlay,
        };
        match args.would(&probe)? {
            Would::Answer(outcome) => {
                if outcome.unknown {
                    overlay.become_unsure();
                }
                Ok(*outcome)
            }
            Would::Rehearse => run(Host::new(overlay.clone(), call.clone())),
            Would::Skip(why) => {
                overlay.become_unsure();
                Ok(Outcome { skipped: true, unknown: true, ..Outcome::ok() }.with("msg", why))
            }
        }
    })
}

/// What all three have in common: reading the arguments, and making an outcome of whatever comes.
fn around<A: Args>(
    args: Vec<(String, Val)>,
    schema: &Schema,
    ground: &Ground,
    call: &Arc<Call>,
    work: impl FnOnce(&A) -> Result<Outcome>,
) -> Outcome {
    let secrets = secrets(&args, schema);
    let probe = ground.probe(call);
    let mut outcome = match read::<A>(args, schema, &probe) {
        Err(outcome) => outcome,
        Ok(args) => work(&args).unwrap_or_else(|fault| match ground {
            Ground::Planned(overlay) if undecided(&fault, overlay) => {
                Outcome { unknown: true, skipped: true, ..Outcome::ok() }
                    .with("msg", format!("only the real run can tell: {fault}"))
            }
            _ => fault.outcome(),
        }),
    };
    add_path_info(&mut outcome, &probe);
    outcome.warnings.extend(call.take_warnings());
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

fn read<A: Args>(args: Vec<(String, Val)>, schema: &Schema, probe: &Probe) -> Result<A, Outcome> {
    let settled = schema.settle(args).map_err(|problems| refuse(schema, &problems))?;
    let options = schema.options();
    let expanded = settled
        .into_iter()
        .map(|(name, value)| match options.iter().find(|o| o.name == name) {
            Some(option) => (name, expand(&option.kind, value, probe)),
            None => (name, value),
        })
        .collect();
    A::read(&mut Settled::new(expanded)).map_err(Outcome::failure)
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
