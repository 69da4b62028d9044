//! The host that an action works on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use shevek_connection::{
    Blobs, ConnectError, Connection, Fetched, Phase, RawCommand, RawOutput, Running as InFlight, Target,
};
use shevek_proto::{Batch, Become, Call, Item, Job, Mode, Val};
use shevek_value::{Map, Value};

use crate::pool::{Pool, Wanted, key};
use crate::{Lane, Outcome};

/// A host with the settings of one task: as whom, in which environment, in which mode.
#[derive(Debug, Clone)]
pub struct Host {
    /// The connections.
    pub pool: Arc<Pool>,
    /// The way there.
    pub target: Arc<Target>,
    /// Whom to become.
    pub become_user: Option<Become>,
    /// `environment` of the task.
    pub environment: Vec<(String, String)>,
    /// Check and diff mode.
    pub mode: Mode,
    /// Seconds that a call may take.
    pub timeout: Option<u32>,
    /// When all calls of an action must be done: they share the task's time.
    pub deadline: Option<Instant>,
    /// How often it is tried again when it does not answer.
    pub retries: u32,
    /// Its modules are to go on by themselves.
    pub job: Option<Job>,
    /// Where its first calls wait for others, to be sent with them.
    pub lane: Option<Lane>,
    /// The connection that its last batch went over: only that one has the content that a result names.
    pub last: Arc<Mutex<Option<Connection>>>,
}

/// A module with its arguments, ready for the wire.
pub type Request = (String, Vec<(String, Val)>);

impl Host {
    /// Runs a module and gives its outcome; a host that is lost and a become that fails are outcomes too.
    pub async fn module(&self, name: &str, args: &Map) -> shevek_diag::Result<Outcome> {
        let args = crate::wire::entries(args)?;
        Ok(self.request((name.to_owned(), args), Blobs::new()).await)
    }

    /// Runs one request.
    pub async fn request(&self, request: Request, blobs: Blobs) -> Outcome {
        let mut outcomes = self.batch(vec![request], blobs, |_, _| {}).await;
        outcomes.pop().unwrap_or_else(|| Outcome::failure("the host gave no result"))
    }

    /// Runs requests in order in one round trip; all of them run, whatever comes of the ones before. `on_item` hears
    /// of each as it is done.
    pub async fn batch(
        &self,
        requests: Vec<Request>,
        blobs: Blobs,
        on_item: impl FnMut(usize, &Outcome) + Send,
    ) -> Vec<Outcome> {
        let calls = requests.into_iter().map(|(module, args)| self.call(module, args)).collect();
        self.send(calls, blobs, on_item).await
    }

    /// The same for calls, which have their tasks' settings with them.
    pub async fn send(
        &self,
        calls: Vec<Call>,
        blobs: Blobs,
        mut on_item: impl FnMut(usize, &Outcome) + Send,
    ) -> Vec<Outcome> {
        let count = calls.len();
        let mut places = Places::of(count);
        // No facts are facts, too: whoever asks for some that are not there gets an empty mapping.
        let gather: Vec<bool> = calls.iter().map(|call| call.module == "setup").collect();
        let mut heard = |index: usize, mut outcome: Outcome| {
            if gather.get(index).is_some_and(|gathers| *gathers) && !outcome.failed && !outcome.unreachable {
                outcome = outcome.with("ansible_facts", Value::map(Map::default()));
            }
            if let Some(outcome) = places.put(index, outcome) {
                on_item(index, outcome);
            }
        };
        let waiting = match &self.lane {
            Some(lane) => lane.ask(self, calls, blobs),
            None => Err((calls, blobs)),
        };
        let result = match waiting {
            Ok(mut answers) => {
                for _ in 0..count {
                    let Some((index, outcome)) = answers.recv().await else { break };
                    heard(index, outcome);
                }
                Ok(())
            }
            Err((calls, blobs)) => match self.limit(count) {
                None => self.run(calls, blobs, heard).await,
                Some((seconds, limit)) => {
                    match tokio::time::timeout(limit, self.run(calls, blobs, heard)).await {
                        Ok(result) => result,
                        Err(_) => {
                            self.pool.forget(&self.target);
                            return places.filled(|| out_of_time(seconds));
                        }
                    }
                }
            },
        };
        let Err(error) = result else { return places.filled(|| Outcome::failure("the host gave no result")) };
        self.gave_up(&error).await;
        // What did not come to its end did so for the same reason.
        places.filled(|| failed_connection(&error))
    }

    async fn run(
        &self,
        calls: Vec<Call>,
        blobs: Blobs,
        mut heard: impl FnMut(usize, Outcome),
    ) -> Result<(), ConnectError> {
        let mut running = self.start(calls, Vec::new(), blobs).await?;
        while let Some(item) = running.next().await {
            let Item { index, outcome, .. } = item?;
            heard(index as usize, outcome.into());
        }
        Ok(())
    }

    /// Starts a batch of one task, or of those of which `task_ends` tells the ends.
    pub(crate) async fn start(
        &self,
        calls: Vec<Call>,
        task_ends: Vec<u32>,
        blobs: Blobs,
    ) -> Result<InFlight, ConnectError> {
        let batch = Batch { id: 0, become_user: self.become_user.clone(), calls, task_ends };
        let connection = self.pool.open(&self.target, self.retries, Wanted::Runner).await?;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection.clone());
        connection.start(batch, blobs).await
    }

    /// After an error, forgets a connection that is of no more use.
    pub(crate) async fn gave_up(&self, error: &ConnectError) {
        if matches!(error, ConnectError::Unreachable(_)) {
            self.pool.reset(&self.target).await;
        }
    }

    /// Forgets the connection, but leaves it to those who are using it.
    pub(crate) fn forget(&self) {
        self.pool.forget(&self.target);
    }

    /// Whether another one is the same place, worked at as the same user.
    pub fn same_way(&self, other: &Self) -> bool {
        self.become_user == other.become_user
            && (Arc::ptr_eq(&self.target, &other.target) || key(&self.target) == key(&other.target))
    }

    /// The task's time begins now, for all calls together.
    pub fn begin(&mut self) {
        self.deadline = self.timeout.map(|seconds| Instant::now() + Duration::from_secs(u64::from(seconds)));
    }

    /// The time in which so many calls that begin now must be heard of, and the seconds that each has: the host ends it in
    /// time, or else is not heard of any more. A runner that does not keep to its time may not come back.
    pub(crate) fn limit(&self, calls: usize) -> Option<(u32, Duration)> {
        let seconds = self.seconds()?;
        let calls = u32::try_from(calls).unwrap_or(u32::MAX);
        Some((seconds, Duration::from_secs(u64::from(seconds)).saturating_mul(calls) + GRACE))
    }

    /// Seconds that a call may take that begins now.
    fn seconds(&self) -> Option<u32> {
        let Some(deadline) = self.deadline else { return self.timeout };
        let left = deadline.saturating_duration_since(Instant::now()).as_secs_f64().ceil();
        Some((left as u32).max(1))
    }

    fn call(&self, module: String, args: Vec<(String, Val)>) -> Call {
        Call {
            module,
            args,
            mode: self.mode,
            environment: self.environment.clone(),
            timeout: self.seconds(),
            job: self.job.clone(),
        }
    }

    /// Runs a command line with the login user's shell, without a runner.
    pub async fn raw(&self, command: RawCommand) -> Result<RawOutput, ConnectError> {
        self.pool.open(&self.target, self.retries, Wanted::Shell).await?.raw(command).await
    }

    /// Content that a result named by its stream.
    pub async fn fetched(&self, stream: u64) -> Result<Fetched, ConnectError> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match last {
            Some(connection) => connection.fetched(stream).await,
            None => {
                Err(ConnectError::bug(&self.target.name, Phase::Run, "content was asked for before a result"))
            }
        }
    }

    /// Makes the connection anew at the next call.
    pub async fn reset(&self) {
        self.pool.reset(&self.target).await;
    }
}

/// How much longer than its time a call is waited for: the host's own word comes first, and leaves nothing running there.
const GRACE: Duration = Duration::from_secs(2);

/// What comes of a call that was not heard of in its time.
pub(crate) fn out_of_time(seconds: u32) -> Outcome {
    let period = shevek_value::Value::dict([("period", i64::from(seconds))]);
    Outcome::failure(format!("Task failed: Timed out after {seconds} second(s).")).with("timedout", period)
}

/// The outcomes of a batch, each at its call's place, whatever the order in which they come.
struct Places(Vec<Option<Outcome>>);

impl Places {
    fn of(count: usize) -> Self {
        Self(std::iter::repeat_with(|| None).take(count).collect())
    }

    /// Puts an outcome to its place, unless there is none, or it is taken.
    fn put(&mut self, index: usize, outcome: Outcome) -> Option<&Outcome> {
        match self.0.get_mut(index) {
            Some(place @ None) => Some(place.insert(outcome)),
            _ => None,
        }
    }

    fn filled(self, missing: impl Fn() -> Outcome) -> Vec<Outcome> {
        self.0.into_iter().map(|outcome| outcome.unwrap_or_else(&missing)).collect()
    }
}

/// The outcome of a call that a connection could not carry.
pub fn failed_connection(error: &ConnectError) -> Outcome {
    let trouble = error.trouble();
    let message = match &trouble.help {
        Some(help) => format!("{}: {} ({help})", trouble.phase, trouble.detail),
        None => format!("{}: {}", trouble.phase, trouble.detail),
    };
    let outcome = Outcome::failure(message);
    match error {
        ConnectError::Unreachable(_) => Outcome { unreachable: true, failed: false, ..outcome },
        _ => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calls_of_an_action_share_the_tasks_time() {
        let options = shevek_connection::OpenOptions::new(Arc::default());
        let mut host = Host {
            pool: Pool::new(options, usize::MAX),
            target: Arc::new(Target::local("web1")),
            become_user: None,
            environment: Vec::new(),
            mode: Mode::default(),
            timeout: Some(30),
            deadline: None,
            retries: 0,
            job: None,
            lane: None,
            last: Arc::default(),
        };
        assert_eq!(host.seconds(), Some(30));
        host.begin();
        assert_eq!(host.call("ping".into(), Vec::new()).timeout, Some(30));
        host.deadline = host.deadline.and_then(|at| at.checked_sub(Duration::from_millis(18_500)));
        assert_eq!(host.call("ping".into(), Vec::new()).timeout, Some(12));
        // The last one gets its chance too; the task itself is over by then.
        host.deadline = Some(Instant::now());
        assert_eq!(host.seconds(), Some(1));
        host.timeout = None;
        host.begin();
        assert_eq!(host.seconds(), None);
    }

    #[tokio::test]
    async fn content_is_asked_of_nobody_but_the_conversation_that_named_it() {
        let options = shevek_connection::OpenOptions::new(Arc::default());
        let host = Host {
            pool: Pool::new(options, usize::MAX),
            target: Arc::new(Target::local("web1")),
            become_user: None,
            environment: Vec::new(),
            mode: Mode::default(),
            timeout: None,
            deadline: None,
            retries: 0,
            job: None,
            lane: None,
            last: Arc::default(),
        };
        // Another connection would count its streams anew.
        assert!(matches!(host.fetched(1).await, Err(ConnectError::Bug(_))));
    }

    #[test]
    fn an_outcome_that_is_missing_does_not_move_the_others() {
        let mut places = Places::of(3);
        assert!(places.put(2, Outcome::failure("third")).is_some());
        assert!(places.put(0, Outcome::failure("first")).is_some());
        assert!(places.put(0, Outcome::ok()).is_none());
        assert!(places.put(3, Outcome::ok()).is_none());
        let outcomes = places.filled(|| Outcome::failure("the host gave no result"));
        let messages: Vec<String> = outcomes.iter().map(|outcome| outcome.body["msg"].text()).collect();
        assert_eq!(messages, ["first", "the host gave no result", "third"]);
    }
}
