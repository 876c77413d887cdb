//! A configuration that cannot be used is refused at registration, and is repeated nowhere.

use nebula_resource::Manager;
use nebula_resource::manager::RegisterError;
use nebula_resource_postgres::{PostgresConfig, PostgresResource};

#[test]
fn a_url_that_cannot_be_used_is_refused_and_not_repeated() {
    let manager = Manager::new();
    let config = PostgresConfig::new("postgres://app:canary-7f3a@localhost:port/app");
    let refused = manager.register_blocking("server", PostgresResource, config);
    let error = refused.expect_err("nobody could connect to that");
    let told = format!("{error} {error:?} {manager:?}");
    assert!(!told.contains("canary") && !told.contains("7f3a"), "{told}");
    let RegisterError::Invalid { source, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(source.field, "url");
    assert!(manager.status().resources.is_empty());
}
