//! Running cases: each in a process of its own, so that one that hangs, dead-locks or aborts has
//! failed, and the league goes on.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::contender::Entrant;
use crate::rows::Row;
use crate::verdict::Outcome;
use crate::world::World;

/// One row, asked of one pool.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) row: &'static Row,
    pub(crate) entrant: &'static dyn Entrant,
}

/// What came of it.
pub(crate) struct Played {
    pub(crate) case: Case,
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
}

/// Plays this case in this process, says what came of it on standard output, and ends the process:
/// threads and tasks that hang are not waited for.
pub(crate) fn play_here(case: Case) -> ! {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on((case.row.run)(World(case.entrant))).into(),
        Err(error) => Outcome::failed(format!("no runtime: {error}")),
    };
    match serde_json::to_string(&outcome) {
        Ok(text) => println!("{text}"),
        Err(error) => eprintln!("{error}"),
    }
    std::process::exit(0)
}

/// Plays all cases, so many at a time, then one by one those that want to be alone; answers in the
/// order of `cases`.
pub(crate) fn play(cases: &[Case], jobs: usize, limit: Duration) -> Vec<Played> {
    let bar = ProgressBar::new(cases.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{pos}/{len} {elapsed} {wide_msg}") {
        bar.set_style(style);
    }
    let numbered = cases.iter().enumerate();
    let (alone, together): (Vec<_>, Vec<_>) =
        numbered.partition(|(_, case)| case.row.is_played_alone());
    let mut played = play_some(&together, jobs, limit, &bar);
    played.extend(play_some(&alone, 1, limit, &bar));
    bar.finish_and_clear();
    played.sort_by_key(|(number, _)| *number);
    played.into_iter().map(|(_, played)| played).collect()
}

fn play_some(
    cases: &[(usize, &Case)],
    jobs: usize,
    limit: Duration,
    bar: &ProgressBar,
) -> Vec<(usize, Played)> {
    let next = Mutex::new(cases.iter());
    let played = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let taken = next.lock().ok().and_then(|mut next| next.next());
                    let Some((number, case)) = taken else { return };
                    bar.set_message(format!("{} {}", case.row.id, case.entrant.name()));
                    let result = play_apart(**case, limit);
                    bar.inc(1);
                    if let Ok(mut played) = played.lock() {
                        played.push((*number, result));
                    }
                }
            });
        }
    });
    played.into_inner().unwrap_or_default()
}

fn play_apart(case: Case, limit: Duration) -> Played {
    let begun = Instant::now();
    let outcome = start(case)
        .and_then(|child| watch(child, limit))
        .unwrap_or_else(|error| Outcome::failed(format!("its process: {error}")));
    Played {
        case,
        outcome,
        took: begun.elapsed(),
    }
}

fn start(case: Case) -> std::io::Result<Child> {
    Command::new(std::env::current_exe()?)
        .args(["--case", case.row.id, "--contenders", case.entrant.name()])
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
}

/// Waits for the case's end, or brings it about.
fn watch(mut child: Child, limit: Duration) -> std::io::Result<Outcome> {
    let begun = Instant::now();
    let ended = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if begun.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            break None;
        }
        thread::sleep(Duration::from_millis(5));
    };
    let mut text = String::new();
    // Of one that was ended by force, something may still hold the other end.
    if let (Some(_), Some(mut out)) = (ended, child.stdout.take()) {
        out.read_to_string(&mut text)?;
    }
    Ok(judge(ended, &text, limit))
}

/// What to think of a process that ended so (`None`: it did not), and said this.
fn judge(ended: Option<ExitStatus>, said: &str, limit: Duration) -> Outcome {
    let Some(status) = ended else {
        let seconds = limit.as_secs();
        return Outcome::failed(format!("hung: ended by force after {seconds} s"));
    };
    serde_json::from_str(said)
        .unwrap_or_else(|_| Outcome::failed(format!("its process died: {status}")))
}

// They need a shell.
#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::verdict::Ended;

    fn child(script: &str) -> Child {
        Command::new("sh")
            .args(["-c", script])
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell")
    }

    #[test]
    fn a_case_that_hangs_has_failed() {
        let outcome = watch(child("exec sleep 60"), Duration::from_millis(50)).expect("a child");
        assert_eq!(outcome.ended, Ended::Failed);
        assert!(outcome.why.is_some_and(|why| why.starts_with("hung")));
    }

    #[test]
    fn a_case_that_dies_has_failed() {
        let outcome = watch(child("kill -ABRT $$"), Duration::from_secs(20)).expect("a child");
        assert_eq!(outcome.ended, Ended::Failed);
        assert!(outcome.why.is_some_and(|why| why.contains("died")));
    }

    #[test]
    fn a_case_that_ends_is_believed() {
        let script = r#"echo '{"ended":"not_applicable","why":"no close"}'"#;
        let outcome = watch(child(script), Duration::from_secs(20)).expect("a child");
        assert_eq!(outcome.ended, Ended::NotApplicable);
        assert_eq!(outcome.why.as_deref(), Some("no close"));
    }
}
