//! [`Children`]: further runners, as other users or with the rare modules, started when first needed, and the relay of
//! messages to and from them.

use std::collections::HashMap;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::process::{Child as Process, ChildStdin};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use shevek_kit::Overlay;
use shevek_proto::{Batch, Become, Decoder, Down, Fault, FaultKind, Part, Up, VERSION, encode};

use crate::beside::start_beside;
use crate::login::{Said, log_in};
use crate::parts::{Parts, Program};
use crate::terminal::Terminal;
use crate::wire::{FromChild, Outlet, ToChild, packed};

/// How long further runners may take to end when they are asked to.
const LAST_WAIT: Duration = Duration::from_secs(3);

/// How often it is looked whether they have.
const TICK: Duration = Duration::from_millis(5);

/// Which further runner: the user to become, unless it is the same, and the part with the module.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Further {
    /// Whom to become.
    pub user: Option<Become>,
    /// Which binary.
    pub part: Part,
}

/// All further runners, and which of them a message is for.
pub struct Children {
    outlet: Arc<Outlet>,
    overlay: Arc<Overlay>,
    parts: Arc<Parts>,
    slots: Mutex<HashMap<Further, Arc<Slot>>>,
    routes: Mutex<Routes>,
}

/// One further runner, or the place for one: whoever comes first starts it, the others wait.
#[derive(Default)]
struct Slot {
    child: Mutex<Option<Arc<Child>>>,
}

struct Child {
    /// To the thread that writes to it: it may be stopped and read nothing, and nobody else must wait for that.
    stdin: Mutex<Option<Sender<Vec<u8>>>>,
    process: Mutex<Process>,
    /// The version of check mode's plan that it has.
    plan: Mutex<u64>,
    ended: Mutex<bool>,
    /// What the system knew of users when it became one of them.
    accounts: Accounts,
    _terminal: Option<Terminal>,
}

/// The state of the files in which users and groups stand.
type Accounts = [Option<(u64, u64, i64, i64)>; 2];

fn accounts() -> Accounts {
    ["/etc/passwd", "/etc/group"].map(|file| {
        let file = std::fs::metadata(file).ok()?;
        Some((file.ino(), file.size(), file.mtime(), file.mtime_nsec()))
    })
}

#[derive(Default)]
struct Routes {
    batches: HashMap<u64, Arc<Child>>,
    /// Batches whose runner is being started, and what they were told meanwhile.
    waiting: HashMap<u64, Meanwhile>,
    blobs: HashMap<u64, Arc<Child>>,
    streams: HashMap<u64, Arc<Child>>,
}

/// What a batch was told while its runner was being started.
#[derive(Default)]
struct Meanwhile {
    cancelled: bool,
    halted: bool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Child {
    fn tell(&self, message: &ToChild) -> bool {
        encode(message).is_ok_and(|frame| self.send(frame))
    }

    /// Content waits here as far as the child has given credit for it, and no further.
    fn send(&self, frame: Vec<u8>) -> bool {
        locked(&self.stdin).as_ref().is_some_and(|to| to.send(frame).is_ok())
    }
}

/// Writes to a further runner until nobody says anything more, or it reads no more.
fn write_all(mut stdin: ChildStdin, frames: &Receiver<Vec<u8>>) {
    for frame in frames {
        if stdin.write_all(&frame).and_then(|()| stdin.flush()).is_err() {
            return;
        }
    }
}

impl Child {
    /// Closes its input, and looks whether it has ended.
    fn has_ended(&self) -> bool {
        *locked(&self.stdin) = None;
        matches!(locked(&self.process).try_wait(), Ok(Some(_)) | Err(_))
    }
}

impl Children {
    /// None yet.
    pub fn new(outlet: Arc<Outlet>, overlay: Arc<Overlay>, parts: Arc<Parts>) -> Arc<Self> {
        Arc::new(Children { outlet, overlay, parts, slots: Mutex::default(), routes: Mutex::default() })
    }

    /// Announces a batch that [`Children::run`] will be called for, so that it can be cancelled meanwhile.
    pub fn expect(&self, batch: u64) {
        locked(&self.routes).waiting.insert(batch, Meanwhile::default());
    }

    /// Hands a batch to the runner that it needs. Returns when it is handed over, or has been answered with a
    /// fault.
    pub fn run(self: &Arc<Self>, wanted: &Further, mut batch: Batch) {
        batch.become_user = None;
        let id = batch.id;
        let child = self.child(wanted, id);
        let meanwhile = locked(&self.routes).waiting.remove(&id).unwrap_or_default();
        let child = match child {
            Err(fault) => return self.outlet.say(Up::Fault { batch: Some(id), fault }),
            Ok(_) if meanwhile.cancelled => {
                if locked(&self.routes).batches.remove(&id).is_none() {
                    return;
                }
                let fault = Fault { kind: FaultKind::Cancelled, message: "cancelled".into(), help: None };
                return self.outlet.say(Up::Fault { batch: Some(id), fault });
            }
            Ok(child) => child,
        };
        if batch.calls.iter().any(|call| call.mode.check)
            && let Err(why) = self.hand_down_plan(&child)
        {
            if locked(&self.routes).batches.remove(&id).is_none() {
                return;
            }
            let message = format!("check mode's plan cannot be handed on: {why}");
            let fault = Fault { kind: FaultKind::Protocol, message, help: None };
            return self.outlet.say(Up::Fault { batch: Some(id), fault });
        }
        let mut told = child.tell(&ToChild::Message(Down::Run(batch)));
        if meanwhile.halted {
            told &= child.tell(&ToChild::Message(Down::Halt { batch: id }));
        }
        // The relay may have found its end before the batch was told.
        if (!told || *locked(&child.ended)) && locked(&self.routes).batches.remove(&id).is_some() {
            let fault = gone(wanted, "");
            self.outlet.say(Up::Fault { batch: Some(id), fault });
        }
    }

    /// Passes a message on, if it is about something that a further runner does.
    pub fn relay(&self, message: Down) -> Option<Down> {
        let mut routes = locked(&self.routes);
        if let Down::Cancel { batch } | Down::Halt { batch } = &message
            && let Some(meanwhile) = routes.waiting.get_mut(batch)
        {
            meanwhile.cancelled |= matches!(message, Down::Cancel { .. });
            meanwhile.halted |= matches!(message, Down::Halt { .. });
            return None;
        }
        let child = match &message {
            Down::Chunk { blob, .. } | Down::Sum { blob, .. } => routes.blobs.get(blob),
            Down::Credit { stream, .. } => routes.streams.get(stream),
            Down::Cancel { batch } | Down::Halt { batch } => routes.batches.get(batch),
            _ => None,
        };
        let Some(child) = child.cloned() else { return Some(message) };
        drop(routes);
        child.tell(&ToChild::Message(message));
        None
    }

    /// Ends the further runners of users who are to be removed: who has a process cannot be. One that is at work stays.
    /// May wait for them.
    pub fn let_go(&self, users: &[String]) {
        if users.is_empty() {
            return;
        }
        let mut slots = locked(&self.slots);
        let routes = locked(&self.routes);
        let idle = |slot: &Slot| match slot.child.try_lock() {
            Ok(child) => !child.iter().any(|child| routes.batches.values().any(|at| Arc::ptr_eq(at, child))),
            Err(_) => false,
        };
        let theirs =
            |further: &Further| further.user.as_ref().is_some_and(|wanted| users.contains(&wanted.user));
        let ended =
            slots.extract_if(|further, slot| theirs(further) && idle(slot)).map(|(_, slot)| slot).collect();
        drop((slots, routes));
        end_all(ended);
    }

    /// Ends all further runners.
    pub fn end(&self) {
        let slots = locked(&self.slots).drain().map(|(_, slot)| slot).collect();
        end_all(slots);
    }

    /// The runner for a batch, which is on the list of those at work from then on: nobody ends it.
    fn child(self: &Arc<Self>, wanted: &Further, batch: u64) -> Result<Arc<Child>, Fault> {
        let slot = locked(&self.slots).entry(wanted.clone()).or_default().clone();
        let mut place = locked(&slot.child);
        let accounts = accounts();
        if let Some(child) = place.as_ref().filter(|child| !*locked(&child.ended)) {
            // Who becomes a user anew has the groups that this one has by now.
            let is_dated = wanted.user.is_some() && child.accounts != accounts;
            if !is_dated || self.is_at_work(child) {
                locked(&self.routes).batches.insert(batch, child.clone());
                return Ok(child.clone());
            }
            let child = child.clone();
            std::thread::spawn(move || end_children(vec![child]));
        }
        let program = match wanted.part {
            Part::Core => Program::this(),
            Part::Rare => self.parts.rare()?,
        };
        let login = match &wanted.user {
            Some(user) => log_in(user, &program)?,
            None => start_beside(&program)?,
        };
        let (to, frames) = channel();
        let stdin = login.stdin;
        std::thread::spawn(move || write_all(stdin, &frames));
        let child = Arc::new(Child {
            stdin: Mutex::new(Some(to)),
            process: Mutex::new(login.process),
            plan: Mutex::new(0),
            ended: Mutex::new(false),
            accounts,
            _terminal: login.terminal,
        });
        child.tell(&ToChild::Message(Down::Hello { protocol: VERSION }));
        let relay = Relay { children: self.clone(), child: child.clone(), wanted: wanted.clone() };
        let (first, said) = (login.first, login.said);
        locked(&self.routes).batches.insert(batch, child.clone());
        std::thread::spawn(move || relay.listen(&first, &said));
        *place = Some(child.clone());
        Ok(child)
    }

    fn is_at_work(&self, child: &Arc<Child>) -> bool {
        locked(&self.routes).batches.values().any(|at| Arc::ptr_eq(at, child))
    }

    fn hand_down_plan(&self, child: &Child) -> Result<(), String> {
        let plan = self.overlay.plan();
        let mut known = locked(&child.plan);
        if *known == plan.version() {
            return Ok(());
        }
        let frame = encode(&ToChild::Plan(packed(&plan)?)).map_err(|e| e.to_string())?;
        *known = plan.version();
        child.send(frame);
        Ok(())
    }
}

/// Without their input they stop. Those that do not are killed, as far as this user may.
fn end_all(slots: Vec<Arc<Slot>>) {
    // One that is being started is not waited for: it finds its input closed.
    end_children(slots.iter().filter_map(|slot| slot.child.try_lock().ok()?.clone()).collect());
}

fn end_children(mut left: Vec<Arc<Child>>) {
    let deadline = Instant::now() + LAST_WAIT;
    loop {
        left.retain(|child| !child.has_ended());
        if left.is_empty() {
            return;
        }
        if Instant::now() >= deadline {
            break;
        }
        std::thread::sleep(TICK);
    }
    for child in left {
        let _ = locked(&child.process).kill();
        // Whoever cannot be killed is not waited for.
        child.has_ended();
    }
}

fn gone(wanted: &Further, words: &str) -> Fault {
    let words = match words.trim() {
        "" => String::new(),
        words => format!(" ({words})"),
    };
    let which = match &wanted.user {
        Some(become_user) => format!("the runner that had become {}", become_user.user),
        None => "the rare part of the runner".to_owned(),
    };
    Fault { kind: FaultKind::Become, message: format!("{which} ended{words}"), help: None }
}

/// Listens to one further runner.
struct Relay {
    children: Arc<Children>,
    child: Arc<Child>,
    wanted: Further,
}

impl Relay {
    fn listen(self, first: &[u8], said: &Receiver<Said>) {
        let mut decoder = Decoder::new();
        decoder.push(first);
        let mut words: Vec<u8> = Vec::new();
        loop {
            loop {
                match decoder.next::<FromChild>() {
                    Ok(Some(message)) => self.heard(message),
                    Ok(None) => break,
                    Err(e) => return self.end(&e.to_string()),
                }
            }
            match said.recv() {
                Ok(Said::Out(bytes)) => decoder.push(&bytes),
                Ok(Said::Err(bytes)) => {
                    words.extend_from_slice(&bytes);
                    let surplus = words.len().saturating_sub(4096);
                    words.drain(..surplus);
                }
                Ok(Said::Terminal(_)) => {}
                Ok(Said::End) | Err(_) => return self.end(&String::from_utf8_lossy(&words)),
            }
        }
    }

    fn heard(&self, message: FromChild) {
        let message = match message {
            FromChild::Plan(plan) => {
                if let Ok(plan) = postcard::from_bytes::<shevek_kit::Plan>(&plan) {
                    *locked(&self.child.plan) = plan.version();
                    self.children.overlay.set_plan(plan);
                }
                return;
            }
            FromChild::Message(message) => message,
        };
        let mut routes = locked(&self.children.routes);
        match &message {
            Up::Hello(_) => return,
            Up::Done { batch } | Up::Fault { batch: Some(batch), .. } => {
                routes.batches.remove(batch);
            }
            Up::Need { blob, .. } | Up::NeedSum { blob } => {
                routes.blobs.insert(*blob, self.child.clone());
            }
            Up::Chunk { stream, last: false, .. } => {
                routes.streams.insert(*stream, self.child.clone());
            }
            Up::Chunk { stream, .. } => {
                routes.streams.remove(stream);
            }
            _ => {}
        }
        drop(routes);
        self.children.outlet.say(message);
    }

    /// It has ended: what it was doing will not be done.
    fn end(&self, words: &str) {
        *locked(&self.child.ended) = true;
        *locked(&self.child.stdin) = None;
        let mut routes = locked(&self.children.routes);
        let mine = |child: &Arc<Child>| Arc::ptr_eq(child, &self.child);
        let lost: Vec<u64> = routes.batches.iter().filter(|(_, c)| mine(c)).map(|(id, _)| *id).collect();
        for id in &lost {
            routes.batches.remove(id);
        }
        routes.blobs.retain(|_, c| !mine(c));
        routes.streams.retain(|_, c| !mine(c));
        drop(routes);
        for id in lost {
            self.children.outlet.say(Up::Fault { batch: Some(id), fault: gone(&self.wanted, words) });
        }
    }
}
