//! A TCP proxy whose behaviour a test changes while connections are open.
//!
//! Decides what can be asked of it and what it counts. `listen` accepts, `wire` carries the bytes.

mod counts;
mod listen;
mod wire;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc as channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use counts::Counts;

/// What the proxy does to connections, the open ones and those to come, until it is told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// Everything goes through, at once.
    Pass,
    /// Every byte arrives this much later, in both directions: the round trip grows by twice that.
    Delay(Duration),
    /// At most so many bytes a second, in each direction of each connection.
    Throttle(u32),
    /// Connections are accepted and nothing ever arrives, on the open ones neither. What was sent
    /// is kept, and goes through when the mode changes.
    BlackHole,
    /// New connections are accepted and reset at once; open ones go on.
    Reset,
    /// The port is closed: new connections are refused by the kernel, and not counted. Open ones go
    /// on.
    Refuse,
    /// Each connection is cut when the server has sent so many more bytes through it.
    CutAfter(u64, End),
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// RST: as of a machine that has forgotten the connection.
    Reset,
    /// FIN: as of a process that has ended.
    Finish,
}

/// What the connections go by.
#[derive(Clone, Copy, Debug)]
struct State {
    mode: Mode,
    /// Grows when the mode is set, and when all are cut.
    version: u64,
    /// Connections made up to this version are to be cut, and how.
    cut: Option<(u64, End)>,
}

struct Shared {
    target: SocketAddr,
    state: watch::Sender<State>,
    counts: Counts,
}

enum Order {
    Set(Mode),
    CutAll(End),
}

/// An order, and who waits for it to be carried out.
type Ordered = (Order, channel::SyncSender<io::Result<()>>);

/// A proxy in front of one server, on a thread of its own. Dropping it ends every connection.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
/// use std::net::{TcpListener, TcpStream};
/// use nebula_resource_fault_proxy::{End, Proxy};
///
/// # fn main() -> std::io::Result<()> {
/// let server = TcpListener::bind("127.0.0.1:0")?;
/// let proxy = Proxy::to(server.local_addr()?)?;
///
/// let mut client = TcpStream::connect(proxy.address())?;
/// client.write_all(b"hello")?;
/// let (mut served, _) = server.accept()?;
/// let mut heard = [0; 5];
/// served.read_exact(&mut heard)?;
/// assert_eq!(&heard, b"hello");
///
/// proxy.cut_all(End::Reset)?;
/// assert!(client.read(&mut heard).is_err());
/// assert_eq!(proxy.attempts(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// `None` once it is being dropped, which ends the thread.
    orders: Option<mpsc::UnboundedSender<Ordered>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// A proxy to `target` on a free port of this machine, letting everything through.
    ///
    /// # Errors
    ///
    /// When there is no port to listen on, or no thread to be had.
    pub fn to(target: SocketAddr) -> io::Result<Self> {
        let listener = crate::ports::take(std::net::TcpListener::bind)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let state = State {
            mode: Mode::Pass,
            version: 0,
            cut: None,
        };
        let shared = Arc::new(Shared {
            target,
            state: watch::Sender::new(state),
            counts: Counts::default(),
        });
        let (orders, received) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let served = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("fault-proxy".into())
            .spawn(move || runtime.block_on(listen::run(listener, received, served)))?;
        Ok(Self {
            address,
            shared,
            orders: Some(orders),
            thread: Some(thread),
        })
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Changes the mode; in force when this returns.
    ///
    /// # Errors
    ///
    /// When the port was closed ([`Mode::Refuse`]) and somebody else has taken it.
    pub fn set(&self, mode: Mode) -> io::Result<()> {
        self.order(Order::Set(mode))
    }

    /// Cuts every connection that is open now.
    ///
    /// # Errors
    ///
    /// When the proxy's thread has died.
    pub fn cut_all(&self, end: End) -> io::Result<()> {
        self.order(Order::CutAll(end))
    }

    /// Connections that were attempted so far.
    pub fn attempts(&self) -> u64 {
        self.shared.counts.attempts()
    }

    /// Attempts under way: accepted, and the server has not answered a byte yet.
    pub fn attempting(&self) -> usize {
        self.shared.counts.attempting()
    }

    /// The most attempts that were under way at once since [`forget_peak`](Self::forget_peak).
    pub fn peak(&self) -> usize {
        self.shared.counts.peak()
    }

    /// Starts looking for the peak anew.
    pub fn forget_peak(&self) {
        self.shared.counts.forget_peak();
    }

    /// Connections that are open, attempts included.
    pub fn live(&self) -> usize {
        self.shared.counts.live()
    }

    fn order(&self, order: Order) -> io::Result<()> {
        let (done, answer) = channel::sync_channel(1);
        let gone = || io::Error::other("the proxy's thread is gone");
        let orders = self.orders.as_ref().ok_or_else(gone)?;
        orders.send((order, done)).map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())?
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // Its panic has been printed, and a test that panics already shows no second one.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("target", &self.target)
            .field("state", &*self.state.borrow())
            .field("counts", &self.counts)
            .finish()
    }
}
