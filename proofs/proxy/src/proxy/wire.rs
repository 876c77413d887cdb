//! One connection: carries bytes both ways as the mode allows, and ends as it is told.
//!
//! Decides when a byte arrives. A client that goes away is noticed in every mode, also while nothing is
//! let through, so that the counts stay true; the server hears of it then, which in a real black hole
//! it would not.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::counts::Counted;
use super::{End, Mode, Shared, State};

/// How much may be read ahead of what may be delivered; TCP's own windows come on top.
const AHEAD: usize = 256 * 1024;

/// Small, so that a throttled stream flows and does not come in gulps.
const CHUNK: usize = 4 * 1024;

pub(super) async fn serve(mut client: TcpStream, born: u64, shared: Arc<Shared>) {
    let counted = Counted::new(&shared);
    let state = shared.state.subscribe();
    let end = if state.borrow().mode == Mode::Reset {
        End::Reset
    } else {
        tokio::select! {
            biased;
            end = cut(state.clone(), born) => end,
            end = converse(&mut client, &shared, state, counted) => end,
        }
    };
    if end == End::Reset {
        // Without it the close below is a FIN.
        let _ = client.set_zero_linger();
    }
}

/// Until this connection is cut with all others of its time.
async fn cut(mut state: watch::Receiver<State>, born: u64) -> End {
    loop {
        if let Some((version, end)) = state.borrow_and_update().cut
            && born <= version
        {
            return end;
        }
        if state.changed().await.is_err() {
            return End::Finish;
        }
    }
}

async fn converse(
    client: &mut TcpStream,
    shared: &Shared,
    mut state: watch::Receiver<State>,
    counted: Counted,
) -> End {
    // An error means that it is gone already, which shows soon enough.
    let _ = client.set_nodelay(true);
    let (mut from_client, mut to_client) = client.split();
    let mut up = Stream::default();
    while state.borrow_and_update().mode == Mode::BlackHole {
        tokio::select! {
            () = up.fill(&mut from_client), if up.has_room() => {}
            changed = state.changed() => if changed.is_err() { return End::Finish },
        }
        if let Some(end) = up.ended {
            return end;
        }
    }
    let Ok(mut server) = TcpStream::connect(shared.target).await else {
        return End::Reset;
    };
    let _ = server.set_nodelay(true);
    let (mut from_server, mut to_server) = server.split();
    let down = Stream {
        answers_to: Some(counted),
        ..Stream::default()
    };
    tokio::select! {
        end = up.carry(&mut from_client, &mut to_server, state.clone()) => end,
        end = down.carry(&mut from_server, &mut to_client, state) => end,
    }
}

/// One direction of a connection.
#[derive(Default)]
struct Stream {
    /// What was read and not delivered, and when it was read.
    queue: VecDeque<(Instant, Vec<u8>)>,
    queued: usize,
    /// The source has ended, and how.
    ended: Option<End>,
    /// When a throttled stream may go on.
    free_at: Option<Instant>,
    /// The state under which bytes were counted last, and how many were let through under it.
    passed: (u64, u64),
    /// For the direction from the server.
    answers_to: Option<Counted>,
}

impl Stream {
    const fn has_room(&self) -> bool {
        self.ended.is_none() && self.queued < AHEAD
    }

    /// Reads once. Cancel safe, since reading is.
    async fn fill(&mut self, from: &mut ReadHalf<'_>) {
        let mut chunk = vec![0; CHUNK];
        match from.read(&mut chunk).await {
            Ok(0) => self.ended = Some(End::Finish),
            Ok(count) => {
                chunk.truncate(count);
                self.queued += count;
                self.queue.push_back((Instant::now(), chunk));
            }
            Err(_) => self.ended = Some(End::Reset),
        }
    }

    /// Until one side has ended or the connection is cut.
    async fn carry(
        mut self,
        from: &mut ReadHalf<'_>,
        to: &mut WriteHalf<'_>,
        mut state: watch::Receiver<State>,
    ) -> End {
        loop {
            let now = *state.borrow_and_update();
            if let Some(end) = self.ended
                && (self.queue.is_empty() || now.mode == Mode::BlackHole)
            {
                return end;
            }
            let due = self.due(now.mode);
            tokio::select! {
                changed = state.changed() => if changed.is_err() { return End::Finish },
                () = until(due), if due.is_some() => match self.deliver(to, now).await {
                    Ok(None) => {}
                    Ok(Some(end)) => return end,
                    Err(_) => return End::Reset,
                },
                () = self.fill(from), if self.has_room() => {}
            }
        }
    }

    /// When what is next may be delivered.
    fn due(&self, mode: Mode) -> Option<Instant> {
        let (read_at, _) = self.queue.front()?;
        match mode {
            Mode::BlackHole => None,
            Mode::Delay(by) => Some(*read_at + by),
            Mode::Throttle(_) => Some(self.free_at.map_or(*read_at, |at| at.max(*read_at))),
            _ => Some(*read_at),
        }
    }

    /// Delivers what is next; answers how the connection ends if it is cut there.
    async fn deliver(&mut self, to: &mut WriteHalf<'_>, now: State) -> io::Result<Option<End>> {
        let Some((_, mut chunk)) = self.queue.pop_front() else {
            return Ok(None);
        };
        self.queued -= chunk.len();
        let cut = self.cut_in(&mut chunk, now);
        if let Some(counted) = &mut self.answers_to {
            counted.answered(); // before the client can know, so that it finds itself counted
        }
        to.write_all(&chunk).await?;
        if let Mode::Throttle(rate) = now.mode {
            let span = Duration::from_secs_f64(chunk.len() as f64 / f64::from(rate.max(1)));
            let start = self
                .free_at
                .map_or_else(Instant::now, |at| at.max(Instant::now()));
            self.free_at = Some(start + span);
        }
        Ok(cut)
    }

    /// Shortens the chunk if the connection is to be cut within it.
    fn cut_in(&mut self, chunk: &mut Vec<u8>, now: State) -> Option<End> {
        if self.passed.0 != now.version {
            self.passed = (now.version, 0);
        }
        let Mode::CutAfter(most, end) = now.mode else {
            return None;
        };
        self.answers_to.as_ref()?; // only what the server sends is counted
        let left = usize::try_from(most.saturating_sub(self.passed.1)).unwrap_or(usize::MAX);
        self.passed.1 += chunk.len() as u64;
        if chunk.len() < left {
            return None;
        }
        chunk.truncate(left);
        Some(end)
    }
}

/// `None` never comes: it is not waited for.
async fn until(due: Option<Instant>) {
    if let Some(due) = due
        && due > Instant::now()
    {
        sleep_until(due).await;
    }
}
