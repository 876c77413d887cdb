//! The driver, all of it.

use std::{io, net::SocketAddr};

use crate::client::Session;
use nebula_resource::{CreateContext, Resource, ResourceConfig, RetireReason, ValidationError};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionConfig {
    pub(crate) address: SocketAddr,
}

impl ResourceConfig for SessionConfig {
    fn validate(&self) -> Result<(), ValidationError> {
        match self.address.port() {
            0 => Err(ValidationError::new("address", "with a port", self.address)),
            _ => Ok(()),
        }
    }
}

pub(crate) struct Sessions;

impl Resource for Sessions {
    type Config = SessionConfig;
    type Instance = Session;
    type Error = io::Error;

    async fn create(&self, config: &SessionConfig, _: &CreateContext) -> io::Result<Session> {
        Session::connect(config.address).await
    }

    async fn is_valid(&self, session: &mut Session) -> io::Result<()> {
        session.ask("ping").await.map(drop)
    }

    async fn recycle(&self, session: &mut Session) -> io::Result<()> {
        session.ask("logout").await.map(drop)
    }

    async fn cleanup(&self, mut session: Session, _: RetireReason) {
        let _answer = session.ask("goodbye").await;
    }

    fn is_broken(&self, session: &Session) -> bool {
        session.is_broken()
    }
}
