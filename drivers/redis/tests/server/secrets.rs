//! The password on its way to a real server: it gets there, and nowhere else (fault row 24).

use std::error::Error;

use nebula_resource_core::{BlockingFactory, Factory};
use nebula_resource_redis::{ConnectionError, Redis};

use crate::{connect, factory, info, say};

const CANARY: &str = "canary-7f3a";
const USER: &str = "fault_24_user";

fn told(error: &(dyn Error + 'static)) -> String {
    let mut all = format!("{error} {error:?} {error:#?}");
    let mut source = error.source();
    while let Some(inner) = source {
        all += &format!(" {inner} {inner:?}");
        source = inner.source();
    }
    all
}

fn with_password(password: &str) -> Redis {
    factory().username(USER).password(password)
}

#[tokio::test]
async fn fault_24_secrets_with_a_real_server() {
    let mut admin = connect().await;
    say(
        &mut admin,
        &format!("ACL SETUSER {USER} on >{CANARY} +@all ~*"),
    )
    .await;

    let wrong = with_password(&format!("{CANARY}-wrong"));
    for error in [
        Factory::create(&wrong).await.unwrap_err(),
        BlockingFactory::create(&wrong).unwrap_err(),
    ] {
        let ConnectionError::Refused { request, code, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!((*request, code.as_str()), ("AUTH", "WRONGPASS"));
        assert!(!told(&error).contains("canary"), "{}", told(&error));
    }

    let right = with_password(CANARY);
    let mut db = Factory::create(&right).await.unwrap();
    assert_eq!(info(&mut db, "user").await, USER);
    let blocking = BlockingFactory::create(&right).unwrap();
    let shown = format!("{right:?} {right:#?} {db:?} {db:#?} {blocking:?} {blocking:#?}");
    assert!(!shown.contains("canary"), "{shown}");

    // A reset logs in again; by now that is refused.
    say(&mut db, "SELECT 1").await;
    say(&mut admin, &format!("ACL SETUSER {USER} resetpass >other")).await;
    let error = Factory::recycle(&right, &mut db).await.unwrap_err();
    assert!(
        matches!(error, ConnectionError::Refused { .. }),
        "{error:?}"
    );
    assert!(!told(&error).contains("canary"), "{}", told(&error));
    say(&mut admin, &format!("ACL DELUSER {USER}")).await;
}
