//! Runs a batch: a task with the items of its loop, or several tasks, in this process and as this user.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use shevek_kit::drive::Ground;
use shevek_kit::{Overlay, Real};
use shevek_modules::Modules;
use shevek_proto::{Batch, Call, Fault, FaultKind, Item, Mode, Outcome, Up, Val};

use crate::courier::BatchCourier;
use crate::exchange::Exchange;
use crate::job;
use crate::wire::{Outlet, Side};

/// What ends a batch early.
#[derive(Debug, Clone, Default)]
pub struct Switches {
    /// Kills what is running.
    pub cancelled: Arc<AtomicBool>,
    /// Leaves undone the tasks behind the one that is running.
    pub halted: Arc<AtomicBool>,
}

/// What a batch needs of the runner around it.
pub struct Around {
    /// The modules of this binary.
    pub modules: Modules,
    /// Where answers go.
    pub outlet: Arc<Outlet>,
    /// Where content comes and goes.
    pub exchange: Arc<Exchange>,
    /// Check mode's plan, over the host.
    pub overlay: Arc<Overlay>,
    /// Plans of single tasks.
    pub alone: Alone,
}

/// The plans of tasks that are checked in a run that is no check, by their number.
#[derive(Default)]
pub struct Alone(Mutex<VecDeque<(u32, Arc<Overlay>)>>);

impl Alone {
    /// How many are kept: as many as may be at work at a time.
    const KEPT: usize = 16;

    fn of(&self, number: u32, real: &Arc<Real>) -> Arc<Overlay> {
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, plan)) = plans.iter().find(|(known, _)| *known == number) {
            return plan.clone();
        }
        let plan = Arc::new(Overlay::over(real.clone()));
        plans.push_back((number, plan.clone()));
        if plans.len() > Self::KEPT {
            plans.pop_front();
        }
        plan
    }
}

impl Around {
    /// Runs all calls of a batch in order. `real` is the host for this batch; its own switch is the one that cancels.
    pub fn run(&self, batch: &Batch, real: &Arc<Real>, switches: &Switches) {
        let before = self.overlay.version();
        let end = self.all(batch, real, switches);
        // The plan goes up before the end is told: the next batch may be for another user, and must see it.
        let is_new = self.outlet.side() == Side::Parent && self.overlay.version() != before;
        match is_new.then(|| self.outlet.hand_up(&self.overlay.plan())).transpose() {
            Ok(_) => self.outlet.say(end),
            // Without it the tasks that follow would be told what is not so.
            Err(message) => {
                let fault = Fault { kind: FaultKind::Protocol, message, help: None };
                self.outlet.say(Up::Fault { batch: Some(batch.id), fault });
            }
        }
    }

    fn all(&self, batch: &Batch, real: &Arc<Real>, switches: &Switches) -> Up {
        let fault = |kind, message: String| Up::Fault {
            batch: Some(batch.id),
            fault: Fault { kind, message, help: None },
        };
        let Switches { cancelled, halted } = switches;
        let mut has_failed = false;
        for (index, call) in batch.calls.iter().enumerate() {
            let number = u32::try_from(index).unwrap_or(u32::MAX);
            let begins_task = batch.task_ends.contains(&number);
            if begins_task && (has_failed || halted.load(Ordering::Relaxed)) {
                break;
            }
            if cancelled.load(Ordering::Relaxed) {
                return fault(FaultKind::Cancelled, "cancelled".into());
            }
            let Some(outcome) = self.call(call, real, cancelled) else {
                let message = format!("the runner has no module {}", call.module);
                return fault(FaultKind::UnknownModule, message);
            };
            if cancelled.load(Ordering::Relaxed) {
                return fault(FaultKind::Cancelled, "cancelled".into());
            }
            has_failed |= outcome.failed;
            self.outlet.say(Up::Item(Box::new(Item { batch: batch.id, index: number, outcome })));
        }
        Up::Done { batch: batch.id }
    }

    fn call(&self, call: &Call, real: &Arc<Real>, cancelled: &Arc<AtomicBool>) -> Option<Outcome> {
        let module = self.modules.find(&call.module)?;
        if let Some(wanted) = &call.job {
            return Some(job::start(call, wanted, real));
        }
        let ground = match call.mode {
            Mode { check: false, .. } => Ground::Real(real.clone()),
            Mode { alone: 0, .. } => Ground::Planned(self.overlay.clone()),
            Mode { alone, .. } => Ground::Planned(self.alone.of(alone, real)),
        };
        let start = Instant::now();
        let limit = call.timeout.map(|seconds| Duration::from_secs(u64::from(seconds)));
        let deadline = limit.map(|limit| start + limit);
        let courier =
            BatchCourier { exchange: self.exchange.clone(), cancelled: cancelled.clone(), deadline };
        let brought = shevek_kit::Call {
            environment: call.environment.clone(),
            deadline,
            diff: call.mode.diff,
            courier: Arc::new(courier),
            ..shevek_kit::Call::default()
        };
        let mut outcome = module.entry.run(call.args.clone(), &ground, &Arc::new(brought));
        if let (Some(seconds), Some(deadline)) = (call.timeout, deadline)
            && outcome.failed
            && Instant::now() >= deadline
        {
            let message = format!("Task failed: Timed out after {seconds} second(s).");
            outcome.set("msg", message);
            outcome.set("timedout", Val::Map(vec![("period".into(), seconds.into())]));
        }
        outcome.seconds = start.elapsed().as_secs_f64();
        Some(outcome)
    }
}
