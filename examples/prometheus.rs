//! Figures for a Prometheus server, under OpenTelemetry's names.
//!
//! ```sh
//! cargo run --example prometheus --features metrics
//! cargo run --example prometheus --features metrics -- --listen 127.0.0.1:9464
//! ```
//!
//! The first reads its own figures once, shows them and ends. The second serves them until it is
//! stopped, while a resource is in use.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use clap::Parser;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use nebula_resource::metrics::Metrics;
use nebula_resource::{BlockingResource, Context, CreateContext, Manager, PoolConfig, Scope};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// The bounds that OpenTelemetry recommends for times of database clients.
const SECONDS: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

#[derive(Parser)]
struct Options {
    /// Serve on this address until stopped.
    #[arg(long)]
    listen: Option<String>,
}

struct Numbers;

impl BlockingResource for Numbers {
    type Config = ();
    type Instance = u64;
    type Error = String;

    fn create(&self, (): &(), _: &CreateContext) -> Result<u64, String> {
        Ok(0)
    }
}

/// The page that Prometheus reads.
struct Page {
    metrics: Metrics,
    prometheus: PrometheusHandle,
}

impl Page {
    fn answer(&self, mut client: TcpStream) -> std::io::Result<()> {
        client.set_read_timeout(Some(Duration::from_secs(5)))?;
        // Whatever was asked for: there is one page.
        let mut lines = BufReader::new(client.try_clone()?).lines();
        while lines
            .next()
            .transpose()?
            .is_some_and(|line| !line.is_empty())
        {}
        self.metrics.refresh();
        let text = self.prometheus.render();
        let length = text.len();
        write!(
            client,
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\n\
             content-length: {length}\r\nconnection: close\r\n\r\n{text}"
        )
    }
}

fn main() -> Outcome {
    let options = Options::parse();
    let manager = Manager::new();
    let recorder = PrometheusBuilder::new()
        .set_buckets(&SECONDS)?
        .build_recorder();
    let page = Page {
        prometheus: recorder.handle(),
        metrics: Metrics::attach_to(&manager, recorder),
    };
    let two = PoolConfig {
        max_size: 2,
        ..PoolConfig::default()
    };
    manager.register("numbers", Numbers, ()).pool(two).wait()?;
    let nobody = Context::new(Scope::GLOBAL);
    let count = || -> Outcome {
        *manager.acquire_blocking::<Numbers>("numbers", &nobody)? += 1;
        Ok(())
    };

    let address = options.listen.as_deref().unwrap_or("127.0.0.1:0");
    let listener = TcpListener::bind(address)?;
    if options.listen.is_some() {
        println!("serving http://{}/metrics", listener.local_addr()?);
        for client in listener.incoming() {
            count()?;
            // Who hangs up in the middle is served next time.
            let _hung_up = page.answer(client?);
        }
        return Ok(());
    }

    count()?;
    let address = listener.local_addr()?;
    let reader = thread::spawn(move || -> std::io::Result<String> {
        let mut server = TcpStream::connect(address)?;
        server.write_all(b"GET /metrics HTTP/1.1\r\nhost: example\r\n\r\n")?;
        std::io::read_to_string(server)
    });
    page.answer(listener.accept()?.0)?;
    let text = reader.join().map_err(|_| "the reader panicked")??;
    let figures: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    println!("{}", figures.join("\n"));
    let idle = "db_client_connection_count{db_client_connection_pool_name=\"numbers\",\
                db_client_connection_state=\"idle\"} 1";
    assert!(figures.contains(&idle));
    Ok(())
}
