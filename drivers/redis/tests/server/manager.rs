//! A server behind a manager, for tasks and for threads: reset between callers as in a bare pool, and
//! left in the end.

use nebula_resource::{BoxError, Context, Manager, Scope};
use nebula_resource_redis::redis::{AsyncCommands, Commands};
use nebula_resource_redis::{BlockingRedisResource, RedisConfig, RedisResource};

use crate::{connect, info, say, until_connections, url};

static NOBODY: Context = Context::new(Scope::GLOBAL);

fn config(name: &str) -> RedisConfig {
    let mut config = RedisConfig::new(url());
    config.client_name = Some(name.to_owned());
    config
}

#[tokio::test]
async fn tasks_get_a_clean_connection_each_time() -> Result<(), BoxError> {
    const NAME: &str = "managed-task";
    let manager = Manager::new();
    let registration = manager.register("cache", RedisResource, config(NAME));
    registration
        .configure_pool(|pool| pool.max_size = 1)
        .await?;
    let acquire = || manager.acquire::<RedisResource>("cache", &NOBODY);

    let mut cache = acquire().await?;
    let _: () = cache.set("managed-task", 1).await?;
    say(&mut cache, "SELECT 3").await;
    drop(cache);
    let mut cache = acquire().await?;
    assert_eq!(info(&mut cache, "db").await, "0");
    let kept: u32 = cache.get("managed-task").await?;
    assert_eq!((kept, cache.info().uses), (1, 2), "the same connection");
    let _: () = cache.del("managed-task").await?;
    drop(cache);

    let report = manager.shutdown().await;
    assert!(report.is_clean(), "{report}");
    until_connections(&mut connect().await, NAME, 0).await;
    Ok(())
}

#[tokio::test]
async fn threads_get_a_clean_connection_each_time() -> Result<(), BoxError> {
    const NAME: &str = "managed-thread";
    let all_of_it = || -> Result<(), BoxError> {
        let manager = Manager::new();
        let registration = manager.register("cache", BlockingRedisResource, config(NAME));
        let registration = registration.configure_pool(|pool| pool.max_size = 1);
        let handle = registration.wait()?;
        let mut cache = handle.acquire_blocking()?;
        let _: () = cache.set("managed-thread", 1)?;
        let _: () = nebula_resource_redis::redis::cmd("SELECT")
            .arg(3)
            .query(&mut **cache)?;
        drop(cache);
        let mut cache = handle.acquire_blocking()?;
        let kept: u32 = cache.get("managed-thread")?;
        assert_eq!(
            (kept, cache.info().uses),
            (1, 2),
            "the same database and connection"
        );
        let _: () = cache.del("managed-thread")?;
        drop(cache);
        let report = manager.shutdown().wait();
        assert!(report.is_clean(), "{report}");
        Ok(())
    };
    tokio::task::spawn_blocking(all_of_it).await??;
    until_connections(&mut connect().await, NAME, 0).await;
    Ok(())
}
