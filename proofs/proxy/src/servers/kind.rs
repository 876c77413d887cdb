//! What there is to know about each kind of server: how it is made, started, and asked whether it serves.
//!
//! Decides their settings. Knows nothing of faults.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::process::{output, tied};

/// Where a server's output goes, in its directory.
pub(super) const LOG: &str = "log";

/// Where its data is, in its directory.
const DATA: &str = "data";

/// Whom PostgreSQL runs as where we are root, since it refuses to run as root.
const POSTGRES_USER: &str = "postgres";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Redis,
    Postgres,
}

impl Kind {
    pub(super) fn url(self, address: SocketAddr) -> String {
        match self {
            Self::Redis => format!("redis://{address}/0"),
            Self::Postgres => format!("postgres://postgres@{address}/postgres"),
        }
    }

    /// Makes the server's directory. Under /tmp, because its user may not get into ours.
    pub(super) fn prepare(self) -> io::Result<TempDir> {
        let directory = tempfile::Builder::new()
            .prefix("nebula-fault.")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .tempdir_in("/tmp")?;
        let data = directory.path().join(DATA);
        std::fs::create_dir(&data)?;
        if self == Self::Postgres {
            if let Some((user, group)) = ids_of(become_user())? {
                chown(&data, Some(user), Some(group))?;
            }
            init_database(&data)?;
        }
        Ok(directory)
    }

    /// Starts it; it does not serve yet.
    pub(super) fn launch(self, directory: &Path, address: SocketAddr) -> io::Result<Child> {
        let (data, port) = (directory.join(DATA), address.port().to_string());
        let log = File::options()
            .create(true)
            .append(true)
            .open(directory.join(LOG))?;
        let mut command = match self {
            Self::Redis => tied(&find("redis.sh")?, None),
            Self::Postgres => tied(&(find("postgres.sh")? + "/postgres"), become_user()),
        };
        match self {
            Self::Redis => command
                .args(["--port", &port, "--bind", "127.0.0.1"])
                .args(["--save", "", "--appendonly", "no", "--dir"])
                .arg(&data),
            Self::Postgres => command.arg("-D").arg(&data).args(["-p", &port]).args([
                "-clisten_addresses=127.0.0.1",
                "-cunix_socket_directories=",
                "-cfsync=off",
                "-cmax_connections=200",
            ]),
        };
        command
            .current_dir(&data)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
    }

    /// Whether the process `pid` answers there, and not somebody else.
    pub(super) fn serves(self, directory: &Path, address: SocketAddr, pid: u32) -> bool {
        match self {
            Self::Redis => redis_pid(address).is_ok_and(|found| found == pid),
            Self::Postgres => postgres_is_ready(directory, pid),
        }
    }
}

/// `None` where we are somebody ourselves.
fn become_user() -> Option<&'static str> {
    let me = output(Command::new("id").arg("-u"));
    me.is_ok_and(|me| me == "0").then_some(POSTGRES_USER)
}

fn ids_of(user: Option<&str>) -> io::Result<Option<(u32, u32)>> {
    let Some(user) = user else { return Ok(None) };
    let id = |which| {
        let id = output(Command::new("id").args([which, user]))?;
        id.parse().map_err(io::Error::other)
    };
    Ok(Some((id("-u")?, id("-g")?)))
}

/// Where the server of this script is; it knows the places.
fn find(script: &str) -> io::Result<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../ci")
        .join(script);
    output(Command::new(script).arg("find"))
}

fn init_database(data: &Path) -> io::Result<()> {
    let mut command = tied(&(find("postgres.sh")? + "/initdb"), become_user());
    command.arg("-D").arg(data).current_dir(data).args([
        "--auth=trust",
        "--username=postgres",
        "--encoding=UTF8",
        "--locale=C",
        "--no-sync",
    ]);
    output(&mut command).map(drop)
}

/// The process behind a Redis server's port, by its own words.
fn redis_pid(address: SocketAddr) -> io::Result<u32> {
    let patience = Duration::from_secs(1);
    let mut server = TcpStream::connect_timeout(&address, patience)?;
    server.set_read_timeout(Some(patience))?;
    server.write_all(b"INFO server\r\nQUIT\r\n")?;
    let mut answer = String::new();
    server.read_to_string(&mut answer)?;
    let pid = answer
        .lines()
        .find_map(|line| line.strip_prefix("process_id:"));
    pid.and_then(|pid| pid.trim().parse().ok())
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}

/// By what it writes of itself: its pid in the first line, its state in the eighth.
fn postgres_is_ready(directory: &Path, pid: u32) -> bool {
    let file = directory.join(DATA).join("postmaster.pid");
    let file = std::fs::read_to_string(file).unwrap_or_default();
    let mut lines = file.lines().map(str::trim);
    lines.next() == Some(&pid.to_string()) && lines.nth(6) == Some("ready")
}
