//! Jobs: modules that go on when the conversation is over (`async`). Each is a process of its own, in a session of its
//! own; what becomes of it stands in a file, as Ansible has it, which the module `async_status` reads.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shevek_kit::drive::Ground;
use shevek_kit::{Overlay, Probe, Real, json};
use shevek_modules::Modules;
use shevek_proto::{Call, Decoder, Job, Outcome, Val, encode};

/// How long a module may take to come to its end once its time is over.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// What a job's process is told.
#[derive(Serialize, Deserialize)]
struct Order {
    call: Call,
    id: String,
    file: PathBuf,
    seconds: u32,
}

/// Starts a job; the outcome says where to ask for it.
pub fn start(call: &Call, job: &Job, real: &Arc<Real>) -> Outcome {
    let probe = Probe::new(real.clone(), Arc::default());
    let folder = PathBuf::from(probe.expand(&job.folder));
    match launch(call, job, &folder) {
        Ok((id, file)) => Outcome::ok()
            .changed_if(true)
            .with("started", true)
            .with("finished", false)
            .with("ansible_job_id", id)
            .with("results_file", file.display().to_string()),
        Err(error) => Outcome::failure(format!("could not start a job: {error}")),
    }
}

fn launch(call: &Call, job: &Job, folder: &Path) -> io::Result<(String, PathBuf)> {
    make_folder(folder).map_err(|error| {
        io::Error::new(error.kind(), format!("could not create directory: {}: {error}", folder.display()))
    })?;
    // The file of this program may be gone already; the kernel still has it.
    let mut process = Command::new("/proc/self/exe")
        .arg("--job")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .current_dir("/")
        .spawn()?;
    let id = format!("{}.{}", job.id, process.id());
    let file = folder.join(&id);
    let call = Call { job: None, ..call.clone() };
    let order = Order { call, id: id.clone(), file: file.clone(), seconds: job.seconds };
    let frame = encode(&order).map_err(io::Error::other)?;
    let said = process.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(&frame));
    let mut answer = String::new();
    if let Some(stdout) = process.stdout.take() {
        BufReader::new(stdout).read_line(&mut answer)?;
    }
    // Whoever outlives the other must not leave it a zombie.
    std::thread::spawn(move || process.wait());
    said?;
    match answer.trim() {
        "started" => Ok((id, file)),
        "" => Err(io::Error::other("the job ended before it began")),
        complaint => Err(io::Error::other(complaint.to_owned())),
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The job's process.
pub fn work(modules: Modules) -> ExitCode {
    let mut out = io::stdout();
    let order = match begin() {
        Ok(order) => order,
        Err(error) => {
            let _ = writeln!(out, "{error}");
            return ExitCode::FAILURE;
        }
    };
    let _ = writeln!(out, "started").and_then(|()| out.flush());
    let result = run(&order, modules);
    match write(&order.file, &result) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Leaves the session that started it, and says so in its file.
fn begin() -> io::Result<Order> {
    rustix::process::setsid()?;
    let mut frame = Vec::new();
    io::stdin().read_to_end(&mut frame)?;
    let mut decoder = Decoder::new();
    decoder.push(&frame);
    let order: Order =
        decoder.next().map_err(io::Error::other)?.ok_or_else(|| io::Error::other("no order came"))?;
    let state = vec![
        ("started".to_owned(), Val::Bool(true)),
        ("finished".to_owned(), Val::Bool(false)),
        ("ansible_job_id".to_owned(), Val::from(order.id.as_str())),
    ];
    write(&order.file, &Val::Map(state))?;
    Ok(order)
}

/// Readers see the old content or the new, never half of it.
fn write(file: &Path, content: &Val) -> io::Result<()> {
    let mut name = file.as_os_str().to_owned();
    name.push(".tmp");
    let staged = PathBuf::from(name);
    {
        use std::os::unix::fs::OpenOptionsExt;
        let mut options = std::fs::File::options();
        // The folder may be one that others write to: what stands there by that name is not followed, nor filled.
        let _ = std::fs::remove_file(&staged);
        options.write(true).create_new(true).mode(0o600);
        options.open(&staged)?.write_all(json::write(content).as_bytes())?;
    }
    std::fs::rename(staged, file)
}

fn run(order: &Order, modules: Modules) -> Val {
    let real = Arc::new(Real::new());
    let interrupt = real.interrupt();
    let call = order.call.clone();
    let (done, heard) = channel();
    std::thread::spawn(move || {
        let ground =
            if call.mode.check { Ground::Planned(Arc::new(Overlay::over(real))) } else { Ground::Real(real) };
        let around = shevek_kit::Call {
            environment: call.environment,
            diff: call.mode.diff,
            ..shevek_kit::Call::default()
        };
        let outcome = modules.find(&call.module).map_or_else(
            || Outcome::failure(format!("the runner has no module {}", call.module)),
            |module| module.entry.run(call.args, &ground, &Arc::new(around)),
        );
        let _ = done.send(outcome);
    });
    match heard.recv_timeout(Duration::from_secs(u64::from(order.seconds))) {
        Ok(outcome) => told(outcome),
        Err(_) => {
            interrupt.store(true, Ordering::Relaxed);
            // What it started is being killed; what it has to say about that is of no interest.
            let _ = heard.recv_timeout(LAST_WAIT);
            let mut late = Outcome::failure("Timeout exceeded");
            late.set("child_pid", i64::from(std::process::id()));
            told(late)
        }
    }
}

/// An outcome as modules of Ansible print theirs.
fn told(outcome: Outcome) -> Val {
    let mut all = outcome.result;
    let mut put = |key: &str, value: Val| all.push((key.to_owned(), value));
    put("changed", Val::Bool(outcome.changed));
    put("failed", Val::Bool(outcome.failed));
    if outcome.skipped {
        put("skipped", Val::Bool(true));
    }
    if !outcome.warnings.is_empty() {
        put("warnings", Val::from(outcome.warnings));
    }
    if !outcome.facts.is_empty() {
        put("ansible_facts", Val::Map(outcome.facts));
    }
    Val::Map(all)
}
