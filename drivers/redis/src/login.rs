//! What is said to a server before a caller gets the connection, new or used.
//!
//! Decides which requests make a session what the configuration asks for, and whether the answers
//! are the ones to exactly these. Knows nothing of sockets.
//!
//! The last request is a `PING` with a number that no other has had: if the answers stand one off,
//! because a message or a late answer is among them, it is not found where it belongs.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use redis::{Pipeline, ServerError, Value};
use secrecy::{ExposeSecret, SecretString};

use crate::error::ConnectionError;

/// How a session is set up.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) username: Option<String>,
    pub(crate) password: Option<SecretString>,
    pub(crate) database: u32,
    pub(crate) client_name: String,
    pub(crate) resp3: bool,
}

/// The request, and what its answer has to be.
#[derive(Clone, Debug)]
struct Step {
    request: &'static str,
    expected: Expected,
}

#[derive(Clone, Debug)]
enum Expected {
    Ok,
    Reset,
    /// To `HELLO`: what the server tells about itself.
    Greeting,
    Echo(String),
}

/// Requests to be sent together.
pub(crate) struct Script {
    pub(crate) pipeline: Pipeline,
    steps: Vec<Step>,
}

impl Login {
    /// For a new connection.
    pub(crate) fn greet(&self) -> Script {
        let mut script = Script::new();
        self.set_up(&mut script);
        script
    }

    /// For a used one.
    pub(crate) fn reset(&self) -> Script {
        let mut script = Script::new();
        script.step("RESET", Expected::Reset).cmd("RESET");
        self.set_up(&mut script);
        script
    }

    fn set_up(&self, script: &mut Script) {
        let password = self.password.as_ref().map(ExposeSecret::expose_secret);
        let user = self.username.as_deref();
        if self.resp3 {
            let pipeline = script.step("HELLO", Expected::Greeting);
            let hello = pipeline.cmd("HELLO").arg(3);
            if let Some(password) = password {
                hello
                    .arg("AUTH")
                    .arg(user.unwrap_or("default"))
                    .arg(password);
            }
        } else if let Some(password) = password {
            let auth = script.step("AUTH", Expected::Ok).cmd("AUTH");
            auth.arg(user).arg(password);
        }
        if self.database != 0 {
            let pipeline = script.step("SELECT", Expected::Ok);
            pipeline.cmd("SELECT").arg(self.database);
        }
        let pipeline = script.step("CLIENT SETNAME", Expected::Ok);
        pipeline.cmd("CLIENT").arg("SETNAME").arg(&self.client_name);
        script.ping();
    }
}

/// Asks for a sign of life.
pub(crate) fn ping() -> Script {
    let mut script = Script::new();
    script.ping();
    script
}

impl Script {
    fn new() -> Self {
        Self {
            pipeline: redis::pipe(),
            steps: Vec::new(),
        }
    }

    fn step(&mut self, request: &'static str, expected: Expected) -> &mut Pipeline {
        self.steps.push(Step { request, expected });
        &mut self.pipeline
    }

    fn ping(&mut self) {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = format!("nebula-{}", NEXT.fetch_add(1, Relaxed));
        let pipeline = self.step("PING", Expected::Echo(number.clone()));
        pipeline.cmd("PING").arg(number);
    }

    /// How many answers there will be.
    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether these are the answers.
    pub(crate) fn check(&self, answers: &[Value]) -> Result<(), ConnectionError> {
        if answers.len() != self.steps.len() {
            return Err(ConnectionError::OutOfStep);
        }
        for (step, answer) in self.steps.iter().zip(answers) {
            step.check(answer)?;
        }
        Ok(())
    }
}

impl Step {
    fn check(&self, answer: &Value) -> Result<(), ConnectionError> {
        if let Value::ServerError(error) = answer {
            return Err(self.refused(error));
        }
        let fits = match (&self.expected, answer) {
            (Expected::Ok, answer) => *answer == Value::Okay,
            (Expected::Reset, Value::SimpleString(text)) => text == "RESET",
            (Expected::Greeting, answer) => matches!(answer, Value::Map(_) | Value::Array(_)),
            (Expected::Echo(text), Value::BulkString(bytes)) => text.as_bytes() == bytes,
            _ => false,
        };
        if fits {
            Ok(())
        } else {
            Err(ConnectionError::OutOfStep)
        }
    }

    /// A server may repeat the arguments of a request that it does not know.
    fn refused(&self, error: &ServerError) -> ConnectionError {
        let secret = matches!(self.request, "AUTH" | "HELLO");
        let detail = error.details().filter(|_| !secret).map(str::to_owned);
        ConnectionError::Refused {
            request: self.request,
            code: error.code().to_owned(),
            detail,
        }
    }
}

#[cfg(test)]
mod tests {
    use redis::Value;

    use super::{Login, ping};
    use crate::error::ConnectionError;

    fn login() -> Login {
        Login {
            username: None,
            password: Some("secret".into()),
            database: 2,
            client_name: "billing".into(),
            resp3: false,
        }
    }

    /// What a server answers that does as it is told, to everything but the `PING`.
    fn obedient() -> Vec<Value> {
        let reset = Value::SimpleString("RESET".into());
        vec![reset, Value::Okay, Value::Okay, Value::Okay]
    }

    /// What the last argument of a script is.
    fn number(script: &super::Script) -> Value {
        let bytes = script.pipeline.get_packed_pipeline();
        let text = String::from_utf8(bytes).unwrap();
        Value::BulkString(text.trim_end().rsplit("\r\n").next().unwrap().into())
    }

    #[test]
    fn the_right_answers() {
        let script = login().reset();
        let mut answers = obedient();
        answers.push(number(&script));
        script.check(&answers).unwrap();
    }

    #[test]
    fn answers_one_off_are_noticed() {
        let script = login().reset();
        let mut late = obedient();
        late.insert(0, Value::Okay); // of a request before
        let mut short = obedient();
        short.pop();
        short.push(number(&script));
        let mut others = obedient();
        others.push(number(&ping()));
        for answers in [late, short, others, obedient(), Vec::new()] {
            let error = script.check(&answers).unwrap_err();
            assert!(matches!(error, ConnectionError::OutOfStep), "{answers:?}");
        }
    }

    #[test]
    fn no_step_shows_the_password() {
        let shown = format!("{:?}", login());
        assert!(!shown.contains("secret"), "{shown}");
    }
}
