//! A server to connect to: it answers line by line, and remembers who is logged in.
//!
//! Knows nothing of pools.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

pub(crate) struct Server {
    address: SocketAddr,
    connections: Arc<Mutex<JoinSet<io::Result<()>>>>,
    goodbyes: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let connections = Arc::new(Mutex::new(JoinSet::new()));
        let goodbyes = Arc::new(AtomicUsize::new(0));
        let (open, count) = (Arc::clone(&connections), Arc::clone(&goodbyes));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                open.lock().await.spawn(serve(stream, Arc::clone(&count)));
            }
        });
        Ok(Self {
            address,
            connections,
            goodbyes,
        })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Drops every connection, as a restart does.
    pub(crate) async fn hang_up(&self) {
        self.connections.lock().await.shutdown().await;
    }

    /// How many took their leave.
    pub(crate) fn goodbyes(&self) -> usize {
        self.goodbyes.load(Ordering::Relaxed)
    }
}

async fn serve(stream: TcpStream, goodbyes: Arc<AtomicUsize>) -> io::Result<()> {
    let mut stream = BufStream::new(stream);
    let mut user = "nobody".to_owned();
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        let answer = match line.trim_end().split_once(' ') {
            Some(("login", name)) => {
                name.clone_into(&mut user);
                "welcome"
            }
            Some(_) => &user,
            None => match line.trim_end() {
                "logout" => {
                    "nobody".clone_into(&mut user);
                    "done"
                }
                "sleep" => std::future::pending().await,
                "goodbye" => {
                    goodbyes.fetch_add(1, Ordering::Relaxed);
                    "goodbye"
                }
                _ => "pong",
            },
        };
        stream.write_all(format!("{answer}\n").as_bytes()).await?;
        stream.flush().await?;
        line.clear();
    }
    Ok(())
}
