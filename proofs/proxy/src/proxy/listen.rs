//! The door: accepts connections, and carries out orders in between.
//!
//! Decides when the port is open. Knows nothing of bytes.

use std::future::{pending, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use super::{Mode, Order, Ordered, Shared, wire};

/// How long to wait for a port that was ours: it may have been somebody's for a moment.
const PATIENCE: Duration = Duration::from_secs(5);

/// Until the handle is dropped.
pub(super) async fn run(
    listener: std::net::TcpListener,
    mut orders: mpsc::UnboundedReceiver<Ordered>,
    shared: Arc<Shared>,
) {
    let Ok(mut door) = Door::new(listener) else {
        return; // the first order finds nobody
    };
    loop {
        tokio::select! {
            client = door.accept() => serve(client, &shared),
            ordered = orders.recv() => match ordered {
                Some((order, done)) => {
                    // An order is about all that connected before it, accepted or not.
                    for client in door.accept_waiting().await {
                        serve(client, &shared);
                    }
                    let outcome = carry_out(order, &mut door, &shared).await;
                    // Nobody waits for it any more: then nobody needs to know.
                    let _ = done.send(outcome);
                }
                None => return,
            },
        }
    }
}

fn serve(client: TcpStream, shared: &Arc<Shared>) {
    let born = shared.state.borrow().version;
    tokio::spawn(wire::serve(client, born, Arc::clone(shared)));
}

async fn carry_out(order: Order, door: &mut Door, shared: &Shared) -> io::Result<()> {
    match order {
        Order::Set(mode) => {
            if mode == Mode::Refuse {
                door.close();
            } else {
                door.open().await?;
            }
            shared.state.send_modify(|state| {
                state.version += 1;
                state.mode = mode;
            });
        }
        Order::CutAll(end) => shared.state.send_modify(|state| {
            state.cut = Some((state.version, end));
            state.version += 1;
        }),
    }
    Ok(())
}

struct Door {
    address: SocketAddr,
    listener: Option<TcpListener>,
}

impl Door {
    fn new(listener: std::net::TcpListener) -> io::Result<Self> {
        Ok(Self {
            address: listener.local_addr()?,
            listener: Some(TcpListener::from_std(listener)?),
        })
    }

    fn close(&mut self) {
        self.listener = None;
    }

    async fn open(&mut self) -> io::Result<()> {
        let until = Instant::now() + PATIENCE;
        while self.listener.is_none() {
            match listen(self.address) {
                Ok(listener) => self.listener = Some(listener),
                Err(error) if Instant::now() > until => return Err(error),
                Err(_) => sleep(Duration::from_millis(10)).await,
            }
        }
        Ok(())
    }

    /// Whoever has connected and was not accepted yet.
    async fn accept_waiting(&self) -> Vec<TcpStream> {
        let mut waiting = Vec::new();
        yield_now().await; // the runtime learns of them between two turns
        if let Some(listener) = &self.listener {
            let accept = |cx: &mut Context<'_>| {
                while let Poll::Ready(Ok((client, _))) = listener.poll_accept(cx) {
                    waiting.push(client);
                }
                Poll::Ready(())
            };
            poll_fn(accept).await;
        }
        waiting
    }

    async fn accept(&self) -> TcpStream {
        let Some(listener) = &self.listener else {
            return pending().await;
        };
        loop {
            match listener.accept().await {
                Ok((client, _)) => return client,
                // The client is gone already, or there are too many open files for a moment.
                Err(_) => sleep(Duration::from_millis(1)).await,
            }
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // Connections of before may still be winding down on it.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}
