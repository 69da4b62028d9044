//! One play: its hosts, its questions, its variable files, its batches.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;
use shevek_diag::{Diagnostic, Kind, Result};
use shevek_event::{Event, Notice, PlayId, PlayStarted, Question, TaskId as EventTask, Verbose};
use shevek_inventory::HostId;
use shevek_playbook::{Action, Handlers, Item, Keywords, Play, Target, Task, TaskId, VarsPrompt};
use shevek_value::{Map, Value};
use shevek_vars::{HostScope, PlayScope};
use tokio::sync::Semaphore;

use crate::batch::{Batch, HostState};
use crate::cursor::{Cursor, Place};
use crate::debugger::DebuggerOptions;
use crate::select::Selection;
use crate::stats::Stats;
use crate::strategy::Strategy;
use crate::vars_files::VarsFiles;
use crate::{Gathering, Run, files, keyword};

/// Whether the plays after this one are to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Go,
    Stop,
}

/// What plays of a run share while it goes on.
pub(crate) struct Progress {
    pub(crate) stats: Stats,
    pub(crate) selection: Arc<Selection>,
    pub(crate) plays: u32,
    pub(crate) tasks: u64,
    /// A batch met `meta: end_play`.
    pub(crate) ends_play: bool,
    /// `--start-at-task` has come to its task: plays after that one begin at their start.
    pub(crate) start_found: bool,
    /// What ended the run within a play.
    pub(crate) fault: Option<Box<Diagnostic>>,
}

/// Runs a play.
pub(crate) async fn run(run: &Arc<Run>, play: &Arc<Play>, progress: &mut Progress) -> Result<Next> {
    files::look_beside(run, &play.dir);
    let empty = Arc::new(PlayScope::new(play.clone(), play.title(), Map::default(), Vec::new()));
    let localhost = run.fleet.host_or_new("localhost");
    let outside = HostScope::new(&run.fleet, &empty, localhost, None);
    let early = run.loader.early_vars_files(play, |name| run.fleet.templar.render(name, &outside));
    run.sink.masker().learn_all(&early);
    empty.set_files(localhost, Arc::new(early));
    let outside = HostScope::new(&run.fleet, &empty, localhost, None);
    let prompts = prompt(run, &play.vars_prompt, &outside).map_err(|error| match error.kind {
        Kind::Content => error.kind(Kind::Machine),
        _ => error,
    })?;
    let outside = outside.with(prompts.clone());
    let hosts = hosts(run, play, &outside)?;
    let ordered = in_order(run, play, &outside, hosts.clone())?;
    let name = keyword::of_play("name", keyword::text(&outside, Some(&play.written_title())))?;
    let name = name.unwrap_or_else(|| play.title());
    let strategy = keyword::of_play("strategy", keyword::text(&outside, play.strategy.as_ref()))?;
    let strategy = strategy.unwrap_or_else(|| run.options.strategy.clone());
    let strategy =
        Strategy::named(&strategy).map_err(|e| e.or_at(play.strategy.as_ref().and_then(Value::origin)))?;
    // Only for show: what tasks go by is theirs, and may depend on the host.
    let check = keyword::flag(&outside, "check_mode", play.keywords.check_mode.as_ref()).ok().flatten();
    progress.plays += 1;
    let id = PlayId(progress.plays);
    let started = PlayStarted {
        id,
        name: name.clone(),
        hosts: hosts.len(),
        check: check.unwrap_or(run.options.check),
        free: strategy.is_free(),
        place: play.origin.as_ref().map(shevek_diag::Origin::place),
    };
    run.sink.send(Event::PlayStarted(started.clone()));
    if hosts.is_empty() {
        run.sink.send(Event::NoHostsMatched);
        return Ok(Next::Go);
    }
    let scope = Arc::new(PlayScope::new(play.clone(), name, prompts, hosts.clone()));
    files::read_hosts_files(run, &hosts)?;
    let mut vars_files = VarsFiles::default();
    vars_files.read(run, &scope)?;
    let batches = batches(play, &outside, &ordered)?;
    let max_fail = keyword::percentage(&outside, "max_fail_percentage", play.max_fail_percentage.as_ref());
    let max_fail = keyword::of_play("max_fail_percentage", max_fail)?;
    let forced = keyword::flag(&outside, "force_handlers", play.force_handlers.as_ref());
    let forced = keyword::of_play("force_handlers", forced)?;
    let forced =
        if forced.unwrap_or(run.options.force_handlers) { Handlers::Forced } else { Handlers::WhenGood };
    let items = Arc::new(items(run, play, &outside, forced, progress)?);
    let waits = match &run.options.start_at {
        Some(wanted) if !progress.start_found => {
            let mut found = false;
            for item in items.iter() {
                item.each_task(&mut |task| found |= Selection::is_start(task, wanted));
            }
            // Nothing of a play before that one is done, not even its facts are gathered.
            if !found {
                return Ok(Next::Go);
            }
            progress.start_found = true;
            true
        }
        _ => false,
    };
    for (number, batch) in batches.into_iter().enumerate() {
        // Each batch of a play is told as a play of its own.
        if number > 0 {
            run.sink.send(Event::PlayStarted(started.clone()));
        }
        let next = run_batch(
            run,
            &scope,
            &batch,
            Prepared { id, strategy, max_fail, items: items.clone(), waits, vars_files: &mut vars_files },
            progress,
        )
        .await?;
        if next == Next::Stop || run.interrupt.is_raised() {
            return Ok(Next::Stop);
        }
        if progress.ends_play {
            break;
        }
    }
    Ok(Next::Go)
}

struct Prepared<'a> {
    id: PlayId,
    strategy: Strategy,
    max_fail: Option<f64>,
    items: Arc<Vec<Item>>,
    /// Whether tasks before the one of `--start-at-task` are passed over.
    waits: bool,
    vars_files: &'a mut VarsFiles,
}

async fn run_batch(
    run: &Arc<Run>,
    scope: &Arc<PlayScope>,
    hosts: &[HostId],
    prepared: Prepared<'_>,
    progress: &mut Progress,
) -> Result<Next> {
    scope.set_batch(hosts.to_vec());
    let failed_before = progress.stats.failed.len() + progress.stats.unreachable.len();
    let mut states = IndexMap::new();
    for host in hosts {
        let name = run.fleet.host_name(*host).to_string();
        if progress.stats.failed.contains(&name) {
            continue;
        }
        states.insert(
            *host,
            HostState {
                cursor: Cursor::new(prepared.items.clone()),
                // One that an earlier play lost begins this one when `meta: clear_host_errors` forgives it.
                // Differs from Ansible: the plays after that have such a host, too, as the documentation says.
                lost: progress.stats.unreachable.contains_key(&name),
                busy: false,
                sent: VecDeque::new(),
                unsure: HashSet::new(),
                notified: Default::default(),
                roles_begun: HashSet::new(),
                roles_done: HashSet::new(),
                started: !prepared.waits,
            },
        );
    }
    let mut batch = Batch {
        run: run.clone(),
        play: scope.clone(),
        play_id: prepared.id,
        hosts: states,
        handlers: scope.play.handlers.clone(),
        unusable: HashSet::new(),
        stats: &mut progress.stats,
        selection: progress.selection.clone(),
        next_event: &mut progress.tasks,
        event: EventTask::default(),
        max_fail_percentage: prepared.max_fail,
        ends_play: false,
        fault: None,
        parse_fault: false,
        failed_include: HashSet::new(),
        place: Place::new(),
        forks: Arc::new(Semaphore::new(run.options.forks.max(1))),
        stopping: false,
        not_begun: HashMap::new(),
        is_free: prepared.strategy.is_free(),
        debugger: DebuggerOptions {
            enabled: run.options.debugger.enabled || prepared.strategy == Strategy::Debug,
            ..run.options.debugger
        },
        alive_may_differ: true,
        vars_files: prepared.vars_files,
    };
    let ended = batch.run(prepared.strategy).await;
    let ends = batch.ends_play;
    if let Err(fault) = ended {
        progress.fault = Some(fault);
        return Ok(Next::Stop);
    }
    let stats = &progress.stats;
    // Fewer than before where errors were forgiven.
    let failed_now = (stats.failed.len() + stats.unreachable.len()).saturating_sub(failed_before);
    progress.ends_play = ends;
    // When a whole batch has failed there is nobody left for what comes after.
    Ok(if failed_now > 0 && failed_now >= hosts.len() { Next::Stop } else { Next::Go })
}

/// The play's hosts as its pattern has them, less those that could not be reached before.
fn hosts(run: &Run, play: &Play, outside: &HostScope) -> Result<Vec<HostId>> {
    let patterns = run.fleet.templar.render(&play.hosts, outside).map_err(|e| e.or_at(play.hosts.origin()));
    let patterns = keyword::of_play("hosts", patterns)?;
    let pattern = match patterns.as_list() {
        Some(parts) => parts.iter().map(Value::text).collect::<Vec<_>>().join(","),
        None => patterns.text(),
    };
    let inventory = run.fleet.inventory();
    let (limit, mismatch) = (run.options.limit.as_deref(), run.options.mismatch);
    let chosen = inventory
        .choose(&[&pattern], limit, mismatch, Path::new("."))
        .map_err(|e| e.or_at(play.hosts.origin()).kind(Kind::Machine))?;
    for warning in chosen.warnings.iter() {
        run.sink.send(Event::Notice(Notice::from(warning)));
    }
    Ok(chosen.hosts)
}

/// The hosts as the keyword `order` wants them; variables that list a play's hosts list them as the pattern has them.
fn in_order(run: &Run, play: &Play, outside: &HostScope, mut hosts: Vec<HostId>) -> Result<Vec<HostId>> {
    let inventory = run.fleet.inventory();
    let order = keyword::of_play("order", keyword::value(outside, play.order.as_ref()))?;
    let order = order.map(|order| order.text());
    match order.as_deref().unwrap_or("inventory") {
        "inventory" => {}
        "reverse_inventory" => hosts.reverse(),
        "sorted" => hosts.sort_by_key(|host| inventory.host(*host).name().clone()),
        "reverse_sorted" => {
            hosts.sort_by_key(|host| inventory.host(*host).name().clone());
            hosts.reverse();
        }
        "shuffle" => {
            use rand::seq::SliceRandom;
            hosts.shuffle(&mut rand::rng());
        }
        other => {
            return Err(Diagnostic::new("wrong value of a keyword")
                .kind(Kind::Options)
                .detail(format!("order is `{other}`"))
                .help("one of inventory, reverse_inventory, sorted, reverse_sorted, shuffle")
                .did_you_mean(
                    other,
                    ["inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle"],
                )
                .at_maybe(play.order.as_ref().and_then(Value::origin), ""));
        }
    }
    Ok(hosts)
}

/// `serial`: the sizes of the batches, the last one for all that follow.
fn batches(play: &Play, outside: &HostScope, hosts: &[HostId]) -> Result<Vec<Vec<HostId>>> {
    let mut sizes: Vec<usize> = Vec::new();
    for written in &play.serial {
        let value = keyword::of_play("serial", keyword::value(outside, Some(written)))?.unwrap_or_default();
        let parts = value.as_list().map(<[Value]>::to_vec).unwrap_or_else(|| vec![value]);
        for part in parts {
            sizes.push(batch_size(&part, hosts.len()).map_err(|e| e.at_maybe(written.origin(), ""))?);
        }
    }
    let mut rest = hosts;
    let mut batches = Vec::new();
    let mut sizes = sizes.into_iter();
    let mut size = sizes.next().unwrap_or(0);
    while !rest.is_empty() {
        let count = if size == 0 { rest.len() } else { size.min(rest.len()) };
        let (batch, left) = rest.split_at(count);
        batches.push(batch.to_vec());
        rest = left;
        size = sizes.next().unwrap_or(size);
    }
    Ok(batches)
}

fn batch_size(value: &Value, hosts: usize) -> Result<usize> {
    let text = value.text();
    let size = match text.trim().strip_suffix('%') {
        Some(percent) => {
            percent.trim().parse::<f64>().ok().map(|p| ((p / 100.0 * hosts as f64) as usize).max(1))
        }
        None => text.trim().parse::<i64>().ok().map(|n| usize::try_from(n).unwrap_or(0)),
    };
    size.ok_or_else(|| {
        Diagnostic::new("wrong value of a keyword")
            .kind(Kind::Machine)
            .detail(format!("serial must be a number or percentage, not {text}"))
    })
}

/// The play's items that the tags select, facts first.
fn items(
    run: &Run,
    play: &Arc<Play>,
    outside: &HostScope,
    handlers: Handlers,
    progress: &Progress,
) -> Result<Vec<Item>> {
    let mut items = Vec::with_capacity(8);
    let wanted = keyword::flag(outside, "gather_facts", play.gather_facts.as_ref());
    let wanted = keyword::of_play("gather_facts", wanted)?;
    let gathers = match run.options.gathering {
        Gathering::Implicit | Gathering::Smart => wanted.unwrap_or(true),
        Gathering::Explicit => wanted.unwrap_or(false),
    };
    if gathers {
        items.push(Item::Task(Arc::new(gather_task(run, play))));
    }
    items.extend(play.sections(handlers));
    let render = |tag: &Value| run.fleet.templar.render(tag, outside).unwrap_or_else(|_| tag.clone());
    Ok(progress.selection.filter(items, &render))
}

/// The number of the task that gathers facts; no task of a file has it.
pub(crate) const GATHERS: TaskId = TaskId(0);

/// The task that gathers facts before all others.
fn gather_task(run: &Run, play: &Play) -> Task {
    let mut args = Map::default();
    let subset = play.gather_subset.clone().or_else(|| {
        let configured = &run.options.gather_subset;
        (!configured.is_empty()).then(|| configured.clone().into())
    });
    for (name, value) in [
        ("gather_subset", subset),
        ("gather_timeout", play.gather_timeout.clone()),
        ("fact_path", play.fact_path.clone()),
    ] {
        if let Some(value) = value {
            args.insert(Value::str(name), value);
        }
    }
    let when = play.import_conditions.clone();
    Task {
        id: GATHERS,
        name: Some(Value::str("Gathering Facts")),
        action: Action {
            name: Value::str("gather_facts"),
            resolved: "gather_facts".into(),
            target: Target::Controller,
            args: Arc::new(args),
            free_form: None,
            variable_args: None,
            schema: None,
        },
        when: when.into(),
        // A play with tags of its own gathers only when these are asked for.
        tags: if play.tags.is_empty() { Arc::from([Value::str("always")]) } else { play.tags.clone() },
        // Facts of one host are not those of all.
        keywords: Arc::new(Keywords { run_once: None, ..(*play.flush.keywords).clone() }),
        is_implicit: false,
        ..(*play.flush).clone()
    }
}

/// Asks the questions of `vars_prompt` to which `-e` has no answer.
fn prompt(run: &Run, prompts: &[VarsPrompt], outside: &HostScope) -> Result<Map> {
    let mut answers = Map::default();
    for prompt in prompts.iter().filter(|prompt| !run.fleet.extra.contains_key(&*prompt.name)) {
        let scope = outside.with(answers.clone());
        let answer = ask(run, prompt, &scope)?;
        answers.insert(Value::str(prompt.name.clone()), answer);
    }
    Ok(answers)
}

fn ask(run: &Run, prompt: &VarsPrompt, scope: &HostScope) -> Result<Value> {
    let words = keyword::text(scope, prompt.prompt.as_ref())?.unwrap_or_else(|| prompt.name.to_string());
    let default = keyword::text(scope, prompt.default.as_ref())?;
    let hash = keyword::text(scope, prompt.encrypt.as_ref())?;
    if !run.ask.is_interactive() {
        run.warn("Not prompting as we are not in interactive mode");
        // What stands in the playbook is no secret. Without it the answer is the word for nothing.
        return match (default, hash) {
            (Some(default), Some(hash)) => encrypted(prompt, scope, Value::str(default), hash),
            (None, Some(_)) => {
                Err(not_encrypted(prompt, "nobody is there to answer, and there is no default"))
            }
            (default, None) => {
                let answer = default.unwrap_or_else(|| "None".to_owned());
                Ok(if prompt.is_unsafe { Value::str(answer) } else { Value::template(answer) })
            }
        };
    }
    let question = |text: String| Question { text, private: prompt.is_private, ..Question::default() };
    run.sink.flush();
    let text = match &default {
        Some(default) => format!("{words} [{default}]: "),
        None => format!("{words}: "),
    };
    let answer = loop {
        let answer = run.ask.ask(&question(text.clone()))?;
        if !prompt.confirm || run.ask.ask(&question(format!("confirm {words}: ")))? == answer {
            break answer;
        }
        let text = "***** VALUES ENTERED DO NOT MATCH ****".to_owned();
        run.sink.send(Event::Verbose(Verbose { level: 0, host: None, text }));
        run.sink.flush();
    };
    let answer = if answer.is_empty() { default.unwrap_or_default() } else { answer };
    if prompt.is_private {
        run.sink.masker().learn_text(&answer);
    }
    let value = if prompt.is_unsafe { Value::str(answer) } else { Value::template(answer) };
    let value = match hash {
        Some(hash) => encrypted(prompt, scope, value, hash)?,
        None => value,
    };
    Ok(if prompt.is_private { value.secret() } else { value })
}

fn encrypted(prompt: &VarsPrompt, scope: &HostScope, answer: Value, hash: String) -> Result<Value> {
    let mut named = Map::default();
    for (name, written) in [("salt", &prompt.salt), ("salt_size", &prompt.salt_size)] {
        if let Some(setting) = keyword::value(scope, written.as_ref())? {
            named.insert(Value::str(name), setting);
        }
    }
    let arguments = shevek_template::plugin::Arguments { positional: vec![answer, hash.into()], named };
    let value =
        scope.fleet().templar.with_context(scope, |context| context.filter("password_hash", arguments));
    let value = value.map_err(|error| error.kind(Kind::Machine))?;
    match value.kind() {
        shevek_value::Kind::Undefined(why) => Err(not_encrypted(prompt, &why.message())),
        _ => Ok(value),
    }
}

fn not_encrypted(prompt: &VarsPrompt, why: &str) -> Box<Diagnostic> {
    Diagnostic::new("the answer to a prompt cannot be encrypted")
        .kind(Kind::Machine)
        .detail(why)
        .at_maybe(prompt.encrypt.as_ref().and_then(Value::origin), "")
}
