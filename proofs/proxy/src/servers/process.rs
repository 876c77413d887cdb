//! Finding processes and sending them signals, by the tools every Linux has.
//!
//! Decides nothing. Knows nothing of servers.

use std::io;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A command that runs `program` as `user` if there is one to become, and that is killed when the
/// thread that starts it ends.
pub(super) fn tied(program: &str, user: Option<&str>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    if let Some(user) = user {
        let (user, group) = (format!("--reuid={user}"), format!("--regid={user}"));
        command.args([&user, &group, "--init-groups"]);
    }
    command.arg(program);
    command
}

/// What a command prints, trimmed.
pub(super) fn output(command: &mut Command) -> io::Result<String> {
    let output = command.output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim();
        return Err(io::Error::other(format!("{command:?}: {said}")));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The processes that `pid` has started and that still run.
pub(super) fn children(pid: u32) -> Vec<u32> {
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let list = list.unwrap_or_default();
    list.split_whitespace()
        .filter_map(|child| child.parse().ok())
        .collect()
}

/// Those that are gone already are passed over.
pub(super) fn signal(name: &str, pids: &[u32]) {
    if pids.is_empty() {
        return;
    }
    let list: Vec<String> = pids.iter().map(u32::to_string).collect();
    let order = format!("kill -{name} {} 2>/dev/null", list.join(" "));
    let _ = Command::new("sh").args(["-c", &order]).status();
}

/// Stops a process, and waits until it stands still.
pub(super) fn stop(pid: u32, patience: Duration) -> io::Result<()> {
    signal("STOP", &[pid]);
    let until = Instant::now() + patience;
    while !is_stopped(pid) {
        if Instant::now() > until {
            return Err(io::Error::other(format!("process {pid} does not stop")));
        }
        sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Or gone.
fn is_stopped(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| {
        // "12 (a name) T …": the name may hold anything, brackets included.
        let state = stat.rsplit(") ").next().unwrap_or_default();
        !state.starts_with(['R', 'S', 'D'])
    })
}
