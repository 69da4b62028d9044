//! The items of a loop: one after the other, or together wherever nothing forces an order.
//!
//! What an item brings is there for those behind it: its result under the name that the task registers, and the variables
//! and facts that it sets ([`Carried`]).

use shevek_actions::{Asked, Effect, Host, Lane, Outcome};
use shevek_connection::{Blobs, TransportKind};
use shevek_diag::Result;
use shevek_event::held;
use shevek_template::watch::{self, Unsettled};
use shevek_value::{Map, Value};
use shevek_vars::{Facts, HostScope};

use super::{Job, Prepared};
use crate::ahead::{Doing, go_on, returns_facts};
use crate::done::{ItemDone, LoopItem};
use crate::looping;
use crate::sight::Sight;

impl Job {
    /// Whether each item must be done before the next may begin.
    pub(super) fn goes_one_by_one(&self, control: &looping::Control) -> bool {
        let ends_early = !self.task.loop_control.break_when.is_empty();
        !control.pause.is_zero() || ends_early || self.repeats() || self.task.async_.is_some()
    }

    /// Items one after the other, each its own round trip.
    pub(super) async fn one_by_one(
        &self,
        scope: &HostScope,
        items: Vec<LoopItem>,
        control: &looping::Control,
    ) -> Result<Vec<ItemDone>> {
        let mut results = Vec::with_capacity(items.len());
        let mut carried = Carried::default();
        for (position, item) in items.into_iter().enumerate() {
            if position > 0 && !control.pause.is_zero() {
                tokio::time::sleep(control.pause).await;
            }
            let inner = carried.before(scope, &item);
            let done = self.one(&inner, Some(item)).await;
            let ends =
                self.all_true(&self.task.loop_control.break_when, &self.with_result(&inner, &done.outcome));
            self.report(&done);
            carried.take(self, &done);
            results.push(done);
            if ends? == Some(true) {
                break;
            }
        }
        Ok(results)
    }

    /// All items, those for the host in one round trip wherever nothing forces an order.
    pub(super) async fn together(&self, scope: &HostScope, items: Vec<LoopItem>) -> Vec<ItemDone> {
        let sight = Sight::of(&self.task);
        let mut results: Vec<Option<ItemDone>> = Vec::with_capacity(items.len());
        let mut waiting: Vec<Waiting<'_>> = Vec::new();
        let mut weight = 0;
        let mut carried = Carried::default();
        for (position, item) in items.into_iter().enumerate() {
            carried.catch_up(self, &results);
            let ahead = match waiting.is_empty() {
                true => None,
                false => self.prepare_ahead(carried.before(scope, &item), &item),
            };
            let mut prepared = match ahead {
                Some(prepared) => prepared,
                None => {
                    self.flush(&mut waiting, &mut results).await;
                    weight = 0;
                    carried.catch_up(self, &results);
                    self.prepare(carried.before(scope, &item), Some(item))
                }
            };
            let is_action = matches!(prepared, Prepared::Action(..));
            let lane = Lane::default();
            // What the controller does comes after what was put before it.
            if !prepared.waits_in(&lane) && is_action {
                self.flush(&mut waiting, &mut results).await;
            }
            let mut doing: Doing<'_, ItemDone> = Box::pin(self.carry_out(prepared));
            let done = match go_on(&mut doing) {
                Some(done) => done,
                None => {
                    let Some(asked) = lane.take() else {
                        self.flush(&mut waiting, &mut results).await;
                        results.push(Some(doing.await));
                        continue;
                    };
                    let is_other =
                        waiting.first().is_some_and(|first| !first.asked.host.same_way(&asked.host));
                    if is_other || weight > MOST_AT_ONCE {
                        self.flush(&mut waiting, &mut results).await;
                        weight = 0;
                    }
                    weight += asked.weight();
                    let is_here = matches!(asked.host.target.kind, TransportKind::Local(_));
                    let tells_facts = returns_facts(&asked);
                    waiting.push(Waiting { position, asked, doing });
                    results.push(None);
                    // The next item may look at what this one does.
                    let is_seen =
                        sight == Sight::Anything || ((sight == Sight::Files || is_action) && is_here);
                    if is_seen || tells_facts {
                        self.flush(&mut waiting, &mut results).await;
                    }
                    continue;
                }
            };
            if waiting.is_empty() {
                self.report(&done);
            }
            results.push(Some(done));
        }
        self.flush(&mut waiting, &mut results).await;
        results.into_iter().flatten().collect()
    }

    /// Prepares an item while those before it wait to be sent; `None` where it looks at what comes of these.
    fn prepare_ahead(&self, scope: HostScope, item: &LoopItem) -> Option<Prepared<'_>> {
        let names = self.task.register.iter().map(|name| name.to_string()).collect();
        let unsettled = Unsettled { names, files: false };
        let (prepared, told) = held(|| watch::ahead(&unsettled, || self.prepare(scope, Some(item.clone()))));
        let prepared = prepared?;
        told.into_iter().for_each(|event| self.run.sink.send(event));
        Some(prepared)
    }

    /// Sends what is waiting as one batch; items are reported in their order, skipped ones between them too.
    async fn flush(&self, waiting: &mut Vec<Waiting<'_>>, results: &mut [Option<ItemDone>]) {
        let Some(first) = waiting.first() else { return };
        let host = Host { lane: self.lane.clone(), ..first.asked.host.clone() };
        let mut reported = first.position;
        let (mut calls, mut contents, mut places) = (Vec::new(), Blobs::new(), Vec::new());
        for (number, one) in waiting.iter_mut().enumerate() {
            let (mine, content) = one.asked.take();
            places.extend((0..mine.len()).map(|call| (number, call)));
            calls.extend(mine);
            contents.extend(content);
        }
        let mut heard = |index: usize, outcome: &Outcome| {
            let Some((number, call)) = places.get(index) else { return };
            let Some(one) = waiting.get_mut(*number).filter(|one| !one.asked.is_done()) else { return };
            one.asked.answer(*call, outcome.clone());
            if !one.asked.is_done() {
                return;
            }
            if let Some(place) = results.get_mut(one.position) {
                *place = go_on(&mut one.doing);
            }
            while let Some(Some(done)) = results.get(reported) {
                self.report(done);
                reported += 1;
            }
        };
        let outcomes = host.send(calls, contents, &mut heard).await;
        // The host did not tell of what is left.
        for (index, outcome) in outcomes.iter().enumerate() {
            heard(index, outcome);
        }
        for one in waiting.drain(..) {
            let Some(place @ None) = results.get_mut(one.position) else { continue };
            let done = one.doing.await;
            self.report(&done);
            *place = Some(done);
        }
    }
}

/// An item whose call waits for those of further items.
struct Waiting<'a> {
    position: usize,
    asked: Asked,
    doing: Doing<'a, ItemDone>,
}

/// How many bytes of calls wait for more of them at most.
const MOST_AT_ONCE: usize = 4 << 20;

/// What the items so far have brought for those behind them.
#[derive(Default)]
struct Carried {
    /// How many items that is.
    count: usize,
    variables: Map,
    /// What is known of the host, once an item has told more.
    facts: Option<Facts>,
}

impl Carried {
    /// What an item sees.
    fn before(&self, scope: &HostScope, item: &LoopItem) -> HostScope {
        let all = self.variables.iter().chain(&item.variables);
        scope.with(all.map(|(name, value)| (name.clone(), value.clone())))
    }

    /// Takes what came of the items that are done, up to the first that is not.
    fn catch_up(&mut self, job: &Job, results: &[Option<ItemDone>]) {
        for done in results.iter().skip(self.count).map_while(Option::as_ref) {
            self.take(job, done);
        }
    }

    fn take(&mut self, job: &Job, done: &ItemDone) {
        self.count += 1;
        if let Some(name) = &job.task.register {
            self.variables.insert(Value::str(name.clone()), done.value(name));
        }
        let told = &done.outcome.facts;
        if told.is_empty() {
            return;
        }
        let are_variables = |effect: &Effect| matches!(effect, Effect::SetFact { .. } | Effect::IncludeVars);
        if done.outcome.effects.iter().any(are_variables) {
            self.variables.extend(told.iter().map(|(name, value)| (name.clone(), value.clone())));
            return;
        }
        let known = &job.run.fleet;
        let facts = self.facts.get_or_insert_with(|| (*known.memory(job.host).facts()).clone());
        facts.merge(told);
        self.variables.insert(Value::str("ansible_facts"), facts.namespaced().clone());
        if known.options.inject_facts {
            self.variables.extend(facts.injected().iter().map(|(name, value)| (name.clone(), value.clone())));
        }
    }
}
