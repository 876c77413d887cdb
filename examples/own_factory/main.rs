//! A factory of your own: connections to a server, with everything a pool can ask of one.
//!
//! ```sh
//! cargo run --example own_factory
//! ```
//!
//! The server is in `server`; it remembers who is logged in on a connection, as many do.

mod server;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use nebula_resource::{Factory, Pool, RetireReason};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;

use server::Server;

/// A connection: a question, an answer.
struct Session {
    stream: BufStream<TcpStream>,
    broken: bool,
}

impl Session {
    async fn ask(&mut self, question: &str) -> io::Result<String> {
        self.broken = true; // unless we get to the end: half an answer is no use to the next caller
        self.stream.write_all(question.as_bytes()).await?;
        self.stream.write_all(b"\n").await?;
        self.stream.flush().await?;
        let mut answer = String::new();
        if self.stream.read_line(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.broken = false;
        Ok(answer.trim_end().to_owned())
    }
}

/// Makes connections to one server.
struct Sessions {
    server: SocketAddr,
}

impl Factory for Sessions {
    type Object = Session;
    type Error = io::Error;

    /// The only one without a default. Bounded by `create_timeout`.
    async fn create(&self) -> io::Result<Session> {
        let stream = BufStream::new(TcpStream::connect(self.server).await?);
        Ok(Session {
            stream,
            broken: false,
        })
    }

    /// Idle for long: does it still work?
    async fn validate(&self, session: &mut Session) -> io::Result<()> {
        session.ask("ping").await.map(drop)
    }

    /// Clean for the next caller, who may be somebody else altogether.
    async fn recycle(&self, session: &mut Session) -> io::Result<()> {
        session.ask("logout").await.map(drop)
    }

    /// Asked when a caller gives it back; cheap, never waits.
    fn is_broken(&self, session: &Session) -> bool {
        session.broken
    }

    /// A last word, in the background, to a server that listens. Bounded by `destroy_timeout`.
    async fn destroy(&self, mut session: Session, why: RetireReason) {
        println!("a session goes: {why}");
        if !session.broken {
            let _answer = session.ask("goodbye").await;
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::start().await?;
    let factory = Sessions {
        server: server.address(),
    };
    let pool = Pool::builder(factory)
        .max_size(1)
        .validate_after(Some(Duration::ZERO)) // always, so that this is over soon
        .build()?;

    let mut session = pool.acquire().await?;
    session.ask("login alice").await?;
    assert_eq!(session.ask("who am I?").await?, "alice");
    drop(session);

    // The same connection, recycled: the next caller is not alice.
    let mut session = pool.acquire().await?;
    assert_eq!(session.ask("who am I?").await?, "nobody");
    assert_eq!(pool.stats().created, 1);
    session.release().await; // back, and recycled at once

    // The server goes and comes back. The next caller is given a new connection and never knows.
    server.hang_up().await;
    let mut session = pool.acquire().await?;
    assert_eq!(session.ask("who am I?").await?, "nobody");
    assert_eq!(pool.stats().created, 2);
    assert_eq!(pool.stats().retired_for(RetireReason::Invalid), 1);

    // A caller that gives up in the middle of an answer spoils the connection; it is replaced.
    let given_up = tokio::time::timeout(Duration::from_millis(20), session.ask("sleep"));
    assert!(given_up.await.is_err());
    drop(session);
    assert_eq!(pool.stats().retired_for(RetireReason::Broken), 1);

    let session = pool.acquire().await?;
    drop(session);
    pool.close().await; // and every session has said goodbye
    assert_eq!(server.goodbyes(), 1);
    Ok(())
}
