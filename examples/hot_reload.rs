//! A configuration that changes while it is in use: what is out stays valid, nobody is turned away,
//! and what makes no sense changes nothing.
//!
//! ```sh
//! cargo run --example hot_reload
//! ```

use std::error::Error;
use std::thread;

use nebula_resource::manager::ReloadError;
use nebula_resource::{
    BlockingResource, Context, CreateContext, Manager, ResourceConfig, Scope, ValidationError,
};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// As it stands in a file.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct MailConfig {
    host: String,
    sender: String,
}

impl ResourceConfig for MailConfig {
    fn validate(&self) -> Result<(), ValidationError> {
        if !self.sender.contains('@') {
            return Err(ValidationError::new("sender", "an address", &self.sender));
        }
        Ok(())
    }
}

/// A connection to a mail server.
struct Line {
    host: String,
    sender: String,
}

impl Line {
    fn send(&self, text: &str) -> String {
        format!("{} says {text:?} through {}", self.sender, self.host)
    }
}

struct Mail;

impl BlockingResource for Mail {
    type Config = MailConfig;
    type Instance = Line;
    type Error = String;

    fn create(&self, config: &MailConfig, _: &CreateContext) -> Result<Line, String> {
        let MailConfig { host, sender } = config;
        if !host.ends_with(".example") {
            return Err(format!("nobody answers at {host}"));
        }
        let (host, sender) = (host.clone(), sender.clone());
        Ok(Line { host, sender })
    }
}

/// What a program does when it finds that the file has changed.
fn reload(manager: &Manager, file: &str) -> Outcome<u64> {
    let config: MailConfig = serde_json::from_str(file)?;
    let reloaded = manager.reload_config("mail", config).wait()?;
    Ok(reloaded.generation)
}

fn main() -> Outcome {
    let manager = Manager::new();
    let first = r#"{ "host": "old.example", "sender": "shop@example.org" }"#;
    manager.register_blocking("mail", Mail, serde_json::from_str(first)?)?;
    let nobody = Context::new(Scope::GLOBAL);
    let acquire = || manager.acquire_blocking::<Mail>("mail", &nobody);

    // A mail is being written while the server moves.
    let old = acquire()?;
    let second = r#"{ "host": "new.example", "sender": "shop@example.org" }"#;
    assert_eq!(reload(&manager, second)?, 2);
    println!("{}", old.send("sent the old way"));
    println!("{}", acquire()?.send("sent the new way"));
    assert_eq!((old.generation(), acquire()?.generation()), (1, 2));

    // A typing error, a value that makes no sense, a server that is not there: each is told of, and
    // the configuration before it stays in force.
    for wrong in [
        r#"{ "hots": "new.example", "sender": "shop@example.org" }"#,
        r#"{ "host": "new.example", "sender": "nobody" }"#,
        r#"{ "host": "nowhere.invalid", "sender": "shop@example.org" }"#,
    ] {
        let refused = reload(&manager, wrong).err();
        println!("refused: {}", refused.ok_or("that was wrong")?);
        assert_eq!(acquire()?.generation(), 2);
    }

    // Two at once: one of them wins, and the other is told that it did not.
    let race = |host: &'static str| {
        let config = MailConfig {
            host: host.to_owned(),
            sender: "shop@example.org".to_owned(),
        };
        let manager = manager.clone();
        thread::spawn(move || manager.reload_config("mail", config).wait())
    };
    let racing = [race("east.example"), race("west.example")];
    let mut won = 0;
    for racer in racing {
        match racer.join().map_err(|_| "a reload panicked")? {
            Ok(_) => won += 1,
            Err(ReloadError::Superseded { .. }) => println!("one was too late, and knows it"),
            Err(other) => return Err(other.into()),
        }
    }
    assert!(won > 0);
    println!("{}", acquire()?.send("sent by the winner"));

    drop(old); // only now does the old server's last line go
    let report = manager.shutdown().wait();
    println!("{report}");
    assert!(report.is_clean());
    Ok(())
}
