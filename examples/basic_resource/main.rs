//! A driver of your own in fewer than fifty lines, and what a program gets for them.
//!
//! ```sh
//! cargo run --example basic_resource
//! ```
//!
//! The driver is in `driver`. `client` stands for the library that it is for; the server is that of
//! the example `own_factory`.

mod client;
mod driver;
#[path = "../own_factory/server.rs"]
mod server;

use nebula_resource::{Context, Manager, Scope};

use driver::{SessionConfig, Sessions};
use server::Server;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::start().await?;
    let manager = Manager::new();

    // What makes no sense is refused before anything is made.
    let refused: SessionConfig = serde_json::from_str(r#"{ "address": "127.0.0.1:0" }"#)?;
    let error = manager.register("sessions", Sessions, refused).await;
    println!("{}", error.err().ok_or("a port of 0 is none")?);

    let address = server.address();
    manager
        .register("sessions", Sessions, SessionConfig { address })
        .await?;

    // From here on, by name, for whoever may use it; everybody may use what is global.
    let context = Context::new(Scope::GLOBAL);
    let mut session = manager.acquire::<Sessions>("sessions", &context).await?;
    session.ask("login alice").await?;
    assert_eq!(session.ask("who am I?").await?, "alice");
    drop(session);

    // The same session, recycled: the next caller is not alice. A thread gets it in the same way.
    let here = (manager.clone(), tokio::runtime::Handle::current());
    let thread = tokio::task::spawn_blocking(move || {
        let (manager, tokio) = here;
        let mut session = manager
            .acquire_blocking::<Sessions>("sessions", &context)
            .ok()?;
        tokio.block_on(session.ask("who am I?")).ok()
    });
    assert_eq!(thread.await?.as_deref(), Some("nobody"));

    // The end: every session says goodbye.
    let report = manager.shutdown().await;
    println!("{report}");
    assert!(report.is_clean());
    assert_eq!(server.goodbyes(), 1);
    server.hang_up().await;
    Ok(())
}
