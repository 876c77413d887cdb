//! Real servers of a test's own: each on a free port, in a directory of its own, ended with the test.
//!
//! Decides how they are hurt, and that none outlives its test. Knows nothing of what they serve; how
//! each kind is started is in `kind`, how one is found and signalled in `process`.
//!
//! For Linux, where the tests that need servers run.

mod kind;
mod process;

use std::io;
use std::net::SocketAddr;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use kind::Kind;

/// Far longer than a server takes to start, even after it was killed, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server of the test's own. Dropping it kills it and clears its directory.
///
/// It also ends with the thread that started it, so that it does not outlive a test that was killed:
/// start and restart it on the test's own thread.
///
/// # Examples
///
/// ```no_run
/// use nebula_resource_fault_proxy::Server;
///
/// # fn main() -> std::io::Result<()> {
/// let mut server = Server::redis()?;
/// println!("{}", server.url());
/// server.kill()?; // connections to it are refused from now on
/// server.start()?; // the same port
/// server.freeze()?; // connections to it hang
/// server.thaw()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Server {
    kind: Kind,
    address: SocketAddr,
    directory: TempDir,
    /// `None` while it is down.
    process: Option<Child>,
}

impl Server {
    /// A Redis server without anything on disk: what it holds is lost when it is killed.
    ///
    /// # Errors
    ///
    /// When there is none on this machine (`ci/install.sh redis`), or it does not start.
    pub fn redis() -> io::Result<Self> {
        Self::new(Kind::Redis)
    }

    /// A PostgreSQL server, with the superuser `postgres` and no password. What was committed
    /// survives [`kill`](Self::kill).
    ///
    /// # Errors
    ///
    /// When there is none on this machine (`ci/install.sh postgres`), or it does not start.
    pub fn postgres() -> io::Result<Self> {
        Self::new(Kind::Postgres)
    }

    fn new(kind: Kind) -> io::Result<Self> {
        let mut server = Self {
            directory: kind.prepare()?,
            address: crate::ports::free()?,
            kind,
            process: None,
        };
        server.start()?;
        Ok(server)
    }

    /// Where it listens, up or down.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, as the driver takes it.
    pub fn url(&self) -> String {
        self.url_at(self.address)
    }

    /// The URL that leads to it through a proxy at `address`.
    pub fn url_at(&self, address: SocketAddr) -> String {
        self.kind.url(address)
    }

    /// Starts it again on the same port, and waits until it serves. Does nothing if it is up.
    ///
    /// # Errors
    ///
    /// When it does not come up within half a minute.
    pub fn start(&mut self) -> io::Result<()> {
        let until = Instant::now() + PATIENCE;
        while self.process.is_none() {
            let child = self.kind.launch(self.directory.path(), self.address)?;
            if self.came_up(child, until)? {
                return Ok(());
            }
            // What remains of the one before may be in its way for a moment.
            sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Answers whether this process serves before it ends.
    fn came_up(&mut self, mut child: Child, until: Instant) -> io::Result<bool> {
        while child.try_wait()?.is_none() {
            if self
                .kind
                .serves(self.directory.path(), self.address, child.id())
            {
                self.process = Some(child);
                return Ok(true);
            }
            if Instant::now() > until {
                self.process = Some(child); // for `drop`
                return Err(self.failure());
            }
            sleep(Duration::from_millis(2));
        }
        if Instant::now() > until {
            return Err(self.failure());
        }
        Ok(false)
    }

    fn failure(&self) -> io::Error {
        let log = std::fs::read_to_string(self.directory.path().join(kind::LOG));
        let log = log.unwrap_or_else(|error| error.to_string());
        io::Error::other(format!("{:?} does not start: {log}", self.kind))
    }

    /// SIGKILL, and waits until it is gone. What it held open is closed by the kernel.
    ///
    /// # Errors
    ///
    /// When it cannot be signalled.
    pub fn kill(&mut self) -> io::Result<()> {
        if let Some(mut child) = self.process.take() {
            let helpers = process::children(child.id());
            child.kill()?;
            child.wait()?;
            // PostgreSQL's look after themselves when they find their parent gone, unless they are
            // frozen.
            process::signal("CONT", &helpers);
            process::signal("KILL", &helpers);
        }
        Ok(())
    }

    /// [`kill`](Self::kill), then [`start`](Self::start).
    ///
    /// # Errors
    ///
    /// As those.
    pub fn restart(&mut self) -> io::Result<()> {
        self.kill()?;
        self.start()
    }

    /// SIGSTOP to all its processes: the kernel goes on accepting connections, nobody answers.
    ///
    /// # Errors
    ///
    /// When it is down, or has not stopped within half a minute.
    pub fn freeze(&self) -> io::Result<()> {
        let pid = self.pid()?;
        // The first one first, so that it makes no more of them.
        process::stop(pid, PATIENCE)?;
        for child in process::children(pid) {
            process::stop(child, PATIENCE)?;
        }
        Ok(())
    }

    /// SIGCONT to all its processes.
    ///
    /// # Errors
    ///
    /// When it is down.
    pub fn thaw(&self) -> io::Result<()> {
        let pid = self.pid()?;
        let mut all = process::children(pid);
        all.push(pid);
        process::signal("CONT", &all);
        Ok(())
    }

    fn pid(&self) -> io::Result<u32> {
        let child = self.process.as_ref();
        child
            .map(Child::id)
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the server is down"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing to be done about it in a drop; the process ends with its parent at the latest.
        let _ = self.kill();
    }
}
