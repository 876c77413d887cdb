//! The pool behind a resource: how it is set, what can be seen of it, and how it is changed while it
//! is in use. Threads here; tasks stand in the same line.
//!
//! ```sh
//! cargo run --example pooled_resource
//! ```

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use nebula_resource::{
    BlockingResource, Context, CreateContext, Manager, PoolConfig, ResourceConfig, ResourceError,
    Scope,
};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

#[derive(serde::Deserialize)]
struct PrinterConfig {
    paper: usize,
}

impl ResourceConfig for PrinterConfig {}

/// Expensive to make, and for one at a time.
struct Printer {
    paper: usize,
    in_hand: Option<String>,
}

struct Printers;

impl BlockingResource for Printers {
    type Config = PrinterConfig;
    type Instance = Printer;
    type Error = String;

    fn create(&self, config: &PrinterConfig, _: &CreateContext) -> Result<Printer, String> {
        thread::sleep(Duration::from_millis(5)); // it warms up
        let paper = config.paper;
        Ok(Printer {
            paper,
            in_hand: None,
        })
    }

    /// The next caller is somebody else: nothing of the last one may be left.
    fn recycle(&self, printer: &mut Printer) -> Result<(), String> {
        printer.in_hand = None;
        Ok(())
    }

    /// Out of paper: not to be handed out again.
    fn is_broken(&self, printer: &Printer) -> bool {
        printer.paper == 0
    }
}

fn main() -> Outcome {
    let manager = Manager::new();
    let printers = manager
        .register("printers", Printers, PrinterConfig { paper: 4 })
        .pool(PoolConfig {
            max_size: 2,
            min_idle: 1,
            warm_on_register: true, // the first one is there when registration ends
            acquire_timeout: Duration::from_millis(500),
            ..PoolConfig::default()
        })
        .wait()?;
    assert_eq!(printers.status().idle, 1);

    // Eight callers, two printers: most wait, none for long. `printers` was looked up once; asking
    // the manager by key does the same, and costs a little more.
    let print = |number: u32| -> Outcome {
        let mut printer = printers.acquire_blocking()?;
        assert_eq!(printer.in_hand, None);
        printer.paper -= 1;
        printer.in_hand = Some(format!("page {number}"));
        Ok(()) // out of scope, and back to the pool
    };
    thread::scope(|scope| {
        let pages = [1, 2, 3, 4, 5, 6, 7, 8].map(|page| scope.spawn(move || print(page)));
        let mut pages = pages.into_iter().map(|page| page.join());
        pages.try_for_each(|page| page.map_err(|_| "a caller panicked")?)
    })?;
    println!("8 pages on {} printers", printers.stats().created);
    println!("now: {}", printers.status());

    // All are out: who waits for longer than it can is told who has them, and since when.
    let kept = (printers.acquire_blocking()?, printers.acquire_blocking()?);
    let soon =
        Context::new(Scope::GLOBAL).with_deadline(Instant::now() + Duration::from_millis(50));
    let refused = manager.acquire_blocking::<Printers>("printers", &soon);
    let Err(error @ ResourceError::Pool { .. }) = refused else {
        return Err("there are only two".into());
    };
    println!("{error}");
    assert!(error.is_timeout());

    // One more, at once, for whoever is waiting by now. What makes no sense changes nothing.
    printers.reconfigure_pool(|pool| pool.max_size = 3)?;
    drop(printers.acquire_blocking()?);
    let refused = printers.reconfigure_pool(|pool| pool.max_size = 0);
    println!("{}", refused.err().ok_or("none at all is too few")?);
    assert_eq!(printers.pool_config().max_size, 3);

    for printer in printers.objects() {
        println!("{printer:?}");
    }
    drop(kept);
    let report = manager.shutdown().wait();
    println!("{report}");
    assert!(report.is_clean());
    Ok(())
}
