//! The conversation: reads messages until the input ends, and lets threads do the work.

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use shevek_kit::system::Look;
use shevek_kit::{Overlay, Probe, Real, guard};
use shevek_modules::Modules;
use shevek_proto::{Batch, Become, Call, Down, Fault, FaultKind, Hello, Part, Up, VERSION};

use crate::batch::{Alone, Around, Switches};
use crate::child::{Children, Further};
use crate::exchange::Exchange;
use crate::parts::Parts;
use crate::wire::{Heard, Inlet, Outlet, Side};

/// How long batches may take to stop after the input has ended.
const LAST_WAIT: Duration = Duration::from_secs(3);

/// Converses until the input ends. What was said `ahead` of the input comes first.
pub fn serve(side: Side, modules: Modules, ahead: &[u8]) -> ExitCode {
    guard::enable();
    let outlet = Arc::new(Outlet::new(side));
    let real = Arc::new(Real::new());
    let overlay = Arc::new(Overlay::over(real.clone()));
    let exchange = Exchange::new(outlet.clone());
    let parts = Parts::new(outlet.clone());
    let server = Server {
        side,
        children: Children::new(outlet.clone(), overlay.clone(), parts.clone()),
        parts,
        around: Arc::new(Around { modules, outlet, exchange, overlay, alone: Alone::default() }),
        real,
        running: Arc::default(),
    };
    let mut inlet = Inlet::new(side, ahead);
    let clean = loop {
        match inlet.next() {
            Ok(Some(Heard::Message(Down::Bye))) | Ok(None) => break true,
            Ok(Some(Heard::Message(message))) => server.message(message),
            Ok(Some(Heard::Plan(plan))) => server.take_plan(&plan),
            Err(e) => {
                let fault = Fault { kind: FaultKind::Protocol, message: e.to_string(), help: None };
                server.around.outlet.say(Up::Fault { batch: None, fault });
                break false;
            }
        }
    };
    server.end();
    guard::end();
    if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The batches that are running, each with the switches that stop it.
#[derive(Default)]
struct Running {
    batches: Mutex<HashMap<u64, Switches>>,
    fewer: Condvar,
}

impl Running {
    fn batches(&self) -> MutexGuard<'_, HashMap<u64, Switches>> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Server {
    side: Side,
    parts: Arc<Parts>,
    around: Arc<Around>,
    children: Arc<Children>,
    real: Arc<Real>,
    running: Arc<Running>,
}

impl Server {
    fn message(&self, message: Down) {
        let Some(message) = self.children.relay(message) else { return };
        match message {
            Down::Hello { protocol } => self.hello(protocol),
            Down::Run(batch) => self.run(batch),
            Down::Chunk { blob, data, last } => self.around.exchange.arrived(blob, data, last),
            Down::Sum { blob, checksum } => self.around.exchange.summed(blob, checksum),
            Down::Credit { stream, bytes } => self.around.exchange.granted(stream, bytes),
            Down::Cancel { batch } => {
                if let Some(switches) = self.running.batches().get(&batch) {
                    switches.cancelled.store(true, Ordering::Relaxed);
                }
            }
            Down::Halt { batch } => {
                if let Some(switches) = self.running.batches().get(&batch) {
                    switches.halted.store(true, Ordering::Relaxed);
                }
            }
            Down::PartChunk { part: Part::Rare, hash, data, last } => self.parts.arrived(&hash, &data, last),
            Down::NoPart { part: Part::Rare, machine } => self.parts.missing(&machine),
            // The core is always here.
            Down::PartChunk { part: Part::Core, .. } | Down::NoPart { part: Part::Core, .. } | Down::Bye => {}
        }
    }

    fn take_plan(&self, plan: &[u8]) {
        if let Ok(plan) = postcard::from_bytes(plan) {
            self.around.overlay.set_plan(plan);
        }
    }

    fn hello(&self, protocol: u32) {
        let outlet = self.around.outlet.clone();
        if protocol != VERSION {
            let message =
                format!("the runner speaks version {VERSION} of the protocol, the controller {protocol}");
            let fault = Fault { kind: FaultKind::Protocol, message, help: None };
            return outlet.say(Up::Fault { batch: None, fault });
        }
        let real = self.real.clone();
        // Looking the user up takes a moment; batches that come meanwhile are not held up by it.
        std::thread::spawn(move || {
            let probe = Probe::new(real.clone(), Arc::default());
            let uid = real.identity().uid;
            let user = probe.user_of(uid).ok().flatten();
            let home =
                user.as_ref().map(|u| u.home.clone()).or_else(|| probe.env("HOME")).unwrap_or_default();
            outlet.say(Up::Hello(Box::new(Hello {
                protocol: VERSION,
                user: user.map_or_else(|| uid.to_string(), |u| u.name),
                uid,
                home,
            })));
        });
    }

    fn run(&self, mut batch: Batch) {
        let user = batch.become_user.take().filter(|wanted| !self.is_me(wanted));
        let removed: Vec<String> = batch.calls.iter().filter_map(removes_user).map(str::to_owned).collect();
        let wanted = Further { user, part: self.part_of(&batch) };
        if wanted.user.is_some() || wanted.part != Part::Core {
            let children = self.children.clone();
            children.expect(batch.id);
            std::thread::spawn(move || {
                children.let_go(&removed);
                children.run(&wanted, batch);
            });
            return;
        }
        let (around, running, children) = (self.around.clone(), self.running.clone(), self.children.clone());
        // Each batch has its own switch, so that cancelling one leaves the others alone.
        let real = Arc::new(Real::new());
        let switches = Switches { cancelled: real.interrupt(), ..Switches::default() };
        running.batches().insert(batch.id, switches.clone());
        std::thread::spawn(move || {
            children.let_go(&removed);
            around.run(&batch, &real, &switches);
            running.batches().remove(&batch.id);
            running.fewer.notify_all();
        });
    }

    /// Which binary has the modules of a batch. A runner that was started by another gets only what it has.
    fn part_of(&self, batch: &Batch) -> Part {
        let here = |call: &Call| self.around.modules.can(&call.module, &call.args);
        match self.side {
            Side::Controller if !batch.calls.iter().all(here) => Part::Rare,
            _ => Part::Core,
        }
    }

    /// Becoming oneself is nothing to do, as in Ansible.
    fn is_me(&self, wanted: &Become) -> bool {
        let probe = Probe::new(self.real.clone(), Arc::default());
        let me = self.real.identity().uid;
        probe.user(&wanted.user).ok().flatten().is_some_and(|user| user.uid == me)
    }

    /// The controller is gone, or has said goodbye: what is running is killed, and its temporary files are removed.
    fn end(&self) {
        self.around.exchange.end();
        self.parts.end();
        self.real.interrupt().store(true, Ordering::Relaxed);
        for switches in self.running.batches().values() {
            switches.cancelled.store(true, Ordering::Relaxed);
        }
        self.children.end();
        let deadline = Instant::now() + LAST_WAIT;
        let mut batches = self.running.batches();
        while !batches.is_empty() && Instant::now() < deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            batches =
                self.running.fewer.wait_timeout(batches, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// The user that a call removes.
fn removes_user(call: &Call) -> Option<&str> {
    let argument =
        |name: &str| call.args.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.as_str());
    let removes = call.module == "user" && argument("state") == Some("absent");
    argument("name").filter(|_| removes)
}
