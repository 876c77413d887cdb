//! Stands for a client library: a session with a server that answers line by line.
//!
//! Knows nothing of resources.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;

pub(crate) struct Session {
    stream: BufStream<TcpStream>,
    broken: bool,
}

impl Session {
    pub(crate) async fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = BufStream::new(TcpStream::connect(address).await?);
        let broken = false;
        Ok(Self { stream, broken })
    }

    pub(crate) async fn ask(&mut self, question: &str) -> io::Result<String> {
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

    pub(crate) const fn is_broken(&self) -> bool {
        self.broken
    }
}
