//! What a pool tells: events as they happen, the state of the moment, totals, every object, and
//! errors that say what to do.
//!
//! ```sh
//! cargo run --example observe
//! ```

use std::convert::Infallible;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use nebula_resource::sync::Pool;
use nebula_resource::{AcquireError, BlockingFactory, Event, Observer, PoolConfig};

struct Numbers;

impl BlockingFactory for Numbers {
    type Object = u32;
    type Error = Infallible;

    fn create(&self) -> Result<u32, Infallible> {
        Ok(7)
    }
}

/// Writes events down. It is called where they happen, so it only passes them on.
struct Diary(Sender<String>);

impl Observer for Diary {
    fn observe(&self, event: &Event<'_>) {
        let line = match event {
            Event::Leaked { taken_at, .. } => format!("leaked, taken at {taken_at}"),
            Event::TimedOut { at, .. } => format!("timed out at {at}"),
            Event::Retired { reason, .. } => format!("retired: {reason}"),
            other => format!("{other:?}"),
        };
        let _gone = self.0.send(line);
    }
}

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let (sender, events) = channel();
    let pool = Pool::builder(Numbers)
        .config(PoolConfig {
            max_size: 1,
            leak_after: Some(Duration::from_millis(50)),
            maintenance_every: Duration::from_millis(20),
            ..PoolConfig::default()
        })
        .observer(Diary(sender))
        .build()?;

    // Somebody keeps the only object; somebody else cannot have it, and is told who has it.
    let kept = pool.acquire()?;
    let error = pool.acquire_timeout(Duration::from_millis(150)).err();
    let Some(AcquireError::TimedOut(report)) = error else {
        return Err("there is only one".into());
    };
    println!("error:  {report}");
    assert_eq!(report.status.in_use, 1);

    // The state now, and each object.
    println!("status: {}", pool.status());
    for object in pool.objects() {
        println!("object: {object:?}");
        assert_eq!(object.taken_at.map(|at| at.file()), Some(file!()));
    }

    // A change of the configuration, all or nothing.
    let refused = pool.resize(0);
    println!("refused: {}", refused.err().ok_or("zero is too few")?);
    pool.resize(2)?;

    drop(kept);
    pool.close().wait();
    drop(pool); // and with it the diary's sender, once the background is done

    // The totals are there until the end; the events have been written down.
    let lines: Vec<String> = events.iter().collect();
    for line in &lines {
        println!("event:  {line}");
    }
    for expected in [
        "Created",
        "leaked",
        "timed out",
        "Reconfigured",
        "retired",
        "Closed",
    ] {
        assert!(
            lines.iter().any(|line| line.starts_with(expected)),
            "{expected}"
        );
    }
    Ok(())
}
